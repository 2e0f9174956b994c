/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peer_join - puts together what the reader tells of connections and what the kernel tells of its
 * sockets: a table of peers.
 *
 * The process at the other end is one that the reader told connections of, or the owner of the
 * kernel's socket, for whom the reader must be asked; from time to time again, for a socket may go
 * on in a child of the process that made it.
 *
 * Thread: one at a time. Errors: -ENOMEM.
 */
#ifndef COLLECTORS_PEERS_PEER_JOIN_H
#define COLLECTORS_PEERS_PEER_JOIN_H

#include "collectors/peek/peek_model.h"
#include "collectors/peers/kernel_sockets.h"
#include "collectors/peers/peer_table.h"

#define PEER_JOIN_RETRY_NS   UINT64_C(30000000000) /* before nobody's socket is asked for again */
#define PEER_JOIN_RECHECK_NS UINT64_C(10000000000) /* and somebody's */

struct peer_join_connection {
    uint32_t pid, type;
    uint64_t start_ticks, handle;
    struct peek_connection is;
    char address[120]; /* of its ZeroMQ socket */
    char program[PROGRAM_NAME_SIZE];
};

struct peer_join_owner {
    struct peek_owner is;
    uint64_t asked_ns; /* monotonic; 0: not asked yet */
    bool is_told;
    bool is_used; /* in the last join */
};

struct peer_join {
    struct peer_join_connection *connections; /* by inode */
    size_t n_connections, connections_capacity;
    struct peer_process *processes; /* that were looked at for connections */
    size_t n_processes, processes_capacity;
    struct kernel_sockets kernel;
    struct peer_join_owner *owners; /* by inode */
    size_t n_owners, owners_capacity;
};

void peer_join_finish(struct peer_join *self);

/* Copies the connections that were told last; the model is locked. */
int peer_join_take_connections(struct peer_join *self, const struct peek_model *model);

/* Takes the owners that were told meanwhile out of the model, which is locked. */
void peer_join_take_owners(struct peer_join *self, struct peek_model *model);

/* Asks the kernel. Errors: -errno. */
int peer_join_take_kernel(struct peer_join *self);

int peer_join_make(struct peer_join *self, struct peer_table *ret_table);

/* The sockets whose owners are to be asked for, after a join; at most `max`. They are noted as
 * asked for at `now_ns`. */
size_t peer_join_wanted(struct peer_join *self, uint64_t now_ns, uint64_t *ret_inodes, size_t max);

/* Whether all are told that were asked for. */
bool peer_join_has_all(const struct peer_join *self);

#endif
