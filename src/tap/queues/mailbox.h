/* SPDX-License-Identifier: MPL-2.0 */
/*
 * mailbox - pipes that libzmq has made for a socket which does not know them yet.
 *
 * A peer that connects gets a pipe at once, and can fill it; the socket takes it in with its
 * thread's next call, when it processes what is in its mailbox. A thread that is stuck never does,
 * and what is sent to it would not be seen. So the mailbox is looked through, too: a queue of
 * commands in chunks of 16, of which those that bind a pipe name it (mailbox.hpp, yqueue.hpp and
 * command.hpp, the same from 4.2.5 to 4.3.5; where it is not so, it is not known).
 *
 * What is read can be torn or gone. Each step checks what can be checked, and what is found is only
 * where a pipe may lie.
 *
 * Thread and errors: as pipe_reader; calibrate as pipe_layout_calibrate.
 */
#ifndef TAP_MAILBOX_H
#define TAP_MAILBOX_H

#include "tap/queues/pipe_accounts.h"
#include "tap/queues/pipe_lab.h"

#define MAILBOX_BYTES     128  /* that are looked at */
#define MAILBOX_MAX_PIPES 1024 /* of one socket; the rest is not seen until some are taken in */

/* Learns where the mailbox lies; on failure all is zero. `layout` knows the vector. */
void mailbox_calibrate(struct pipe_lab *lab, const struct pipe_layout *layout,
                       struct mailbox_layout *ret_layout);

/* Whether a mailbox, `size` bytes of it read, is one and has commands in it. */
bool mailbox_has_commands(const struct mailbox_layout *layout, const unsigned char *bytes);

/* The pipes that its commands bind to `socket`; returns how many. */
size_t mailbox_find_pipes(struct pipe_memory *memory, const struct mailbox_layout *layout,
                          const unsigned char *bytes, uintptr_t socket,
                          uintptr_t ret_pipes[MAILBOX_MAX_PIPES]);

#endif
