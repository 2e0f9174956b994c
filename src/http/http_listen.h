/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_listen - a listening socket from the text that a human wrote.
 *
 * ":10556" every address, IPv6 and IPv4; "127.0.0.1:10556"; "[::1]:10556"; "localhost:10556";
 * port 0 takes a free one; "unix:/run/zmq_exporter.sock" a socket file of mode 0660, which
 * replaces one that nobody serves any more.
 *
 * Errors: -EINVAL not an address, else -errno; `err` says which and what to do.
 */
#ifndef HTTP_HTTP_LISTEN_H
#define HTTP_HTTP_LISTEN_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

struct http_listen {
    int fd;
    char address[128];                                      /* where it really listens */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of a socket file we made, or "" */
};

int http_listen_open(const char *text, struct http_listen *ret_listen, struct error *err);

/* A socket that somebody else opened, for example systemd. Takes `fd`; on failure it is left as it
 * is, for it may be no socket at all. */
int http_listen_adopt(int fd, struct http_listen *ret_listen, struct error *err);

/* Closes the descriptor, unless it was given away (-1), and removes the socket file. */
void http_listen_close(struct http_listen *self);

#endif
