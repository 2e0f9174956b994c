/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_rounds - what the tap's thread has around it, played, and the time: a test runs the thread in
 * its own, round by round. Each part says what it is asked, in one letter:
 *
 *   p  library_pin      s  sampler_round     d  monitors are drained    t  parts_tick
 *   w  the file is written     b  a blind round     h  a heartbeat     e  queues that end
 *
 * In brackets is what may make system calls.
 */
#ifndef TESTS_SUPPORT_TAP_ROUNDS_H
#define TESTS_SUPPORT_TAP_ROUNDS_H

#include "base/clock.h"
#include "support/cmocka.h"
#include "tap/thread.h"

#define ROUNDS_MAX_WAITS 200

extern struct rounds {
    char said[4000];
    uint64_t now_ns;
    uint64_t elapsed_ns; /* at the last tick */
    unsigned n_rounds, n_rounds_to_do;
    uint64_t
        waits_ms[ROUNDS_MAX_WAITS]; /* of the thread: how long it wanted to wait, and then did */
    unsigned n_waits;
    unsigned n_wakes;
    bool is_closed; /* the program has set seccomp or no_new_privs */
    bool has_moved, has_calls, is_not_at_rest, needs_rounds, is_written; /* is not mapped */
    bool is_urgent;
    uint64_t endings_ns;  /* the next look at them */
    uint64_t look_ns;     /* how long it takes */
    int result, reported; /* of the file */
    /* While the thread waits for the n-th time, from 0; and while the program waits. */
    void (*at_wait)(unsigned n);
    void (*at_program_wait)(void);
    /* Threads */
    bool is_in_handler; /* of a signal: what it interrupts sees to cancellation */
    int create_error, create_error_with_attributes;
    bool is_run_at_once, is_stuck;
    unsigned n_created, n_joined, n_detached;
    size_t stack_size;
    void *(*function)(void *);
    void *argument;
} rounds;

int rounds_set_up(void **state);

/* Runs the thread that was started for so many rounds; then it is stopped. */
void rounds_run(unsigned n);

#define ASSERT_SAID(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(rounds.said, expected);                                                \
        rounds.said[0] = '\0';                                                                     \
    } while (0)

#endif
