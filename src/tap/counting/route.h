/* SPDX-License-Identifier: MPL-2.0 */
/*
 * route - messages that a ROUTER or REP drops because their peer is not there or full.
 *
 * libzmq does not report these. But once it has taken the first frame of a message, the peer's id,
 * the socket has a pointer to the peer's pipe, or NULL: reading that is enough for a message that
 * is delivered. Where there is none, the message is ended, and its first frame sent again under
 * ZMQ_ROUTER_MANDATORY, which is set for this one call: libzmq then says what is wrong, and the
 * program's other frames go no further; or the peer has room by now, and the message goes on as
 * if it had had it at once.
 *
 * A peer that goes between the frames of a message, and the requester that a REP answers, are
 * seen in the same place; the last frame has arrived if the pipe is still active after it.
 *
 * ZMQ_ROUTER_MANDATORY is never set while no call of the program is under way, and never on a
 * REP, which would abort. Where the program has set it, it is told itself. A raw ROUTER is left
 * alone.
 *
 * Thread: the one that uses the socket.
 */
#ifndef TAP_ROUTE_H
#define TAP_ROUTE_H

#include "tap/registry/registry.h"

/* Whether drops are counted. */
void route_add_library(const struct library *library);

void route_reset(struct registry_socket *socket);

/* The socket was made. Does nothing for other types. */
void route_opened(struct registry_socket *socket);

void route_option_changed(struct registry_socket *socket, const struct registry_option *option);

#endif
