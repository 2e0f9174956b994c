/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_facts - what the checks read: the open sockets of processes, one by one.
 *
 * Gathered by policy_gather.c from the segments and, of programs without a tap, from what the
 * reader tells; a fact that is not known is SEGMENT_UNKNOWN, and a check that needs it is not
 * counted as kept.
 */
#ifndef COLLECTORS_POLICY_POLICY_FACTS_H
#define COLLECTORS_POLICY_POLICY_FACTS_H

#include "collectors/peek/peek_link.h"
#include "collectors/tap/tap_counted_table.h"
#include "segment/segment_layout.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  name, word of the lane, capability that covers it (POLICY_ALWAYS: a gauge, which says itself) */
#define POLICY_FACTS(X)                                                                            \
    X(OPENED_NS, SEGMENT_OPENED_NS, POLICY_ALWAYS)                                                 \
    X(PEERS, SEGMENT_PEERS, POLICY_ALWAYS)                                                         \
    X(SEND_HWM, SEGMENT_SEND_HWM, POLICY_ALWAYS)                                                   \
    X(RECEIVE_HWM, SEGMENT_RECEIVE_HWM, POLICY_ALWAYS)                                             \
    X(LINGER, SEGMENT_OPTION_LINGER, POLICY_ALWAYS)                                                \
    X(SNDTIMEO, SEGMENT_OPTION_SNDTIMEO, POLICY_ALWAYS)                                            \
    X(RCVTIMEO, SEGMENT_OPTION_RCVTIMEO, POLICY_ALWAYS)                                            \
    X(MAXMSGSIZE, SEGMENT_OPTION_MAXMSGSIZE, POLICY_ALWAYS)                                        \
    X(HEARTBEAT_IVL, SEGMENT_OPTION_HEARTBEAT_IVL, POLICY_ALWAYS)                                  \
    X(CONFLATE, SEGMENT_OPTION_CONFLATE, POLICY_ALWAYS)                                            \
    X(MECHANISM, SEGMENT_OPTION_MECHANISM, POLICY_ALWAYS)                                          \
    X(RECONNECT_IVL_MAX, SEGMENT_OPTION_RECONNECT_IVL_MAX, POLICY_ALWAYS)                          \
    X(TCP_KEEPALIVE, SEGMENT_OPTION_TCP_KEEPALIVE, POLICY_ALWAYS)                                  \
    X(HANDSHAKE_IVL, SEGMENT_OPTION_HANDSHAKE_IVL, POLICY_ALWAYS)                                  \
    X(CURVE_SERVER, SEGMENT_OPTION_CURVE_SERVER, POLICY_ALWAYS)                                    \
    X(ROUTER_MANDATORY, SEGMENT_OPTION_ROUTER_MANDATORY, POLICY_ALWAYS)                            \
    X(LARGEST_SENT, SEGMENT_LARGEST_SENT, POLICY_ALWAYS)                                           \
    X(LARGEST_RECEIVED, SEGMENT_LARGEST_RECEIVED, POLICY_ALWAYS)                                   \
    X(RECEIVE_QUEUE, SEGMENT_RECEIVE_QUEUE, POLICY_ALWAYS)                                         \
    X(RECEIVE_AGE_NS, SEGMENT_RECEIVE_AGE_NS, POLICY_ALWAYS)                                       \
    X(LAST_RECEIVED_NS, SEGMENT_LAST_RECEIVED_NS, POLICY_ALWAYS)                                   \
    X(RECEIVER, SEGMENT_RECEIVER, POLICY_ALWAYS)                                                   \
    X(API_ERROR_KINDS, SEGMENT_API_ERROR_KINDS, POLICY_ALWAYS)                                     \
    X(CONCURRENT_CALLS, TAP_WORD_CONCURRENT_CALLS, TAP_CAPABILITY_CONCURRENT_CALLS)                \
    X(BINDS, SEGMENT_BINDS, POLICY_ALWAYS)                                                         \
    X(CONNECTS, SEGMENT_CONNECTS, POLICY_ALWAYS)                                                   \
    X(SENT_MESSAGES, TAP_WORD_SENT_MESSAGES, TAP_CAPABILITY_SENT_MESSAGES)                         \
    X(SENT_BYTES, TAP_WORD_SENT_BYTES, TAP_CAPABILITY_SENT_BYTES)                                  \
    X(RECEIVED_MESSAGES, TAP_WORD_RECEIVED_MESSAGES, TAP_CAPABILITY_RECEIVED_MESSAGES)             \
    X(RECEIVED_BYTES, TAP_WORD_RECEIVED_BYTES, TAP_CAPABILITY_RECEIVED_BYTES)                      \
    X(SEND_BLOCKED_NS, TAP_WORD_SEND_BLOCKED, TAP_CAPABILITY_SEND_BLOCKED)                         \
    X(SEND_BLOCKED_NO_PEER_NS, TAP_WORD_SEND_BLOCKED_NO_PEER, TAP_CAPABILITY_SEND_BLOCKED_NO_PEER) \
    X(RECEIVE_BLOCKED_NS, TAP_WORD_RECEIVE_BLOCKED, TAP_CAPABILITY_RECEIVE_BLOCKED)                \
    X(SEND_AT_HWM_NS, TAP_WORD_SEND_AT_HWM, TAP_CAPABILITY_SEND_AT_HWM)                            \
    X(DROPPED_HWM, SEGMENT_DROPPED_HWM, POLICY_DROPS)                                              \
    X(DROPPED_UNROUTABLE, TAP_WORD_DROPPED_UNROUTABLE, TAP_CAPABILITY_DROPPED_UNROUTABLE)          \
    X(CONNECT_RETRIES, TAP_WORD_CONNECT_RETRIES, TAP_CAPABILITY_CONNECT_RETRIES)                   \
    X(REFUSED, SEGMENT_HANDSHAKE_PROTOCOL_BASE + 0, SEGMENT_CAPABILITY_HANDSHAKES)                 \
    X(BAD_METADATA, SEGMENT_HANDSHAKE_PROTOCOL_BASE + 13, SEGMENT_CAPABILITY_HANDSHAKES)

