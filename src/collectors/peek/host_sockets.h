/* SPDX-License-Identifier: MPL-2.0 */
/*
 * host_sockets - every open socket of the host, once: those that taps tell of, then those that the
 * reader sees of processes without a tap.
 *
 * The reader sees tapped processes too, and knows that they are tapped only from the exporter's
 * scrapes: before the first one, and where no exporter runs, it tells of them.
 *
 * Thread: any. Blocks: while the reader's model is locked, a moment.
 */
#ifndef COLLECTORS_PEEK_HOST_SOCKETS_H
#define COLLECTORS_PEEK_HOST_SOCKETS_H

#include "collectors/peek/peek_link.h"
#include "collectors/tap/tap_sockets.h"

/* `peek` NULL: tapped processes alone. Errors: what `visit` returns, -ENOMEM, and -errno of opening
 * the directory, but for -ENOENT. With `ret_directory_result` that is none: it is told there, 0 or
 * -errno, and what the reader sees is visited all the same. */
int host_sockets_each(const char *directory, struct peek_link *peek,
                      int (*visit)(const struct tap_socket *socket, void *data), void *data,
                      int *ret_directory_result);

#endif
