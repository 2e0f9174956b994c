/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_hubbed - what hub.c and hub_context.c have around them, played, with tap_played: a libzmq
 * that calls itself, forwarders, events, descriptors, time. Each writes down what it is asked.
 */
#ifndef TESTS_SUPPORT_TAP_HUBBED_H
#define TESTS_SUPPORT_TAP_HUBBED_H

#include "support/tap_played.h"
#include "tap/events/hub_state.h"

#include <sys/resource.h>

#define HUBBED_CONSUMER  ((void *)0x1234)
#define HUBBED_FORWARDER ((void *)0x4321)

extern struct hubbed {
    char said[2000];
    const char *failing;           /* what is refused, by the begin of what it says */
    struct registry_socket *a, *b; /* the program's, with indices 0 and 1 */
    uint32_t ticket;               /* of the address that was given last */
    size_t n_unread;               /* batches of events */
    bool is_running;               /* the tap's thread */
    int fd_now;                    /* of a socket */
    struct rlimit limit;
    int limit_fails;
    uint64_t now_ns, n_slept;
    uint64_t n_slept_until_closed; /* then the last event has come */
    bool is_interrupted;
} hubbed;

int hubbed_set_up(void **state);
int hubbed_tear_down(void **state);

struct hub *hubbed_hub(void);
bool hubbed_attach(struct registry_socket *socket);
void hubbed_attach_both(void);
int hubbed_request(struct registry_socket *socket, const char *address, uint64_t events,
                   int version);
void hubbed_finish(struct registry_socket *socket); /* its last event */

#define HUBBED_ASSERT_SAID(expected)                                                               \
    do {                                                                                           \
        assert_string_equal(hubbed.said, expected);                                                \
        hubbed.said[0] = '\0';                                                                     \
    } while (0)

#define HUBBED_CASE(name) cmocka_unit_test_setup_teardown(name, hubbed_set_up, hubbed_tear_down)

#endif
