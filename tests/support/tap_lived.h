/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_lived - what tap.c has around it, played: environment, limits, memory, threads, the registry,
 * the segment. Each says what it is asked.
 */
#ifndef TESTS_SUPPORT_TAP_LIVED_H
#define TESTS_SUPPORT_TAP_LIVED_H

#include "segment/segment_table.h"
#include "support/cmocka.h"
#include "support/own_process.h"
#include "tap/ground/library.h"

#include <errno.h>
#include <sys/resource.h>

extern struct lived {
    char said[2000];
    const char *tap, *max_groups, *directory; /* the environment */
    const char *libzmq_path;
    bool is_unfit, has_no_libc, is_closed, is_claimed_elsewhere, is_claimed_by_child;
    bool is_running, has_contexts, cannot_hold, wants_room, is_stuck, is_loud;
    bool contexts_come; /* while the thread is stopped */
    int tables_error, table_error, writer_error, run_error, start_error;
    struct rlimit data_limit;
    size_t room; /* that can be mapped at once */
    bool data_has_no_room;
    unsigned n_blocks, n_freed;
    int lock_depth;
    /* What it was given */
    void (*before_fork)(void), (*in_parent)(void), (*in_child)(void);
    struct segment_header header;
    char off[100];
    void (*in_run)(void); /* in the middle of what a thread does */
} lived;

/* The fields above of a child process that has its parent's memory. */
void lived_begin_child(void);
void lived_set_own(void);

#define LIVED_ALL_PARTS                                                                            \
    "run tables table-256 writer /run/zmq_exporter map report capability parts hide set-writer "   \
    "learn "                                                                                       \
    "add-library start"
#define LIVED_ALL_FORGOTTEN                                                                        \
    "library-forked registry-forked parts-forked thread-forked sandbox leave-writer leave-table"

/* Two copies of libzmq; what the first socket of one does. errno is kept. */
extern struct library lived_first, lived_second;
bool lived_start(struct library *library);
void lived_begin_with_first(void);

#define ASSERT_SAID(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(lived.said, expected);                                                 \
        lived.said[0] = '\0';                                                                      \
    } while (0)

#endif
