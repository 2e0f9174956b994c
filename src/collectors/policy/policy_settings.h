/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_settings - which checks, how strict, and who is exempt.
 *
 * Thread: any; read-only once read (policy_settings_read.h).
 */
#ifndef COLLECTORS_POLICY_POLICY_SETTINGS_H
#define COLLECTORS_POLICY_POLICY_SETTINGS_H

#include "collectors/library/advisory_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    int64_t unequal_factor, retries, starved_ms;
    struct policy_exemption *exemptions;
    size_t n_exemptions;
};

void policy_settings_destroy(struct policy_settings **self_p);

/* Whether the check does not concern the socket by the configuration. Empty texts match "". */
bool policy_settings_exempt(const struct policy_settings *self, const char *check,
                            const char *program, const char *type, const char *endpoint);

#endif
