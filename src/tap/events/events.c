/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/events.h"

#include "tap/registry/registry.h"

#include <zmq.h>

static_assert(EVENTS_WORDS_BEGIN == SEGMENT_EVENTS_BASE, "first block");
static_assert(EVENTS_WORDS_BEGIN + EVENTS_N_WORDS ==
                  SEGMENT_HANDSHAKE_PROTOCOL_BASE + SEGMENT_HANDSHAKE_PROTOCOL_SIZE,
              "last block");

struct detail {
    int64_t value; /* -1: any other */
    uint32_t number;
};

static const struct detail auth_details[] = {
#define X(number, value, name) {(value), SEGMENT_HANDSHAKE_AUTH_BASE + (number)},
    SEGMENT_AUTH_DETAILS(X)
#undef X
};

static const struct detail transport_details[] = {
#define X(number, value, name) {(value), SEGMENT_HANDSHAKE_TRANSPORT_BASE + (number)},
    SEGMENT_TRANSPORT_DETAILS(X)
#undef X
};

static const struct detail protocol_details[] = {
#define X(number, value, name) {(value), SEGMENT_HANDSHAKE_PROTOCOL_BASE + (number)},
    SEGMENT_PROTOCOL_DETAILS(X)
#undef X
};

/* The last row takes what no other does. */
static uint32_t find_detail(const struct detail *details, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n - 1; i++) {
        if (details[i].value == (int64_t)value)
            return details[i].number;
    }
    return details[n - 1].number;
}

#define FIND_DETAIL(details, value) find_detail(details, sizeof(details) / sizeof(*details), value)

static void add(struct registry_socket *socket, uint32_t word)
{
    if (socket->events.is_holding)
        socket->events.held[word - EVENTS_WORDS_BEGIN]++;
    else
        segment_word_add(&socket->words[word], 1);
}

static uint32_t event_word(uint64_t kind)
{
    bool is_one_of_16 = kind != 0 && kind <= 0x8000;
    return SEGMENT_EVENTS_BASE + (is_one_of_16 ? (uint32_t)__builtin_ctzll(kind) : 15);
}

/* One connection is one failure, of the first cause told: a refusal by ZAP can be followed by the
 * end of the connection in the handshake. ZMQ_STREAM has no handshake, yet libzmq raises
 * HANDSHAKE_FAILED_NO_DETAIL at the end of each of its connections (stream_engine_base.cpp,
 * error(), 4.3.5). */
static void count_failure(struct registry_socket *socket, const struct event *event,
                          const char *address)
{
    if (!peers_failed(&socket->events.peers, address) || socket->events.peers.is_without_handshake)
        return;
    if (event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        add(socket, FIND_DETAIL(auth_details, event->value));
    else if (event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        add(socket, FIND_DETAIL(protocol_details, event->value));
    else
        add(socket, FIND_DETAIL(transport_details, event->value));
}

/* An unversioned greeting where ZAP is on, for one, ends the connection with no failure event
 * (zmtp_engine.cpp, handshake_v1_0_unversioned, 4.3.5). */
static void count_end(struct registry_socket *socket, const struct event *event,
                      const char *address)
{
    enum peers_end end = peers_ended(&socket->events.peers, address, (int)event->value);
    if (end == PEERS_END_REFUSED && !socket->events.peers.is_without_handshake)
        add(socket, FIND_DETAIL(protocol_details, ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED));
}

/*
 * To the program, and by its event, the end of a connection whose message was over ZMQ_MAXMSGSIZE
 * is like any other; but where this end has made the connection, libzmq does not make it again
 * (session_base.cpp, engine_error). What tells it is errno, which is still EMSGSIZE in libzmq's own
 * thread when that raises the event (v2_decoder.cpp and stream_engine_base.cpp, error; 4.2.5 to
 * 4.3.5). The sender sees a disconnect and no more, here as there.
 */
void events_count(struct registry_socket *socket, const struct event *event)
{
    struct peers *peers = &socket->events.peers;
    const char *address = event->address;
    if (event->other_address && peers_knows(peers, event->other_address))
        address = event->other_address;
    add(socket, event_word(event->kind));
    endings_event(socket, event->kind);
    switch (event->kind) {
    case ZMQ_EVENT_CONNECTED:
    case ZMQ_EVENT_ACCEPTED:
        peers_opened(peers, address, (int)event->value);
        break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        peers_succeeded(peers, address);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        count_failure(socket, event, address);
        break;
    case ZMQ_EVENT_BIND_FAILED:
        socket->events.n_bind_failures++;
        socket->events.last_bind_error = (int)event->value;
        break;
    case ZMQ_EVENT_DISCONNECTED:
        if (event->is_oversized)
            segment_word_add(&socket->words[SEGMENT_OVERSIZED], 1);
        count_end(socket, event, address);
        break;
    default:
        break;
    }
}

/* Without handshake events a connection is not known to be a peer, and the number is not known. */
void events_show_peers(struct registry_socket *socket)
{
    int64_t n = socket->has_events ? peers_count(&socket->events.peers) : -1;
    bool is_told = library_tells_handshakes(socket->library) || socket->type == ZMQ_STREAM;
    segment_word_set(&socket->words[SEGMENT_PEERS],
                     n >= 0 && is_told ? (uint64_t)n + socket->n_inproc_peers : SEGMENT_UNKNOWN);
}

void events_hold(struct registry_socket *socket)
{
    socket->events.is_holding = true;
}

void events_release(struct registry_socket *socket)
{
    struct events *events = &socket->events;
    if (!events->is_holding)
        return;
    events->is_holding = false;
    for (uint32_t i = 0; i < EVENTS_N_WORDS; i++) {
        if (events->held[i])
            segment_word_add(&socket->words[EVENTS_WORDS_BEGIN + i], events->held[i]);
        events->held[i] = 0;
    }
}
