/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_life - whether the process that wrote a segment is still there.
 *
 * A process is known by its pid and start time. Once it was seen alive it is watched through a
 * pidfd, which tells its end at no cost and never of another process; without pidfds (before
 * Linux 5.3, or forbidden) /proc is asked each time. A zombie is dead: it has no sockets.
 *
 * Start times are compared by one clock: a process of another time namespace has its own, see
 * tap_clock. Where it is not known which, a start time that differs proves nothing.
 *
 * A process of another pid namespace is looked for among all processes by the pid that it has
 * there; if it is not to be found (the agent runs in a container itself) nothing is sure, and the
 * age of the heartbeat decides, see tap_process.
 *
 * Thread: one. Owns: the pidfd.
 */
#ifndef COLLECTORS_TAP_TAP_LIFE_H
#define COLLECTORS_TAP_TAP_LIFE_H

#include "collectors/tap/tap_clock.h"
#include "segment/segment_layout.h"

#include <stdbool.h>
#include <sys/types.h>

enum tap_life_state {
    TAP_LIFE_UNSURE, /* cannot be told from here */
    TAP_LIFE_ALIVE,
    TAP_LIFE_DEAD,
    TAP_LIFE_FOREIGN, /* alive, but the file belongs to another user: it is forged */
};

struct tap_life {
    enum tap_life_state state;
    pid_t pid;            /* as the agent sees it; 0: not found */
    uint64_t start_ticks; /* as it sees itself */
    struct tap_clock clock;
    int pidfd; /* -1: none */
};

/* What all processes are compared with. */
struct tap_host {
    int procfs_fd; /* -1: not open */
    uint64_t pid_namespace;
    struct tap_clock_base clock;
    char boot_id[40];
};

/* Which process, as it says of itself. */
struct tap_life_name {
    uint64_t pid, start_ticks, pid_namespace;
};

/* Opens /proc, or another folder for tests. */
int tap_host_init(struct tap_host *self, const char *procfs);
void tap_host_finish(struct tap_host *self);

#define TAP_LIFE_NONE ((struct tap_life){.pidfd = -1})

/* Looks for the process, whose file belongs to `owner`. */
void tap_life_begin(struct tap_life *self, const struct tap_host *host,
                    const struct tap_life_name *name, uid_t owner);

/* Looks again where there is no pidfd; with one, `is_ended` is what poll(2) said of it. */
void tap_life_update(struct tap_life *self, const struct tap_host *host, bool is_ended);

/* Closes the pidfd; from then on each update looks for the process again. */
void tap_life_unwatch(struct tap_life *self);

void tap_life_end(struct tap_life *self);

#endif
