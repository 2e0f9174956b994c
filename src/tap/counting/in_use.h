/* SPDX-License-Identifier: MPL-2.0 */
/*
 * in_use - which thread is in a call with a socket, of the calls that are watched.
 *
 * libzmq lets one thread at a time use a socket, and says nothing if two do. Whoever comes into a
 * call while another thread is in one that is watched is counted (SEGMENT_CONCURRENT_CALLS). Both
 * are within their calls then, so there is no fence between them that would make it right. Which
 * calls are watched: watched.h, and sends that wait.
 *
 * A call that its thread leaves in another way than by returning is over (escape.h). Sockets that
 * several threads may use are none of this.
 *
 * Thread: any. errno is kept.
 */
#ifndef TAP_IN_USE_H
#define TAP_IN_USE_H

#include "tap/ground/escape.h"
#include "tap/registry/registry.h"

struct in_use_call {
    struct escape escape;
    const struct registry_socket *socket;
    uint32_t thread; /* 0: the call is not the one that has the socket */
};

/* Around a call that is watched, both in one function. */
void in_use_begin_call(struct in_use_call *call, const struct registry_socket *socket);
void in_use_end_call(struct in_use_call *call);

/* A call begins that is not watched itself. */
void in_use_check(const struct registry_socket *socket);

bool in_use_is_taken(const struct registry_socket *socket);

/* Numbers from 1, given as threads come by. */
uint32_t in_use_this_thread(void);

void in_use_reset(struct registry_socket *socket);

#endif
