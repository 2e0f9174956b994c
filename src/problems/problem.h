/* SPDX-License-Identifier: MPL-2.0 */
/*
 * problem - what is wrong with the sockets of this host right now, the cause before its symptoms.
 *
 * A receiver that stands still fills the queues of those that send to it: these are named within
 * its problem and have none of their own for it. The order is by severity, then by kind as listed
 * in PROBLEM_KINDS, then by how long it lasts; among equals by names, so that it does not waver.
 */
#ifndef PROBLEMS_PROBLEM_H
#define PROBLEMS_PROBLEM_H

#include "base/string_buffer.h"
#include "collectors/peers/peer_table.h"
#include "problems/problem_view.h"

/* kind, its name, the runbook */
#define PROBLEM_KINDS(X)                                                                           \
    X(RECEIVER_STUCK, "receiver_stuck", "ZeroMQReceiverStuck")                                     \
    X(RECEIVER_SLOW, "receiver_slow", "ZeroMQReceiveQueueNearHighWaterMark")                       \
    X(SILENT, "tap_silent", "ZmqTapSilent")                                                        \
    X(HANDSHAKES_FAIL, "handshakes_fail", "ZeroMQHandshakeFailures")                               \
    X(NO_PEER, "no_peer", "ZeroMQNeverConnected")                                                  \
    X(UNROUTABLE, "unroutable", "ZeroMQMessagesDropped")                                           \
    X(DROPS, "drops", "ZeroMQMessagesDropped")                                                     \
    X(SEND_QUEUE_FULL, "send_queue_full", "ZeroMQSendQueueNearHighWaterMark")                      \
    X(MESSAGES_OLD, "messages_old", "ZeroMQMessagesOld")                                           \
    X(FLAPPING, "disconnects", "ZeroMQPeerFlapping")

enum problem_kind {
#define X(kind, name, runbook) PROBLEM_##kind,
    PROBLEM_KINDS(X)
#undef X
        PROBLEM_N_KINDS,
};

enum problem_severity { PROBLEM_WARNING, PROBLEM_CRITICAL };

#define PROBLEM_MAX_BLOCKED 8u

struct problem {
    enum problem_kind kind;
    enum problem_severity severity;
    const struct problem_socket *socket;                       /* of the view */
    unsigned n_sockets;                                        /* alike, of one process */
    const struct problem_socket *blocked[PROBLEM_MAX_BLOCKED]; /* what cannot send because of it */
    unsigned n_blocked;                                        /* may be more than there is room */
    bool has_known_peers; /* of a receiver: all that send to it are known (problem_ends.h) */
    uint64_t for_ns;      /* how long it lasts; SEGMENT_UNKNOWN: not known */
    uint64_t value;       /* messages, failures, …: what the words count */
};

#define PROBLEMS_MAX 1000u

struct problems {
    struct problem *items;
    size_t n, capacity;
    bool is_complete; /* false: there are more */
    bool have_ends;   /* there are receivers and what they may do to others */
};

/* Finds what is wrong in `view`, which must live as long. `peers`, locked, are who is at the other
 * ends; NULL: not known. Errors: -ENOMEM. */
int problems_find(const struct problem_view *view, const struct peer_table *peers,
                  struct problems *ret_problems);
void problems_finish(struct problems *self);

const char *problem_kind_name(enum problem_kind kind);
const char *problem_kind_runbook(enum problem_kind kind);

/* "stopped receiving 8 min ago; 80 messages wait; orders is blocked by it" */
void problem_append_words(struct string_buffer *text, const struct problem *self,
                          const struct problem_view *view);

/* Appends the members `problems` and `is_complete` of a JSON object, without its braces. */
void problems_append_json(struct string_buffer *json, const struct problems *self,
                          const struct problem_view *view);

#endif
