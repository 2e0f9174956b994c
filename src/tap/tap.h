/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap - what the tap of this process has made: table, segment file, thread.
 *
 * Nothing exists until the program makes its first socket; then it stays until the process ends,
 * but for the thread, which is gone when the last context is.
 *
 * Thread: any, without a lock of the tap held.
 */
#ifndef TAP_TAP_H
#define TAP_TAP_H

#include "tap/ground/library.h"

#include <stdbool.h>

/* False if ZMQ_EXPORTER_TAP=off, or if what the tap needs could not be had. */
bool tap_is_enabled(void);

/* Before anything is entered in the registry. */
void tap_begin_use(void);

/* Where what is known may be that of a parent process, from which this one came by a raw clone(2):
 * no handler has told, so it is looked for on slow paths, and then all is forgotten. */
void tap_check_process(void);

/* Before a socket may need rows that lie in the file: waits, seldom, until there are some. */
void tap_make_room(void);

/* Before each socket: makes what is missing. False: do not track the socket. */
bool tap_start(struct library *library);

/* Before the program sandboxes itself: makes what is missing, and brings the file up to date. */
void tap_prepare(const void *caller);

/* After each context's end: a last round for it, and no thread without contexts. */
void tap_context_ended(void);

#endif
