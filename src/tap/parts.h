/* SPDX-License-Identifier: MPL-2.0 */
/*
 * parts - what the parts of the tap do when something happens to a library or a socket.
 *
 * One table, parts.c, has a row for each part; these functions walk it. A new part is its own file,
 * an array of what it keeps for each socket, by the socket's index in the registry, and a row. None
 * of this is on the message path, where a slot names the functions to call.
 *
 * Thread: the one that uses the socket, without the registry's lock, unless said otherwise. errno
 *         is kept.
 */
#ifndef TAP_PARTS_H
#define TAP_PARTS_H

#include "tap/registry/registry.h"

/* Before the first socket: the registry and the events are given what they call. */
void parts_start(struct segment_table *table);

/* A copy of libzmq is followed from now on, and what there is to know of it was learned. In the
 * thread that starts the tap, before the first socket of the library is tracked. */
void parts_add_library(const struct library *library);

/* The program has made the socket, or attached it. */
void parts_opened(struct registry_socket *socket);
void parts_attached(struct registry_socket *socket);

/* The program has set an option, with success. */
void parts_option_changed(struct registry_socket *socket, const struct registry_option *option);

/* Around a call in which the program ends connections of its own. */
void parts_begin_cut(struct registry_socket *socket);
void parts_end_cut(struct registry_socket *socket);

/* The program is about to close the socket, or detach it. */
void parts_closing(struct registry_socket *socket);
void parts_detaching(struct registry_socket *socket);

/* The tap's thread, ten times a second, with the registry's lock held: it is `now_ns`, and
 * `elapsed_ns` since the last time. */
void parts_tick(uint64_t now_ns, uint64_t elapsed_ns);

/* In a forked child, after registry_forked: nothing that the parent had is known. */
void parts_forked(void);

#endif
