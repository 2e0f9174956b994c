/* SPDX-License-Identifier: MPL-2.0 */
/*
 * publish - messages that a PUB or XPUB does not queue for a subscriber whose queue is full.
 *
 * libzmq drops them without a word. Each is counted, per message and subscriber, exactly: by
 * asking the socket itself, right after it has taken a message, who was left out and whether the
 * message was for him.
 *
 * As long as no queue can be full, nothing is asked: publish_measure_room finds out how many
 * messages must fit whatever happens, and the message path counts them down. Then the socket's
 * functions for sending are those of libzmq; otherwise they are publish_send and its like.
 *
 * Thread: the thread that uses the socket, inside one of its calls. errno is kept.
 */
#ifndef TAP_PUBLISH_H
#define TAP_PUBLISH_H

#include "tap/registry/registry.h"

/* Whether drops are counted. */
void publish_add_library(const struct library *library);

void publish_reset(struct registry_socket *socket);

/* The socket was made. Does nothing for other types. */
void publish_opened(struct registry_socket *socket);

void publish_option_changed(struct registry_socket *socket, const struct registry_option *option);

/* The socket sent messages that nobody counted down: inside a proxy. */
void publish_resume(struct registry_socket *socket);

/* As many messages as had room were sent: measures the room again. */
void publish_measure_room(struct registry_socket *socket) __attribute__((cold));

/* Stand for libzmq's on a socket that is watched. */
int publish_send(void *handle, const void *buffer, size_t size, int flags);
int publish_msg_send(struct tap_message *message, void *handle, int flags);

#endif
