/* SPDX-License-Identifier: MPL-2.0 */
/*
 * route - messages that a ROUTER or REP drops because their peer is not there or full.
 *
 * libzmq says nothing of these. But where it has taken the first frame of a message, the peer's
 * id, it has the peer's pipe in its hand, or none: a look at that is enough while all goes well.
 * Where there is none, the message is ended, and its first frame sent again under
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

#include "queues/pipe_accounts.h"
#include "tap/ground/library.h"

struct registry_socket;
struct route_layout;

/* Of one socket; embedded, all zero is for sockets that do not route. */
struct route {
    const struct route_layout *layout; /* NULL: not watched */
    const struct pipe_layout *pipes;
    bool is_mandatory, is_raw; /* by the program */
    bool is_swallowing;        /* libzmq has not got the present message */
};

/* Learns a library's layout, once, before its first socket is tracked. Returns NULL, or why not. */
const char *route_add_library(const struct library *library, const struct pipe_layout *pipes);

/* The socket was made. Does nothing for other types. */
void route_start(struct registry_socket *socket);

/* The program has set an option with success. */
void route_option_changed(struct registry_socket *socket, int option, const void *value,
                          size_t size);

#endif
