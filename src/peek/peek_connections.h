/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_connections - the connections of a process's sockets: how much waits in each, since when one
 * is full, and which of the kernel's sockets it is.
 *
 * Thread: one.
 */
#ifndef PEEK_PEEK_CONNECTIONS_H
#define PEEK_PEEK_CONNECTIONS_H

#include "peek/peek_connection.h"
#include "peek/peek_process.h"

/* Those of the pass that has just ended, and how many were left out; borrowed until the next one
 * begins. */
size_t peek_connections_find(struct peek_process *process,
                             const struct peek_connection **ret_connections,
                             size_t *ret_n_left_out);

#endif
