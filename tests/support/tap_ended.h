/* SPDX-License-Identifier: MPL-2.0 */
/* tap_ended - a socket whose queues end, played: for tests of endings.c, with tap_played. Time is
 * played as well. */
#ifndef TESTS_SUPPORT_TAP_ENDED_H
#define TESTS_SUPPORT_TAP_ENDED_H

#include "queues/pipe_bytes.h"
#include "queues/pipe_layout.h"
#include "support/tap_played.h"
#include "tap/losses/endings.h"

#define MS              UINT64_C(1000000)
#define ENDED_VTABLE    UINT64_C(0x7777)
#define ENDED_N_PIPES   4
#define ENDED_SOCKET_ID 9u /* as the owner of its pipes; those of threads are below */
#define ENDED_OTHER_ID  11u

/* As the layout says: a pipe, and its peer. */
struct ended_pipe {
    uint64_t vtable;
    uint32_t owner, state;
    struct ended_pipe *peer;
    uint64_t n_written, n_read;
};

/* Every object has its owner at the same place. */
struct ended_object {
    uint64_t vtable;
    uint32_t owner, unused;
    struct ended_pipe **begin, **end;
};

extern struct ended {
    struct ended_object object;
    struct ended_pipe pipes[ENDED_N_PIPES], peers[ENDED_N_PIPES], *vector[ENDED_N_PIPES];
    bool is_there[ENDED_N_PIPES], is_valid, is_read_on, has_peers;
    struct pipe_layout layout;
    struct registry_socket *socket_now;
    struct pipe_target targets[REGISTRY_MAX_SOCKETS + ENDINGS_MAX_CLOSED]; /* of the last look */
    size_t n_targets;
    void (*within)(void); /* what the program does while the thread looks */
    uint64_t now_ns;
    unsigned n_drained;
    uint64_t *words; /* of the socket, also when it is closed */
} ended;

int ended_set_up(void **state);
int ended_tear_down(void **state);

void ended_open_socket(int type);
void ended_close_socket(void);
void ended_set_linger(int64_t ms);
void ended_tell(uint64_t kind);

/* Of pipe `i`, in all. */
void ended_write_messages(size_t i, uint64_t n_written, uint64_t n_read);

/* A round of the tap's thread. */
void ended_look(void);
void ended_look_after(uint64_t ms);

uint64_t ended_lost(enum segment_lane_word number);

#define ASSERT_LOST(by_linger, by_disconnect)                                                      \
    do {                                                                                           \
        assert_int_equal(ended_lost(SEGMENT_DROPPED_LINGER), by_linger);                           \
        assert_int_equal(ended_lost(SEGMENT_DROPPED_DISCONNECT), by_disconnect);                   \
    } while (0)

#define CASE(name) cmocka_unit_test_setup_teardown(name, ended_set_up, ended_tear_down)

#endif
