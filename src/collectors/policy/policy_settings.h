/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_settings - the configuration's section `policy`: which checks, how strict, and who is
 * exempt.
 *
 *     policy:
 *       enabled: true
 *       checks:
 *         infinite_linger: {enabled: false}
 *         wildcard_bind: {severity: low}
 *       memory_limit: 1GiB         # hwm_memory: high water mark x mean size of a message
 *       near_limit_percent: 80     # near_socket_limit, near_descriptor_limit
 *       blocked_for: 1s            # infinite_send_timeout, infinite_receive_timeout
 *       full_for: 10s              # hwm_reached
 *       long_lived: 1m             # no_heartbeat
 *       unequal_factor: 2          # unequal_hwm
 *       retries: 100               # no_reconnect_backoff
 *       exemptions:                # of all that is named; patterns as fnmatch(3)
 *         - {check: plaintext_tcp, program: feed, type: PUB, address: "tcp://10.*", reason: vpn}
 *
 * Thread: any; read-only once read.   Errors: -EINVAL with `err` set, at its line; -ENOMEM.
 */
#ifndef COLLECTORS_POLICY_POLICY_SETTINGS_H
#define COLLECTORS_POLICY_POLICY_SETTINGS_H

#include "collectors/library/advisory_table.h"
#include "config/config_document.h"

#define POLICY_CHECKS_MAX     64u
#define POLICY_EXEMPTIONS_MAX 1000

struct policy_exemption {
    char *check, *program, *type, *endpoint; /* NULL: any */
};

struct policy_settings {
    bool is_enabled;
    bool is_check_enabled[POLICY_CHECKS_MAX]; /* by the number of the row */
    enum advisory_severity severity[POLICY_CHECKS_MAX];
    int64_t memory_limit_bytes, near_limit_percent, blocked_ms, full_ms, long_lived_ms;
    int64_t unequal_factor, retries;
    struct policy_exemption *exemptions;
    size_t n_exemptions;
};

/* `section` NULL: all as preset. It is not needed afterwards. */
int policy_settings_read(const struct config_node *section, struct policy_settings **ret_settings,
                         struct error *err);
void policy_settings_destroy(struct policy_settings **self_p);

/* Whether the check does not concern the socket by the configuration. Empty texts match "". */
bool policy_settings_exempt(const struct policy_settings *self, const char *check,
                            const char *program, const char *type, const char *endpoint);

#endif
