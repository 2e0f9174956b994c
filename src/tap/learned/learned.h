/* SPDX-License-Identifier: MPL-2.0 */
/*
 * learned - all that was learned of each copy of libzmq.
 *
 * It stays for the life of the process, and is a forked child's as well.
 *
 * Thread: learned_calibrate_library: one at a time. All else: any.
 */
#ifndef TAP_LEARNED_H
#define TAP_LEARNED_H

#include "queues/pipe_layout.h"
#include "tap/ground/library.h"
#include "tap/learned/route_layout.h"

/* How the events of a library's monitors are read: see events/monitor.h. */
enum learned_monitor {
    LEARNED_MONITOR_UNTRIED,
    LEARNED_MONITOR_DIRECT,
    LEARNED_MONITOR_HUB,
};

struct learned {
    bool is_there;      /* all but `monitor`, which is tried later where descriptors are few */
    uint32_t more_flag; /* offset in a socket, see more_flag.h; 0: not known */
    struct pipe_layout pipes; /* of publishers and mailboxes, too */
    struct route_layout routes;
    enum learned_monitor monitor;
};

/* Calibrates all layouts of a library, the first time. */
void learned_calibrate_library(const struct library *library);

/* NULL if it was not calibrated. */
const struct learned *learned_of(const struct library *library);

/* NULL if it was not calibrated, or if the layout was not understood. */
const struct pipe_layout *learned_pipes_of(const struct library *library);

enum learned_monitor learned_monitor_of(const struct library *library);
void learned_set_monitor(const struct library *library, enum learned_monitor monitor);

#endif
