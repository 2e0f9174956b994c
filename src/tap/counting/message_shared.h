/* SPDX-License-Identifier: MPL-2.0 */
/*
 * message_shared - messages of sockets that several threads may use at once.
 *
 * libzmq locks the types of its draft interface (SERVER, CLIENT, RADIO, DISH, …) itself. Their
 * words have many writers, so they are counted with atomic additions, in functions of their own:
 * the other types' message path does not know of it. Messages of these types have one frame.
 *
 * Thread: any, several at once.   errno: as libzmq left it.
 */
#ifndef TAP_MESSAGE_SHARED_H
#define TAP_MESSAGE_SHARED_H

struct registry_slot;

/* Sets the functions of a slot whose socket is of such a type. The common part of a receive, which
 * does not add atomically, then has words that nobody reads (registry_nowhere). */
void message_shared_fill_slot(struct registry_slot *slot);

#endif
