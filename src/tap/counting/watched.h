/* SPDX-License-Identifier: MPL-2.0 */
/*
 * watched - a sample of the calls with each socket, in which more is noted than in all of them.
 *
 * A new socket's slot names functions that note who is in a call (in_use.h) and who receives, and
 * then do what the plain ones do. After a few calls the slot gets the plain ones, and with each
 * tick it has the others back. So the message path of a busy socket is as long as before, and a
 * call that waits is mostly seen for as long as it lasts: then, and only then, is the socket
 * watched on, that another thread is seen to come.
 *
 * Thread: watched_tick the tap's own, the registry's lock held; the others the one that makes it.
 */
#ifndef TAP_WATCHED_H
#define TAP_WATCHED_H

#include "tap/registry/registry.h"

/* The slot has its functions. */
void watched_opened(struct registry_socket *socket);

/* Whether the program has made a call since the tick before the last one, as far as that is seen.
 * What is not watched may always have. For the tap's thread. */
bool watched_has_calls(void);

void watched_reset(struct registry_socket *socket);
void watched_tick(struct registry_socket *socket, uint64_t now_ns, uint64_t elapsed_ns);

#endif
