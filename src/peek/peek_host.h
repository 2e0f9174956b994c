/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_host - which processes of the host run libzmq.
 *
 * A process is looked at when it appears and when its number of threads changes; libzmq shows by
 * the names of its threads. While the kernel gave no new number to a process or thread, nothing is
 * listed at all, and otherwise so rarely that it costs a five hundredth of a core at most.
 *
 * Thread: one. Errors: -errno of /proc; -ENOMEM.
 */
#ifndef PEEK_PEEK_HOST_H
#define PEEK_PEEK_HOST_H

#include "peek/peek_process.h"
#include "peek/peek_setup.h"

#define PEEK_LIST_MAX_NS (10 * UINT64_C(1000000000)) /* between two lists, as a rule */
#define PEEK_LIST_SHARE  500u /* a list's cost is at most one part of so many of the time */
#define PEEK_HOST_LOOKS  3u   /* in lists that follow each other, at a process that has changed */

struct peek_host_entry {
    pid_t pid;
    uint64_t signature;           /* of its threads; another: look again */
    struct peek_process *process; /* NULL: no libzmq, or not followed */
    enum peek_reason reason;      /* why it is not followed, though it runs libzmq */
    uint64_t start_ticks;         /* 0: not asked yet */
    uint64_t net_namespace;       /* of one that runs libzmq, as it was then; 0: not known */
    unsigned n_looks_left;        /* a thread that was just made has not its name yet */
    bool is_listed;
    bool is_told;                    /* its reason */
    char program[PROGRAM_NAME_SIZE]; /* of one that runs libzmq */
};

struct peek_host {
    int procfs_fd;
    struct peek_host_entry *entries; /* by pid */
    size_t n_entries, capacity;
    size_t n_followed;
    size_t n_unsettled; /* are to be looked at once more */
    const struct peek_setup *setup;
    pid_t excluded_pid; /* the exporter, which has sockets of its own */
    uint64_t next_list_ns, forced_list_ns;
    uint64_t last_pid;
    uint64_t n_insides_changes; /* in what is known of all processes' files */
    void (*tell_gone)(void *data, pid_t pid, uint64_t start_ticks);
    void *data;
};

int peek_host_init(struct peek_host *self, const char *procfs);
void peek_host_finish(struct peek_host *self);

/* Lists the processes, if it is time to. */
int peek_host_update(struct peek_host *self);

/* The name of any process, as it would be told. */
void peek_host_find_program(const struct peek_host *self, pid_t pid,
                            char ret_program[static PROGRAM_NAME_SIZE]);

/* Forgets what is followed of an entry: the process is gone, or has no context any more. */
void peek_host_release(struct peek_host *self, struct peek_host_entry *entry);

#endif
