/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peer_table - who is at the other end of each connection, as it was at one moment.
 *
 * A socket is known by its process's start time and its handle (queues/socket_handle.h); by the
 * number of the process too, where that is the same for all: in a container it is not.
 *
 * Numbers that are not known are PEER_UNKNOWN, texts are empty, and a peer that is not on this
 * host, or in another network namespace, has the process number 0.
 */
#ifndef COLLECTORS_PEERS_PEER_TABLE_H
#define COLLECTORS_PEERS_PEER_TABLE_H

#include "base/program_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_UNKNOWN (UINT64_C(1) << 63)

struct peer {
    uint64_t start_ticks, handle, pid; /* whose peer it is */
    uint64_t inode;                    /* of the connection's own end; 0: within the process */
    bool is_inproc;
    char address[120];
    uint64_t peer_pid, peer_start_ticks;
    uint64_t peer_handle;                 /* 0: no ZeroMQ socket, or not known which */
    char peer_program[PROGRAM_NAME_SIZE]; /* as the reader sees it (problems/problem_names.h) */
    const char *peer_type;                /* "PULL"; NULL: no ZeroMQ socket, or not known */
    uint64_t send_queue, receive_queue;   /* messages in the socket's own queues of it */
    uint64_t full_since_ns;               /* since the epoch; 0: it is not full */
    uint64_t unsent_bytes, unread_bytes, retransmits, peer_unread_bytes; /* of the kernel */
};

struct peer_process {
    uint64_t start_ticks, pid;
};

/* The greatest of some connections; PEER_UNKNOWN: of none it is known. */
struct peer_worst {
    uint64_t unsent_bytes, unread_bytes, retransmits;
};

/* A socket that has connections: so many of the table's items, from `first` on. */
struct peer_socket {
    uint64_t start_ticks, handle, pid;
    size_t first, n; /* `n` 0: a free slot */
    struct peer_worst worst;
};

struct peer_table {
    struct peer *items; /* by start, handle, pid and inode */
    size_t n;
    struct peer_process *processes; /* all of whose connections are known, by start and pid */
    size_t n_processes;
    struct peer_socket *slots; /* by a hash of start and handle; made by peer_table_complete() */
    size_t n_slots;            /* a power of two, so that some are free; 0: not made */
};

/* Sorts what was filled in, and sums up what is asked of each socket in every scrape. Errors:
 * -ENOMEM. */
int peer_table_complete(struct peer_table *self);
void peer_table_finish(struct peer_table *self);

/* The peers of one socket, `ret_n` of them; false: they are not known. */
bool peer_table_find(const struct peer_table *self, const struct peer_process *process,
                     uint64_t handle, const struct peer **ret_peers, size_t *ret_n);

/* The number of the socket's process on this host, which in a container it does not know; 0: its
 * connections are not known. */
uint64_t peer_table_pid(const struct peer_table *self, const struct peer_process *process,
                        uint64_t handle);

struct peer_worst peer_table_worst(const struct peer_table *self,
                                   const struct peer_process *process, uint64_t handle);

#endif
