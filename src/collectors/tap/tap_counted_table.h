/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_counted_table - what a tap counts of a socket, and when it is known: one row each.
 *
 * X(name, word, capability, traits): the word is known while the capability is on or bound, and
 * means something for sockets of a type that has all of the traits (tap_types.h). Times are in
 * nanoseconds.
 */
#ifndef COLLECTORS_TAP_TAP_COUNTED_TABLE_H
#define COLLECTORS_TAP_TAP_COUNTED_TABLE_H

#include "collectors/tap/tap_types.h"
#include "segment/segment_layout.h"

#define TAP_COUNTED(X)                                                                             \
    X(SENT_MESSAGES, SENT_MESSAGES, MESSAGES, TAP_TYPE_SENDS)                                      \
    X(SENT_BYTES, SENT_BYTES, MESSAGES, TAP_TYPE_SENDS)                                            \
    X(RECEIVED_MESSAGES, RECEIVED_MESSAGES, MESSAGES, TAP_TYPE_RECEIVES)                           \
    X(RECEIVED_BYTES, RECEIVED_BYTES, MESSAGES, TAP_TYPE_RECEIVES)                                 \
    X(SEND_AT_HWM, SEND_AT_HWM_NS, QUEUE_DEPTH, TAP_TYPE_SENDS)                                    \
    X(SEND_BLOCKED, SEND_BLOCKED_NS, BLOCKING, TAP_TYPE_SENDS)                                     \
    X(SEND_BLOCKED_NO_PEER, SEND_BLOCKED_NO_PEER_NS, BLOCKING, TAP_TYPE_SENDS)                     \
    X(SEND_WOULD_BLOCK, SEND_WOULD_BLOCK, BLOCKING, TAP_TYPE_SENDS)                                \
    X(SEND_WOULD_BLOCK_NO_PEER, SEND_WOULD_BLOCK_NO_PEER, BLOCKING, TAP_TYPE_SENDS)                \
    X(RECEIVE_BLOCKED, RECEIVE_BLOCKED_NS, BLOCKING, TAP_TYPE_RECEIVES)                            \
    X(RECEIVE_WOULD_BLOCK, RECEIVE_WOULD_BLOCK, BLOCKING, TAP_TYPE_RECEIVES)                       \
    X(PUBLISHER_DROPPED, DROPPED_HWM, PUBLISH_DROPS, TAP_TYPE_SENDS | TAP_TYPE_PUBLISHES)          \
    X(ROUTER_DROPPED, DROPPED_HWM, ROUTER_DROPS, TAP_TYPE_SENDS | TAP_TYPE_ROUTES)                 \
    X(DROPPED_UNROUTABLE, DROPPED_UNROUTABLE, ROUTER_DROPS, TAP_TYPE_SENDS | TAP_TYPE_ROUTES)      \
    X(DROPPED_LINGER, DROPPED_LINGER, ENDINGS, TAP_TYPE_SENDS | TAP_TYPE_ENDS)                     \
    X(DROPPED_DISCONNECT, DROPPED_DISCONNECT, ENDINGS, TAP_TYPE_SENDS | TAP_TYPE_ENDS)             \
    X(OVERSIZED, OVERSIZED, OVERSIZED, TAP_TYPE_RECEIVES)                                          \
    X(CONFLATED, CONFLATED, QUEUE_DEPTH, 0)                                                        \
    X(CONCURRENT_CALLS, CONCURRENT_CALLS, MISUSE, 0)                                               \
    X(HANDSHAKES, EVENT_HANDSHAKE_SUCCEEDED, HANDSHAKES, TAP_TYPE_HANDSHAKES)                      \
    X(DISCONNECTS, EVENT_DISCONNECTED, EVENTS, 0)                                                  \
    X(CONNECT_RETRIES, EVENT_CONNECT_RETRIED, EVENTS, 0)                                           \
    X(ACCEPT_FAILURES, EVENT_ACCEPT_FAILED, EVENTS, 0)                                             \
    X(BIND_FAILURES, EVENT_BIND_FAILED, EVENTS, 0)

enum {
#define X(name, word, capability, traits)                                                          \
    TAP_WORD_##name = SEGMENT_##word, TAP_CAPABILITY_##name = SEGMENT_CAPABILITY_##capability,     \
    TAP_TRAITS_##name = (traits),
    TAP_COUNTED(X)
#undef X
};

/* The last three of a row, as members of a struct that has them in this order. */
#define TAP_COUNTED_ROW(name) TAP_WORD_##name, TAP_CAPABILITY_##name, TAP_TRAITS_##name

#endif
