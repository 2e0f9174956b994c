/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_settings_read - the configuration's section `policy` into policy_settings.
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
 *       starved_for: 30s           # starved_socket
 *       exemptions:                # of all that is named; patterns as fnmatch(3)
 *         - {check: plaintext_tcp, program: feed, type: PUB, address: "tcp://10.*", reason: vpn}
 *
 * Thread: any; read-only once read.   Errors: -EINVAL with `err` set, at its line; -ENOMEM.
 */
#ifndef COLLECTORS_POLICY_POLICY_SETTINGS_READ_H
#define COLLECTORS_POLICY_POLICY_SETTINGS_READ_H

#include "collectors/policy/policy_settings.h"
#include "config/config_document.h"

/* `section` NULL: all as preset. It is not needed afterwards. */
int policy_settings_read(const struct config_node *section, struct policy_settings **ret_settings,
                         struct error *err);
#endif
