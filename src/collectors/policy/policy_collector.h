/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_collector - which sockets are set up dangerously, and which programs run what they should
 * not.
 *
 * It reads the segments by itself, every POLICY_INTERVAL_S at most: how a socket is set up changes
 * rarely. Of programs without a tap it asks the reader, what libraries are like the library
 * collector.
 */
#ifndef COLLECTORS_POLICY_POLICY_COLLECTOR_H
#define COLLECTORS_POLICY_POLICY_COLLECTOR_H

#include "base/handover.h"
#include "collectors/collector.h"
#include "collectors/policy/policy_findings.h"
#include "collectors/policy/policy_report.h"

#define POLICY_INTERVAL_S 10

struct policy_options {
    const char *directory;             /* of the segments; borrowed */
    struct handover *settings;         /* where struct policy_settings come from; NULL: as preset */
    struct peek_link *peek;            /* borrowed; NULL: tapped programs alone */
    const struct collector *libraries; /* the library collector's, which outlives it; NULL: none */
    uint64_t (*now_ns)(void);          /* NULL: clock_monotonic_ns */
};

/* What a handler of another thread needs; filled in by policy_collector_new(). */
struct policy_collector;

int policy_collector_new(const struct policy_options *options, struct collector *ret_collector,
                         struct error *err);

/* From any thread: the report of the findings as they are now. Returns how many it shows, or
 * -errno of reading the segments. */
int policy_collector_report(const struct collector *collector, const struct policy_report *report,
                            struct string_buffer *out);

#endif
