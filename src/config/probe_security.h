/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_security - the mapping `security` of probe settings. Thread, ownership and errors: see
 * probe_settings.h.
 */
#ifndef CONFIG_PROBE_SECURITY_H
#define CONFIG_PROBE_SECURITY_H

#include "config/config_keys.h"
#include "config/config_secret.h"

/* As in zmq.h. ANY: by greeting and without `security`, whatever the peer announces. */
enum probe_mechanism { PROBE_ANY_MECHANISM = -1, PROBE_NULL = 0, PROBE_PLAIN = 1, PROBE_CURVE = 2 };

struct probe_security {
    int mechanism;
    const char *username; /* NULL: none */
    char password[CONFIG_SECRET_MAX + 1];
    char server_key[CONFIG_SECRET_KEY_SIZE + 1]; /* Z85; empty: none */
    char secret_key[CONFIG_SECRET_KEY_SIZE + 1]; /* Z85; empty: a new one for each connection */
};

/* `node` may be NULL: NULL security. Reads the secrets' files. */
int probe_security_read(const struct config_node *node, struct probe_security *ret,
                        struct error *err);

extern const struct config_key probe_security_keys[];
extern const size_t probe_security_n_keys;

#endif
