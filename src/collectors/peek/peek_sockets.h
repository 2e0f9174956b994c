/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_sockets - every open socket that the reader sees, one by one, as it was in the last pass.
 *
 * Thread: any. Blocks: while the model is locked, a moment.
 */
#ifndef COLLECTORS_PEEK_PEEK_SOCKETS_H
#define COLLECTORS_PEEK_PEEK_SOCKETS_H

#include "collectors/peek/peek_link.h"
#include "collectors/tap/tap_sockets.h"

/* As tap_sockets_each, which has those of tapped processes. */
int peek_sockets_each(struct peek_link *link,
                      int (*visit)(const struct tap_socket *socket, void *data), void *data);

#endif
