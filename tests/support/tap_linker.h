/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_linker - what loaded.c has around it, played: the dynamic linker, time and locks. With
 * tap_objects. Each case is a process of its own, since some things are looked at once in its life.
 */
#ifndef TESTS_SUPPORT_TAP_LINKER_H
#define TESTS_SUPPORT_TAP_LINKER_H

#include "support/own_process.h"
#include "support/tap_objects.h"

#define LIBZMQ "zmq_version zmq_socket zmq_send" /* symbols */

extern struct linker {
    unsigned long long n_adds, n_subs;
    size_t info_size;
    size_t n_repeated; /* the last object is told so many times more */
    unsigned n_told, n_works, n_waits, n_wakes;
    int lock_depth, depth_in_work;
    uint64_t now_ns, deadline_of_wait;
    uint32_t seen_by_wait;
    void (*while_told)(void);    /* once, as the third object is told */
    void (*while_waiting)(void); /* NULL: the time passes */
    void (*while_visited)(void); /* once */
    struct loaded *list;         /* as it was visited last */
} linker;

void linker_visit(void);
void linker_change(void); /* and visit */

/* Objects. The tap is this program's memory. */
void linker_append_tap(void);
void linker_append(const char *symbols);
void linker_append_libc(void);
void linker_begin_preloaded(void); /* a program under the tap: 0, 1 and 2 */

#endif
