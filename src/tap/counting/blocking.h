/* SPDX-License-Identifier: MPL-2.0 */
/*
 * blocking - how long a program waits in its sends, and how often it is refused.
 *
 * No clock is read for a message that is taken at once. The first frame of a message is sent with
 * ZMQ_DONTWAIT first, where the program would wait; only if that is refused the clock starts, and
 * the program's own call is done as it is, with its timeout. libzmq's own wait is such a series
 * of attempts (socket_base.cpp, send). Frames after the first are not tried so: where their peer
 * has gone libzmq drops them for a program that would wait, and tells one that would not (lb.cpp,
 * sendpipe). Only those of a PAIR wait then, for another peer, and this is not counted.
 *
 * A wait that lasts is seen while it lasts: the tap's thread takes what has passed of it at each
 * tick, the program's thread the rest, both atomically.
 *
 * Waits and refusals where the socket has no queue to send to, of a peer that is there, are counted
 * apart as well: no peer, not a slow one.
 *
 * Receives are another matter: a consumer that has nothing to do waits in them, and to try first
 * would double its work. Whether a thread is in one is looked at from outside, at each tick.
 *
 * Where several threads wait in sends of one socket (message_shared.h), their time counts once.
 *
 * Thread: those that use the socket; blocking_tick: the tap's own, the registry's lock held.
 */
#ifndef TAP_BLOCKING_H
#define TAP_BLOCKING_H

#include "tap/counting/in_use.h"
#include "tap/ground/escape.h"
#include "tap/registry/registry.h"

/* A thread is in a receive, of a socket that several may use. */
void blocking_begin_receive(const struct registry_socket *socket);
void blocking_end_receive(const struct registry_socket *socket);

/* Around the call that waits: where the thread is cancelled in it, or jumps out of it from a signal
 * handler, the wait ends with it. Both in one function. */
struct blocking_call {
    struct escape escape;
    struct in_use_call in_use;
};
void blocking_begin_call(struct blocking_call *call, struct registry_socket *socket);
void blocking_end_call(struct blocking_call *call, struct registry_socket *socket);

/* The program was told EAGAIN. */
void blocking_refused(struct registry_socket *socket);

/* It is `now_ns`, and `elapsed_ns` since the last tick. */
void blocking_tick(struct registry_socket *socket, uint64_t now_ns, uint64_t elapsed_ns);

/* Whether a wait without a peer is told from one for full queues. */
void blocking_add_library(const struct library *library);

/* What an earlier socket left is forgotten. */
void blocking_reset(struct registry_socket *socket);

/* Sets the slot's wait flags: after the socket is made, and when an option was set. */
void blocking_opened(struct registry_socket *socket);
void blocking_option_changed(struct registry_socket *socket, const struct registry_option *option);

#endif
