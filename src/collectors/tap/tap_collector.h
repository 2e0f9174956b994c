/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_collector - the sockets of tapped processes, from their segments.
 *
 * A scrape reads every segment and adds up; label texts were rendered when their group appeared.
 * The tick folds dead processes and keeps the state file.
 */
#ifndef COLLECTORS_TAP_TAP_COLLECTOR_H
#define COLLECTORS_TAP_TAP_COLLECTOR_H

#include "collectors/collector.h"

#include <stdbool.h>
#include <stdint.h>

#define TAP_MAX_GROUPS_DEFAULT 2000 /* written into the help as it stands here */

struct peek_link;
struct peers_watch;

struct tap_options {
    const char *directory;     /* of the segments; made if it is missing and its parent allows it */
    const char *procfs;        /* NULL: "/proc" */
    uint32_t max_groups;       /* of all processes together; 0: TAP_MAX_GROUPS_DEFAULT */
    uint64_t (*now_ns)(void);  /* NULL: clock_monotonic_ns */
    bool has_created;          /* tells since when each counter counts */
    struct peek_link *peek;    /* borrowed: reads processes without a tap; NULL: none */
    struct peers_watch *peers; /* borrowed: has what the kernel holds; NULL: none */
};

/* Errors: -ENOMEM, or -errno of opening `procfs`. A directory that is missing is an error of each
 * collection, until it is there. */
int tap_collector_new(const struct tap_options *options, struct collector *ret_collector,
                      struct error *err);

/* The collector `details` of the same sockets: events, options, mechanisms, and what the tap can
 * measure, which change rarely or are many. Where it is not usual it is asked only by those who
 * name it. Call it before either is added to a runner. */
void tap_collector_details(const struct collector *collector, bool is_usual,
                           struct collector *ret_details);

/* Whether the directory can be used, for a word at the start; later each collection tells. Makes
 * it, if it is missing and its parent allows it. */
int tap_collector_check(const struct collector *collector, struct error *err);

#endif
