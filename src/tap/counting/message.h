/* SPDX-License-Identifier: MPL-2.0 */
/*
 * message - what the hooks on the message path do for a socket.
 *
 * A hook finds the slot and goes on to the function that the slot names: for most sockets the ones
 * here, which call libzmq and count.
 */
#ifndef TAP_MESSAGE_H
#define TAP_MESSAGE_H

#include "tap/registry/registry.h"

/* Not made part of others, so that these end in a jump to them. */
registry_send_hook message_send __attribute__((noinline));
registry_msg_send_hook message_msg_send __attribute__((noinline));

/* What a slot names of a socket that is not watched (watched.h) and not shared. The hooks are those
 * of a publisher; those of others are message_send and message_msg_send, or route.c's. */
struct message_functions {
    registry_send_hook *send_hook;
    registry_msg_send_hook *msg_send_hook;
    int (*send)(void *, const void *, size_t, int);
    int (*msg_send)(struct tap_message *, void *, int);
    int (*recv)(void *, void *, size_t, int);
    int (*msg_recv)(struct tap_message *, void *, int);
};
struct message_functions message_functions_of(const struct registry_slot *slot);

bool message_is_publisher(const struct registry_slot *slot);

/* Sets the functions and the more flag of a slot whose socket is set. */
void message_fill_slot(struct registry_slot *slot);

#endif