#define POLICY_ALWAYS SEGMENT_MAX_CAPABILITIES
#define POLICY_DROPS  (SEGMENT_MAX_CAPABILITIES + 1) /* as the type drops */

enum policy_fact {
#define X(name, word, capability) POLICY_##name,
    POLICY_FACTS(X)
#undef X
        POLICY_N_FACTS
};

enum policy_transport {
    POLICY_NOWHERE, /* neither bound nor connected yet, or what is not known */
    POLICY_TCP,     /* tcp, ws, wss, tipc, vsock: a connection with another host */
    POLICY_CROWD,   /* udp, pgm, epgm, norm */
    POLICY_IPC,
    POLICY_INPROC,
};

enum policy_reach { POLICY_WITHIN, POLICY_BEYOND, POLICY_WILDCARD }; /* the host */

struct policy_place {
    enum policy_transport transport;
    enum policy_reach reach;
};

/* Something used of something limited. */
struct policy_usage {
    uint64_t used, limit;
    bool is_known;
};

/* A copy of libzmq that the process told of. */
struct policy_library {
    unsigned major, minor, patch;
    char path[240];
};

static_assert(SEGMENT_MAX_CONTEXTS <= 64, "a bit for each");

struct policy_process {
    uint64_t pid; /* as it sees itself */
    char program[128];
    bool is_reachable; /* /proc/<pid> of this host is it */
    bool is_untapped;  /* the reader told of it */
    struct policy_usage context_sockets, descriptors;
    struct policy_library libraries[SEGMENT_MAX_LIBRARIES];
    unsigned n_libraries;
    bool are_api_errors_known;
    uint64_t api_errors[SEGMENT_PROCESS_ERRORS_SIZE]; /* SEGMENT_PROCESS_ERRORS */
    uint64_t zap_contexts;                            /* bits: where a handler listens */
    uint64_t one_answers, several_answer; /* bits: where such sockets are, without a tap, that one
                                           * of them may be a handler */
};

enum policy_zap { POLICY_ZAP_NONE, POLICY_ZAP_HANDLER, POLICY_ZAP_UNKNOWN }; /* in its context */

struct policy_socket {
    const struct policy_process *process;
    const char *type;
    unsigned traits; /* enum tap_type_trait */
    char endpoint[760];
    struct policy_place place;
    uint64_t serial;  /* unlike that of any other of the process */
    uint64_t context; /* its number in the process */
    enum policy_zap zap;
    uint64_t peer_hwm; /* of the other end of a link on this host; SEGMENT_UNKNOWN: not found */
    uint64_t others_received_ns; /* see policy_receivers_find */
    uint64_t facts[POLICY_N_FACTS];
    uint64_t now_ns; /* CLOCK_REALTIME */
};

static inline bool policy_knows(const struct policy_socket *self, enum policy_fact fact)
{
    return self->facts[fact] != SEGMENT_UNKNOWN;
}

static inline uint64_t policy_fact(const struct policy_socket *self, enum policy_fact fact)
{
    return self->facts[fact];
}

static inline int64_t policy_signed(const struct policy_socket *self, enum policy_fact fact)
{
    return (int64_t)self->facts[fact];
}

/* Where an endpoint, as a program wrote it, leads. */
struct policy_place policy_place_of(const char *endpoint);

/* All open sockets, sorted by program, type and endpoint. */
struct policy_facts {
    struct policy_process *processes;
    struct policy_socket **sockets;
    size_t n_processes, n_sockets, processes_capacity, sockets_capacity;
    int directory_result; /* of opening the directory: 0 or -errno */
};

/* Notes of each socket when the thread that receives from it, as far as is known, last received
 * from another one; where the thread is not known, any thread of the process. 0: never. The sockets
 * of a process are side by side. Errors: -ENOMEM. */
int policy_receivers_find(struct policy_facts *facts);

/* `peek` NULL: tapped programs alone. A directory that cannot be opened is no error here, but is
 * told. Errors: -ENOMEM. */
int policy_facts_gather(const char *directory, struct peek_link *peek,
                        struct policy_facts *ret_facts);
void policy_facts_finish(struct policy_facts *self);

#endif
