/* SPDX-License-Identifier: MPL-2.0 */
/*
 * message - what the hooks on the message path do for a socket.
 *
 * A hook finds the slot and goes on to the function that the slot names: for most sockets the ones
 * here, which call libzmq and count. It is given the slot beside libzmq's own parameters.
 */
#ifndef TAP_MESSAGE_H
#define TAP_MESSAGE_H

#include "tap/ground/library.h"

struct registry_slot;

typedef int message_send_hook(void *handle, const void *buffer, size_t size, int flags,
                              struct registry_slot *slot);
typedef int message_msg_send_hook(struct tap_message *message, void *handle, int flags,
                                  struct registry_slot *slot);

/* Not made part of others, so that these end in a jump to them. */
message_send_hook message_send __attribute__((noinline));
message_msg_send_hook message_msg_send __attribute__((noinline));

/* Sets the functions and the more flag of a slot whose socket is set. */
void message_fill_slot(struct registry_slot *slot);

#endif
