/* SPDX-License-Identifier: MPL-2.0 */
/*
 * api_errors - calls of the program that libzmq refused, by the error that they gave.
 *
 * Counted where a call has failed, so that one that succeeds is not slower for it. Not counted are
 * EAGAIN, which has words of its own (blocking.h), EINTR, and what the monitor tells as a bind that
 * failed.
 *
 * Thread: any. errno is read, and kept.
 */
#ifndef TAP_API_ERRORS_H
#define TAP_API_ERRORS_H

#include "tap/registry/registry.h"

/* `header` is where those of no socket are counted. */
void api_errors_start(struct segment_header *header);

void api_errors_add_library(const struct library *library);

/* A socket was made: none so far. */
void api_errors_opened(struct registry_socket *socket);

/* A call with the socket failed. */
void api_errors_count(const struct registry_slot *slot) __attribute__((cold));

/* A call failed that had no socket of the tap's: with another handle, of a context, zmq_socket. */
void api_errors_count_process(void) __attribute__((cold));

/* In a forked child: the header is the parent's. */
void api_errors_forked(void);

#endif
