/* SPDX-License-Identifier: MPL-2.0 */
/*
 * route_layout - where a ROUTER or REP stores the pipe that its current message goes to.
 *
 * libzmq sets it when it takes the first frame of a message, the peer's id, and clears it with
 * the last; it is null in between where the message is being dropped. REP is a ROUTER inside and
 * sets it when a request is received. Found as pipe_layout is: two
 * peers take turns, and one offset in the socket holds the first one's pipe, the other's, and null
 * between messages.
 *
 * Also found: how a message whose content lies within its zmq_msg_t is recognised.
 */
#ifndef TAP_ROUTE_LAYOUT_H
#define TAP_ROUTE_LAYOUT_H

#include "queues/pipe_accounts.h"
#include "tap/ground/library.h"

struct route_layout {
    bool is_known;
    char reason[56];          /* why not */
    uint32_t current_out;     /* in a socket: pointer to a pipe, or null */
    uint32_t message_kind;    /* in a message: a byte that says where its content lies */
    unsigned char small_kind; /* its value where that is in the message itself */
};

/* `pipes` is the layout of the same library, known. Keeps errno. */
void route_layout_calibrate(const struct library *library, const struct pipe_layout *pipes,
                            struct route_layout *ret_layout);

#endif
