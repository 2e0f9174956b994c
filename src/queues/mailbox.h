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
 * Thread and errors: as pipe_reader.
 */
#ifndef QUEUES_MAILBOX_H
#define QUEUES_MAILBOX_H

#include "queues/pipe_accounts.h"
#include "queues/pipe_memory.h"

#include <stddef.h>

#define MAILBOX_BYTES     128  /* that are looked at */
#define MAILBOX_MAX_PIPES 1024 /* of one socket; the rest is not seen until some are taken in */

#define MAILBOX_COMMAND_BYTES 64u
#define MAILBOX_QUEUE_BYTES   (6u * (uint32_t)sizeof(uintptr_t)) /* of a mailbox's queue */

/* Whether what was read at a mailbox's place is one and has commands in it; `bytes` is
 * MAILBOX_BYTES long. */
bool mailbox_has_commands(const struct mailbox_layout *layout, const unsigned char *bytes);

/* Where the first command lies of a mailbox whose queue is at `offset` in `bytes`; 0: there is no
 * queue. */
uintptr_t mailbox_first_command(const unsigned char *bytes, uint32_t offset);

/* The pipes that its commands bind to `socket`; returns how many. */
size_t mailbox_find_pipes(struct pipe_memory *memory, const struct mailbox_layout *layout,
                          const unsigned char *bytes, uintptr_t socket,
                          uintptr_t ret_pipes[MAILBOX_MAX_PIPES]);

#endif
