/* SPDX-License-Identifier: MPL-2.0 */
/*
 * endings - messages that were in a queue when it was thrown away.
 *
 * The tap's thread reads queues that hold something, and when one is gone counts what it held
 * at the last round; but only where nothing can have been read since: the reading end had closed
 * by then, or libzmq had told of the connection's end, or no peer had ever finished a handshake,
 * or the queue stood still until linger ran out. Where none of this is certain, nothing is
 * counted. So the counts are at least what was lost, and exact where the program is at rest.
 *
 * linger      of a socket that the program closed. What is queued over inproc stays with the
 *             peer, who may still read it.
 * disconnect  of a peer that went away, and of one that a socket with ZMQ_IMMEDIATE lost.
 *
 * Not known, and not counted: what libzmq had taken from the queue, into its buffer for the
 * network or the kernel's.
 *
 * Thread: endings_event, endings_begin_cut, endings_end_cut, endings_closing: any of the program's;
 * the first with the registry's lock held. All else: the tap's own. Limits: ENDINGS_MAX_CLOSED
 * sockets that are closed and hold something, and about 4000 queues that do; what is beyond is not
 * counted.
 */
#ifndef TAP_ENDINGS_H
#define TAP_ENDINGS_H

#include "queues/pipe_accounts.h"
#include "tap/registry/registry.h"

#define ENDINGS_MAX_CLOSED 256u

/* libzmq has sent an event of the socket, which may be closed. */
void endings_event(struct registry_socket *socket, uint64_t kind);

/* Around a call in which the program ends connections of its own. */
void endings_begin_cut(struct registry_socket *socket);
void endings_end_cut(struct registry_socket *socket);

void endings_option_changed(struct registry_socket *socket, const struct registry_option *option);

void endings_reset(struct registry_socket *socket);

/* Before the program closes it. Keeps errno. */
void endings_closing(struct registry_socket *socket);

/*
 * A round, in this order: begin, prepare for each open one, add_closed, with the registry's lock
 * held; the reader sees them; settle.
 */
void endings_begin_round(void);
void endings_prepare(struct registry_socket *socket, struct pipe_target *target);
size_t endings_add_closed(struct pipe_target *targets);
void endings_settle(const struct pipe_target *targets, size_t n);

/* When the next round must be, CLOCK_MONOTONIC; UINT64_MAX: none must. */
uint64_t endings_next_round_ns(void);

/* In a forked child: nothing is left. */
void endings_forked(void);

#endif
