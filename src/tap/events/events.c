/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/events.h"

#include "tap/events/peers.h"
#include "tap/ground/tables.h"
#include "tap/ground/thread_state.h"

#include <zmq.h>

/* The words of events are one after the other, to the end of the last cause of a failure. */
#define WORDS_BEGIN SEGMENT_EVENTS_BASE
#define WORDS_END   (SEGMENT_HANDSHAKE_PROTOCOL_BASE + SEGMENT_HANDSHAKE_PROTOCOL_SIZE)

static struct state {
    struct peers peers;
    uint32_t n_inproc_peers;
    bool has_monitor;
    bool is_holding;
    uint32_t n_bind_failures;
    int last_bind_error; /* errno */
    uint32_t held[WORDS_END - WORDS_BEGIN];
} * states;

TABLES_ROW(states, REGISTRY_MAX_SOCKETS);

static events_observer *observer;

static struct state *state_of(const struct registry_socket *socket)
{
    return &states[socket->index];
}

void events_set_observer(events_observer *new_observer)
{
    observer = new_observer;
}

void events_reset(struct registry_socket *socket)
{
    *state_of(socket) = (struct state){.peers.is_without_handshake = socket->type == ZMQ_STREAM};
}

void events_freed(struct registry_socket *socket)
{
    peers_finish(&state_of(socket)->peers);
}

void events_forked(void)
{
    peers_forked();
}

void events_note_monitor(const struct registry_socket *socket)
{
    state_of(socket)->has_monitor = true;
}

void events_set_inproc_peers(const struct registry_socket *socket, uint32_t n)
{
    state_of(socket)->n_inproc_peers = n;
}

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

static void count(struct registry_socket *socket, uint32_t word)
{
    struct state *state = state_of(socket);
    if (state->is_holding)
        state->held[word - WORDS_BEGIN]++;
    else
        segment_word_add(&socket->words[word], 1);
}

static uint32_t event_word(uint64_t kind)
{
    bool has_word = kind != 0 && kind >> SEGMENT_EVENTS_SIZE == 0;
    return has_word ? SEGMENT_EVENTS_BASE + (uint32_t)__builtin_ctzll(kind) : SEGMENT_EVENT_UNKNOWN;
}

/* One connection is one failure, of the first cause told: a refusal by ZAP can be followed by the
 * end of the connection in the handshake. ZMQ_STREAM has no handshake, yet libzmq raises
 * HANDSHAKE_FAILED_NO_DETAIL at the end of each of its connections (stream_engine_base.cpp,
 * error(), 4.3.5). */
static void count_failure(struct registry_socket *socket, const struct event *event,
                          const char *address)
{
    struct peers *peers = &state_of(socket)->peers;
    if (!peers_failed(peers, address) || peers->is_without_handshake)
        return;
    if (event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        count(socket, FIND_DETAIL(auth_details, event->value));
    else if (event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        count(socket, FIND_DETAIL(protocol_details, event->value));
    else
        count(socket, FIND_DETAIL(transport_details, event->value));
}

/* An unversioned greeting where ZAP is on, for one, ends the connection with no failure event
 * (zmtp_engine.cpp, handshake_v1_0_unversioned, 4.3.5). */
static void count_end(struct registry_socket *socket, const struct event *event,
                      const char *address)
{
    struct peers *peers = &state_of(socket)->peers;
    enum peers_end end = peers_ended(peers, address, (int)event->value);
    if (end == PEERS_END_REFUSED && !peers->is_without_handshake)
        count(socket, FIND_DETAIL(protocol_details, ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED));
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
    struct state *state = state_of(socket);
    struct peers *peers = &state->peers;
    const char *address = event->address;
    if (event->other_address && peers_knows(peers, event->other_address))
        address = event->other_address;
    thread_state_rouse();
    count(socket, event_word(event->kind));
    observer(socket, event->kind);
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
        state->n_bind_failures++;
        state->last_bind_error = (int)event->value;
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
void events_tick(struct registry_socket *socket, uint64_t now_ns, uint64_t elapsed_ns)
{
    const struct state *state = state_of(socket);
    int64_t n = state->has_monitor ? peers_count(&state->peers) : -1;
    bool is_told = library_tells_handshakes(socket->library) || socket->type == ZMQ_STREAM;
    (void)now_ns, (void)elapsed_ns;
    segment_word_set(&socket->words[SEGMENT_PEERS],
                     n >= 0 && is_told ? (uint64_t)n + state->n_inproc_peers : SEGMENT_UNKNOWN);
}

bool events_may_have_peers(const struct registry_socket *socket)
{
    const struct state *state = state_of(socket);
    if (!state->has_monitor)
        return true;
    return library_tells_handshakes(socket->library) ? peers_count(&state->peers) != 0
                                                     : peers_has_connection(&state->peers);
}

/* A socket is placed by the first endpoint that libzmq takes. What that raises is counted there. */
static struct peers *begin_endpoint(const struct registry_socket *socket)
{
    struct state *state = state_of(socket);
    thread_state_rouse();
    if (!socket->is_placed)
        state->is_holding = true;
    return &state->peers;
}

void events_begin_bind(const struct registry_socket *socket, const char *endpoint)
{
    struct peers *peers = begin_endpoint(socket);
    if (endpoint)
        peers_expect_others(peers, endpoint);
}

void events_begin_connect(const struct registry_socket *socket, const char *endpoint)
{
    struct peers *peers = begin_endpoint(socket);
    if (endpoint)
        peers_expect_connection(peers, endpoint);
}

void events_end_endpoint(const struct registry_socket *socket)
{
    struct state *state = state_of(socket);
    if (!state->is_holding)
        return;
    state->is_holding = false;
    for (uint32_t i = 0; i < WORDS_END - WORDS_BEGIN; i++) {
        if (state->held[i])
            segment_word_add(&socket->words[WORDS_BEGIN + i], state->held[i]);
        state->held[i] = 0;
    }
}

void events_drop_endpoint(const struct registry_socket *socket, const char *endpoint)
{
    peers_drop(&state_of(socket)->peers, endpoint);
}

uint32_t events_bind_failures(const struct registry_socket *socket, int *ret_error)
{
    const struct state *state = state_of(socket);
    *ret_error = state->last_bind_error;
    return state->n_bind_failures;
}
