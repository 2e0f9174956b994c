/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_clock - how far the clocks of another process are from the agent's.
 *
 * In a time namespace of its own (time_namespaces(7)) a process's CLOCK_MONOTONIC and its start
 * time, which counts by CLOCK_BOOTTIME, differ from what others read of it: /proc/<pid>/stat shows
 * the start time by the clock of whoever reads. Here both are brought to the agent's clocks.
 *
 * Thread: any.
 */
#ifndef COLLECTORS_TAP_TAP_CLOCK_H
#define COLLECTORS_TAP_TAP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the process's clocks show more than the agent's. */
struct tap_clock {
    bool is_sure; /* the offsets are those of the process, and not only probable */
    int64_t monotonic_ns, boottime_ns;
};

/* The agent's own clocks, seen from the first time namespace. */
struct tap_clock_base {
    uint64_t time_namespace; /* 0: the kernel has none */
    int64_t monotonic_ns, boottime_ns;
};

void tap_clock_base_init(struct tap_clock_base *self, int procfs_fd);

/* By the process's namespace, where it may be seen, and by its offsets, which anybody may. */
struct tap_clock tap_clock_of(const struct tap_clock_base *base, int procfs_fd, pid_t pid);

/* Whether a start time that the process read of itself is the one that the agent reads of it. */
bool tap_clock_is_start(const struct tap_clock *self, uint64_t its_ticks, uint64_t our_ticks);

/* A time by the process's CLOCK_MONOTONIC, by the agent's. At least 0. */
uint64_t tap_clock_to_ours(const struct tap_clock *self, uint64_t its_ns);

#endif
