/* SPDX-License-Identifier: MPL-2.0 */
/*
 * proxies - sockets inside zmq_proxy, zmq_proxy_steerable or zmq_device, which move messages inside
 * libzmq.
 *
 * While such a call runs, messages are counted from the pipes' accounts (followed.h). A proxy hands
 * on each message that it receives, so what one socket received the other sent, and the better
 * known of both counts for both: what a socket wrote, where each message goes to one peer; else
 * what the other one read. Subscriptions that an XPUB reads are not all handed on, so their number
 * is not known. Nor are bytes, waits and drops. An XSUB or ROUTER that is polled reads a message
 * ahead, which then counts as received before it is handed on.
 *
 * A socket that the program attaches (zmqtap.h) is followed in the same way, by itself.
 *
 * Thread: any, without the registry's lock; but for proxies_id_of, proxies_note, proxies_end_round
 * and proxies_settle, which the sampler calls with it. errno is kept.
 */
#ifndef TAP_PROXIES_H
#define TAP_PROXIES_H

#include "queues/followed.h"
#include "tap/registry/registry.h"

enum proxy_role { PROXY_FRONTEND, PROXY_BACKEND, PROXY_CAPTURE, PROXY_CONTROL, PROXY_N_ROLES };

/* Before the program's call, in its thread: follows those of the sockets that are tracked. The
 * same socket may be given twice; NULL is none. */
void proxies_begin(struct registry_socket *const sockets[PROXY_N_ROLES]);

/* After it, in the same thread: counts the rest. A thread that is cancelled in the call does so
 * as it ends. */
void proxies_end(void);

/* A socket that no hook sees at all, followed until it is detached, in its thread. */
void proxies_attach(struct registry_socket *socket);
void proxies_detach(struct registry_socket *socket);

/* Which proxy the socket is in, or attached as: a number that is not given twice; 0: none. The
 * registry's lock is held. */
uintptr_t proxies_id_of(const struct registry_socket *socket);

void proxies_reset(struct registry_socket *socket);

/* Enters what the sampler saw of a socket's pipes; what a proxy that has ended moved was counted.
 */
void proxies_note(struct registry_socket *socket, const struct pipe_count *count);
void proxies_end_round(struct registry_socket *socket);

/* After a round: what moved since the last one, into the lanes. */
void proxies_settle(void);

void proxies_forked(void);

#endif
