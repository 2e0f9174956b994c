/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_routed - a ROUTER or REP that is played as router.cpp and rep.cpp have it, with tap_played.
 *
 * Its peers are called a, b, c; an empty id is that of a, too. A frame is sent as bytes or as a
 * message, as the set-up says.
 */
#ifndef TESTS_SUPPORT_TAP_ROUTED_H
#define TESTS_SUPPORT_TAP_ROUTED_H

#include "support/tap_played.h"
#include "tap/learned/learned.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define ROUTED_N_PEERS 3
#define ROUTED_ENDED   3 /* the state of a pipe whose peer is gone */

struct routed_pipe {
    uint64_t unused;
    int32_t state;
    unsigned char is_writable;
};

/* What the layout says of a socket. */
struct routed_object {
    uint64_t unused;
    uintptr_t current_out;
    struct routed_pipe **begin, **end;
};

extern struct routed {
    struct routed_object object;
    struct routed_pipe pipes[ROUTED_N_PEERS], *vector[ROUTED_N_PEERS];
    bool is_there[ROUTED_N_PEERS];
    char delivered[ROUTED_N_PEERS][200]; /* frames: "," ends one that others follow, "." the last */
    char ignored[100];                   /* ids without a message */
    char asked[100];                     /* ids under ZMQ_ROUTER_MANDATORY */
    bool is_within, is_mandatory;
    unsigned n_set;          /* how often ZMQ_ROUTER_MANDATORY was */
    int fails_with;          /* each send, if not 0 */
    bool is_terminated;      /* options cannot be set */
    void (*meanwhile)(void); /* in a send of content */
    bool is_message, is_large;
    struct learned learned;
    struct registry_socket *socket;
} routed;

int routed_set_up_bytes(void **state);
int routed_set_up_messages(void **state);
int routed_set_up_large(void **state);
int routed_set_up_rep(void **state);
int routed_set_up_rep_messages(void **state);

void routed_open(int type);
void routed_close(void);

/* What libzmq has, for tests that put something before it. */
int routed_send_bytes(void *handle, const void *data, size_t size, int flags);
int routed_set_option(void *handle, int option, const void *value, size_t size);
int routed_refuse(int error);

/* As the hook does it; and so that nothing is seen of what the tap does. */
int routed_send_frame(const char *text, int flags);
void routed_send(const char *text, int flags);
void routed_send_parts(const char *first, const char *second, const char *third);

/* A call of the program's, with success. */
void routed_option_set(int number, int value, size_t size);

/* The first peer goes. */
void routed_go(void);
void routed_go_and_forget(void); /* and libzmq has noticed */

void routed_expect_counted(uint64_t n_messages, uint64_t n_bytes);
void routed_expect_dropped(uint64_t n_unroutable, uint64_t n_hwm);
uint64_t routed_n_api_errors(void);

#define ROUTED_WITH(name, set_up)                                                                  \
    cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)
#define ROUTER(name)                                                                               \
    ROUTED_WITH(name, routed_set_up_bytes), ROUTED_WITH(name, routed_set_up_messages)
#define REP(name)                                                                                  \
    ROUTED_WITH(name, routed_set_up_rep), ROUTED_WITH(name, routed_set_up_rep_messages)
#define LARGE(name) ROUTED_WITH(name, routed_set_up_large)

#endif
