/* SPDX-License-Identifier: MPL-2.0 */
/*
 * options - what the program set on a socket, as libzmq tells it.
 *
 * Read in the program's own call, where the socket is made and where an option is set, because
 * sockets are not for two threads; only options that zmq_getsockopt answers without processing
 * commands, as that would take a signal away from the program's zmq_poll.
 *
 * Thread: the thread that uses the socket. errno is kept.
 */
#ifndef TAP_OPTIONS_H
#define TAP_OPTIONS_H

#include "tap/registry/registry.h"

void options_reset(struct registry_socket *socket);

/* The socket was made, attached, or has moved to another lane. */
void options_read_all(struct registry_socket *socket);

/* Reads what may have changed with `option`. */
void options_changed(struct registry_socket *socket, const struct registry_option *option);

/* The program bound the socket or connected it, once more or (-1) once less. */
void options_count_endpoint(struct registry_socket *socket, bool is_connect, int change);

#endif
