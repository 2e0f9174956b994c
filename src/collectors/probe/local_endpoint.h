/* SPDX-License-Identifier: MPL-2.0 */
/*
 * local_endpoint - the address of an ipc endpoint, and whether it may be bound.
 *
 * libzmq removes whatever is at the path that it binds to, be it a file or the socket of a program
 * that is running (4.3.4, ipc_listener.cpp): a probe that binds would take the program's place.
 *
 * Thread: any.   Blocks: no.
 */
#ifndef COLLECTORS_PROBE_LOCAL_ENDPOINT_H
#define COLLECTORS_PROBE_LOCAL_ENDPOINT_H

#include <sys/socket.h>
#include <sys/un.h>

/* `path` as endpoint_address has it: a first '@' stands for the NUL of the abstract namespace. */
socklen_t local_endpoint_address(const char *path, struct sockaddr_un *ret);

/* 0: nothing is there, or a socket that nobody listens at any more.
 * -EADDRINUSE: somebody listens. -EEXIST: no socket. -errno: it cannot be told. */
int local_endpoint_check_free(const char *path);

#endif
