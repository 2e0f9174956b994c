/* SPDX-License-Identifier: MPL-2.0 */
/*
 * problem_ends - which sockets send to which, by the connections that the kernel knows.
 *
 * Where all connections of one end are known (collectors/peers), and the sockets at their other
 * ends, these decide: the same address can be another link, as a relative path of ipc in another
 * folder, or a port in another network namespace, and other addresses can be the same link. Where
 * they are not, the addresses decide, and within a network namespace which one it is
 * (problem_link.h): without the reader, in namespaces that are not the exporter's, to other hosts,
 * within a process, and before a connection is in the table.
 *
 * What is asked of a socket is asked of all that are alike in its process, which are one problem.
 *
 * Thread: any; the table is locked meanwhile. Errors: -ENOMEM.
 */
#ifndef PROBLEMS_PROBLEM_ENDS_H
#define PROBLEMS_PROBLEM_ENDS_H

#include "collectors/peers/peer_table.h"
#include "problems/problem_view.h"

struct problem_ends {
    const struct problem_view *view;
    const struct peer_table *table;          /* NULL: no connections are known */
    const struct problem_socket **by_handle; /* those that the table can name */
    size_t n_by_handle;
};

/* The other ends of a socket and those that are alike. */
struct problem_peers {
    const struct problem_socket **items;
    size_t n, capacity;
    bool is_complete; /* there are some, and it has no others */
};

/* Borrows `view` and `table`. */
int problem_ends_init(struct problem_ends *self, const struct problem_view *view,
                      const struct peer_table *table);
void problem_ends_finish(struct problem_ends *self);

/* Fills `peers` anew, which may have been used before. */
int problem_ends_take(const struct problem_ends *self, const struct problem_socket *socket,
                      struct problem_peers *peers);
void problem_peers_finish(struct problem_peers *self);

/* Whether `socket`, or one that is alike, is among them. */
bool problem_peers_have(const struct problem_peers *self, const struct problem_socket *socket);

#endif
