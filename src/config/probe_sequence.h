/* SPDX-License-Identifier: MPL-2.0 */
/* probe_sequence - the mapping `sequence` of probe settings. See probe_settings.h. */
#ifndef CONFIG_PROBE_SEQUENCE_H
#define CONFIG_PROBE_SEQUENCE_H

#include "config/probe_settings.h"

int probe_sequence_read(const struct config_node *node, struct probe_sequence_settings *ret,
                        struct error *err);

extern const struct config_key probe_sequence_keys[];
extern const size_t probe_sequence_n_keys;
extern const struct config_key probe_sequence_key_keys[];
extern const size_t probe_sequence_key_n_keys;

#endif
