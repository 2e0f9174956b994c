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

/* Sets the functions and the more flag of a slot whose socket is set. */
void message_fill_slot(struct registry_slot *slot);

#endif
