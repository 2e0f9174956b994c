/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_played - sockets of the tap's real registry, of a libzmq that is played.
 *
 * Messages borrow what they hold. One that is closed twice, or used when it is not open, fails the
 * test; so does one that is left open, in tap_played_end.
 *
 * Thread: one.
 */
#ifndef TESTS_SUPPORT_TAP_PLAYED_H
#define TESTS_SUPPORT_TAP_PLAYED_H

#include "tap/registry/registry.h"

extern struct library tap_played; /* its messages work, all else is the test's */
extern struct segment_table *tap_played_table;
extern struct registry_context *tap_played_context;
extern int tap_played_lock_depth; /* of all locks; 0 at the end of a test, too */
extern unsigned tap_played_n_begun, tap_played_n_ended; /* calls of the registry's callbacks */

/* The registry knows one context, and no socket. Afterwards all is gone again. */
void tap_played_begin(void);
void tap_played_end(void);
int tap_played_tear_down(void **state); /* the same, for cmocka */

struct registry_socket *tap_played_open(int type);

/* Whether the process is the one that has entered all, or a child of it. */
void tap_played_set_own(bool is_own);

#define TAP_PLAYED_WORD(socket, name) segment_word_get(&(socket)->words[SEGMENT_##name])

/* An open message. */
void tap_played_message(struct tap_message *message, const void *content, size_t size, bool more);
int tap_played_close(struct tap_message *message); /* zmq_msg_close */

#endif
