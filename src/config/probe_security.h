/* SPDX-License-Identifier: MPL-2.0 */
/* probe_security - the mapping `security` of probe settings. See probe_settings.h. */
#ifndef CONFIG_PROBE_SECURITY_H
#define CONFIG_PROBE_SECURITY_H

#include "config/probe_settings.h"

/* `node` may be NULL: NULL security. Reads the secrets' files. */
int probe_security_read(const struct config_node *node, struct probe_security *ret,
                        struct error *err);

extern const struct config_key probe_security_keys[];
extern const size_t probe_security_n_keys;

#endif
