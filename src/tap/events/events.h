/* SPDX-License-Identifier: MPL-2.0 */
/*
 * events - a socket's monitor events, counted.
 *
 * Events that come while the program's first zmq_bind or zmq_connect is under way are held, and
 * counted where the socket then belongs: its endpoint's group if the call succeeds.
 *
 * Thread: the registry's lock is held.
 */
#ifndef TAP_EVENTS_H
#define TAP_EVENTS_H

#include "tap/events/peers.h"

struct registry_socket;

#define EVENTS_WORDS_BEGIN 32 /* SEGMENT_EVENTS_BASE */
#define EVENTS_N_WORDS     68 /* to the end of the protocol block */

struct event {
    uint64_t kind;  /* ZMQ_EVENT_* */
    uint64_t value; /* descriptor, errno, status or code */
    const char *address;
    const char *other_address; /* of the other end, in events of version 2; else NULL */
    bool is_oversized;         /* while errno said EMSGSIZE */
};

/* Of one socket; embedded, all zero is empty. */
struct events {
    struct peers peers;
    bool is_holding;
    uint32_t n_bind_failures;
    int last_bind_error; /* errno */
    uint32_t held[EVENTS_N_WORDS];
};

void events_count(struct registry_socket *socket, const struct event *event);

/* What is known of the socket's peers now, into its lane. */
void events_show_peers(struct registry_socket *socket);

void events_hold(struct registry_socket *socket);
void events_release(struct registry_socket *socket);

#endif
