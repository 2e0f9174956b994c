/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_scan - the processes whose segments are, or were, in the directory.
 *
 * A scan lists the directory where it has changed, follows the lives of the processes, and finds
 * which files are of one process: after execve() a newer image takes over, and of two files of
 * one image (a change of user, a file made again) the one written last counts.
 *
 * The directory is anybody's to write into. What is no segment takes no place; what a user may
 * take is limited (tap_quota), and what is left out for a limit is counted.
 *
 * Thread: one. Owns: processes, the directory's descriptor; groups are borrowed.
 * Errors: -errno of opening or listing the directory; what was known stays.
 */
#ifndef COLLECTORS_TAP_TAP_SCAN_H
#define COLLECTORS_TAP_TAP_SCAN_H

#include "collectors/tap/tap_process.h"

#include <time.h>

#define TAP_GARBAGE_NS (5 * CLOCK_NS_PER_SECOND) /* a file that never became a segment */

struct pollfd;

struct tap_scan {
    char *directory;
    int directory_fd; /* -1: not open */
    struct timespec changed;
    bool is_listed; /* as of `changed` */
    struct tap_host host;
    struct tap_groups *groups;
    const struct peer_table *peers; /* borrowed while a scan runs; NULL: not known */
    struct tap_scratch scratch;
    struct tap_quota quota;
    struct tap_process **processes; /* by file name */
    size_t n_processes, capacity;
    uint32_t n_left_out, n_invalid; /* files of the last listing that are not among them */
    bool has_pending;               /* of these, some may still become segments */
    bool is_unresolved; /* ids became known since the last look at who supersedes whom */
    struct tap_folded folded;
    bool is_complete; /* every file was looked at since the start */
    struct pollfd *polls;
    size_t polls_capacity;
};

/* `directory` is copied, `procfs` is "/proc" or a folder like it. */
int tap_scan_init(struct tap_scan *self, const char *directory, const char *procfs,
                  struct tap_groups *groups);
void tap_scan_finish(struct tap_scan *self);

/* Opens the directory, if it is not open, or another is in its place. Sets `ret_is_new`. */
int tap_scan_open(struct tap_scan *self, bool *ret_is_new);

/* ACCOUNTS: reads what every process counts. LIVES: only what is needed to know which live. */
enum tap_scan_depth { TAP_SCAN_LIVES, TAP_SCAN_ACCOUNTS };

/* Lists, reads and judges all processes. Errors of single files are not errors of the scan. */
int tap_scan_run(struct tap_scan *self, enum tap_scan_depth depth, uint64_t now_ns);

/* Reads the process's account, and what it takes of its owner's share. */
int tap_scan_read(struct tap_scan *self, struct tap_process *process, bool is_forced,
                  uint64_t now_ns);

/* Reads a candidate, which needs a place to become a segment; what was folded is not taken in
 * again. */
int tap_scan_read_first(struct tap_scan *self, struct tap_process *process, uint64_t now_ns);

/* Takes in a process without a file. For the state file. */
int tap_scan_add(struct tap_scan *self, struct tap_process *process);

/* Takes the file out of the directory, if it is still the process's. */
int tap_scan_remove(struct tap_scan *self, struct tap_process *process);

/* Drops processes that nothing is left of. */
void tap_scan_forget(struct tap_scan *self, uint64_t now_ns);

/* Files that are not on the page because of a limit. */
uint32_t tap_scan_left_out(const struct tap_scan *self);

/* Whether the file has not become a segment, or one that may be read, in the time it takes. */
bool tap_scan_is_garbage(const struct tap_process *process, uint64_t now_ns);

/* Whether the file can go: its counters are in the state file, or it never had any. */
bool tap_scan_is_removable(const struct tap_process *process, uint64_t now_ns);

#endif
