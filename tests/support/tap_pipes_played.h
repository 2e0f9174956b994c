/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_pipes_played - a libzmq that is played for the calibration of pipes: pairs of sockets with
 * pipes and queues as pipe.cpp has them, at known places. A test adds what misleads. Time is
 * played.
 */
#ifndef TESTS_SUPPORT_TAP_PIPES_PLAYED_H
#define TESTS_SUPPORT_TAP_PIPES_PLAYED_H

#include "support/cmocka.h"
#include "tap/learned/pipe_calibration.h"
#include "tap/learned/pipe_lab.h"

#include <string.h>

/* Where all is. Of a socket and a pipe: */
#define AT_CONTEXT 8u
#define AT_OWNER   16u
/* of a socket: */
#define AT_VECTOR 480u
#define AT_SINK   200u /* its part that pipes report to */
/* of a pipe: */
#define AT_PEER           24u
#define AT_ITS_SINK       32u
#define AT_OUT            40u
#define AT_IN             48u
#define AT_STATE          56u
#define AT_HWM            60u
#define AT_LWM            64u
#define AT_N_READ         72u
#define AT_N_WRITTEN      80u
#define AT_N_READ_BY_PEER 88u
#define AT_IS_WRITABLE    70u
#define AT_FREE           128u /* what is behind is a test's */
/* of a queue: */
#define AT_HAS_MESSAGE 33u

struct played_socket {
    _Alignas(8) unsigned char object[LAB_OBJECT_SIZE];
    _Alignas(8) unsigned char pipe[LAB_PIPE_BYTES];
    _Alignas(8) unsigned char queue[LAB_PIPE_BYTES]; /* that it writes to */
    uintptr_t vector[4], other[4];                   /* the second is a test's */
    struct played_socket *peer;
    char address[50];
    int send_hwm, receive_hwm;
    bool is_open, is_conflating, is_a;
    unsigned number;   /* in the order in which they were made, from 0 */
    unsigned n_queued; /* of a conflating one: messages and receipts */
    unsigned n_asked_since_end;
};

extern struct pipes_played {
    struct library library;
    unsigned n_sockets, n_open, n_contexts, n_calls, fails_at;
    bool fails_on;                                 /* all after it, too */
    void (*mislead)(struct played_socket *socket); /* after each change of a socket's */
    unsigned end_delay; /* how often a socket is asked before it knows that its peer is gone */
    int64_t now_ms;
    unsigned n_waits, n_published, n_mailboxes;
} played;

int pipes_played_set_up(void **state);

/* Which trial of a calibration a socket is of: 0 to 5. */
unsigned pipes_played_trial(const struct played_socket *socket);

#define PUT(bytes, at, value)                                                                      \
    do {                                                                                           \
        __typeof__(value) put_value = (value);                                                     \
        memcpy((bytes) + (at), &put_value, sizeof(put_value));                                     \
    } while (0)
#define GET(bytes, at, type)                                                                       \
    ({                                                                                             \
        type get_value;                                                                            \
        memcpy(&get_value, (bytes) + (at), sizeof(get_value));                                     \
        get_value;                                                                                 \
    })

#endif
