/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_lab_played - a libzmq that is played for calibrations: its sockets are words that a test
 * reads and writes, and any of its calls can be made to fail.
 *
 * Sockets are connected over inproc. A ROUTER knows its peers by the ids that they have set.
 */
#ifndef TESTS_SUPPORT_TAP_LAB_PLAYED_H
#define TESTS_SUPPORT_TAP_LAB_PLAYED_H

#include "support/cmocka.h"
#include "tap/learned/pipe_lab.h"

#define LAB_N_WORDS (LAB_OBJECT_SIZE / sizeof(uintptr_t))
#define LAB_VECTOR  10             /* words of a socket: its vector of pipes, begin and end */
#define LAB_CURRENT 40             /* a ROUTER's and a REP's current pipe */
#define LAB_MORE    ((size_t)1234) /* byte of a socket: more frames follow */

struct lab_socket {
    uintptr_t words[LAB_N_WORDS];
    int type;
    bool is_open, is_within, is_mandatory;
    int index;          /* how many were made before it */
    char id[16];        /* of a peer of a ROUTER */
    char address[50];   /* where it is bound */
    uintptr_t pipes[4]; /* the vector */
    struct lab_socket *peers[4];
    size_t n_pipes;
    bool frames[64]; /* that wait: whether more follow */
    size_t n_frames, n_read;
    unsigned n_sent, n_received; /* frames */
};

extern struct lab_played {
    struct library library;
    unsigned n_open, n_sockets, n_contexts;
    size_t n_skipped;           /* places of sockets that are not used */
    unsigned n_calls, fails_at; /* the call that fails, from 1; 0: none */
    /* After each call that could change the socket. */
    void (*after)(struct lab_socket *socket);
    /* A message: where its kind is said, and of the two kinds. */
    size_t kind_at;
    unsigned char small_kind, large_kind;
    void (*shape)(struct tap_message *message, size_t size); /* what else is in one */
    bool is_content_lost;                                    /* when one was sent */
} lab_played;

int lab_played_set_up(void **state);

/* Nothing is left open. */
void lab_played_expect_clean(void);

#endif
