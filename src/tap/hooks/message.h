/* SPDX-License-Identifier: MPL-2.0 */
/*
 * message - what the hooks on the message path call for a socket.
 */
#ifndef TAP_MESSAGE_H
#define TAP_MESSAGE_H

struct registry_slot;

/* Sets the functions and the more flag of a slot whose socket is set. */
void message_fill_slot(struct registry_slot *slot);

#endif
