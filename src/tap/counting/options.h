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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct registry_socket;

/* What zmq_getsockopt does not tell, from the calls seen. */
struct options_seen {
    bool is_mandatory, is_nodrop;
    uint32_t n_binds, n_connects;
};

void options_read_all(const struct registry_socket *socket);

/* `option` was set with success: reads what that may have changed. */
void options_read_changed(struct registry_socket *socket, int option, const void *value,
                          size_t size);

/* The program bound the socket or connected it, once more or (-1) once less. */
void options_count_endpoint(struct registry_socket *socket, bool is_connect, int change);

#endif
