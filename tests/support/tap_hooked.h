/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_hooked - what the hooks of sockets have around them, played, with tap_played: libzmq, whose
 * calls are said in capitals, and the rest of the tap, which leaves an errno of its own.
 */
#ifndef TESTS_SUPPORT_TAP_HOOKED_H
#define TESTS_SUPPORT_TAP_HOOKED_H

#include "support/tap_played.h"

#define HOOKED_ENDPOINT "tcp://127.0.0.1:5555"
#define HOOKED_OUR_OWN  99  /* errno after what the tap did */
#define HOOKED_LIBZMQ_S 88  /* after libzmq */
#define HOOKED_OF_EVENT 111 /* in the event of a bind that failed */

extern struct hooked {
    char said[1000];
    struct registry_socket *socket;
    bool is_wanted, starts, has_sockets;
    bool is_passed; /* the next calls are not the tap's */
    int result;
    void *made; /* by zmq_socket */
    uint32_t n_bind_failures, n_failures_in_call, peer_id;
    int n_io_threads, n_sockets_at_most;
    char handles[4]; /* the tap knows none of them */
} hooked;

int hooked_set_up(void **state);
int hooked_answer(const char *word, const void *handle); /* of libzmq's */

#define HOOKED_ASSERT_SAID(expected)                                                               \
    do {                                                                                           \
        assert_string_equal(hooked.said, expected);                                                \
        hooked.said[0] = '\0';                                                                     \
    } while (0)

#endif
