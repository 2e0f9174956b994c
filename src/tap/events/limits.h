/* SPDX-License-Identifier: MPL-2.0 */
/*
 * limits - the program's limits on sockets and descriptors are for its own.
 *
 * Where the tap has sockets in the program's contexts (hub.h), these come out of a context's
 * ZMQ_MAX_SOCKETS. libzmq is given a higher one before the first socket, the program sees and
 * meets its own. Where that cannot be, and for descriptors, the tap gives back what it has when the
 * program runs out. Everywhere else the limits are libzmq's.
 *
 * Thread: any, without a lock of the tap held.
 */
#ifndef TAP_LIMITS_H
#define TAP_LIMITS_H

#include "tap/registry/registry.h"

/* Before the first socket of a context. */
void limits_begin_context(struct registry_context *context);

/* zmq_ctx_set of the context's library. */
int limits_set_option(struct registry_context *context, int option, int value);

/* The program has set it, with success. */
void limits_set_max_sockets(struct registry_context *context, int value);

/* Makes a socket of the program, or fails as it would without the tap. */
void *limits_make_socket(struct registry_context *context, int type);

void limits_forked(void);

#endif
