/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_sockets - every open socket of every tapped process, one by one, as it is now.
 *
 * For people, not for Prometheus: the live page and /api/v1/sockets show what series may not hold,
 * process ids and single sockets. Each call reads the segments anew, by itself, and
 * shares nothing with the collector.
 *
 * Thread: any, any number at once. Blocks: no. Errors: -errno of opening the directory, -ENOMEM,
 * or what a visitor returned.
 */
#ifndef COLLECTORS_TAP_TAP_SOCKETS_H
#define COLLECTORS_TAP_TAP_SOCKETS_H

#include "segment/segment_layout.h"

#include <stdbool.h>

#define TAP_SOCKETS_MAX 10000u /* rows; what is beyond is not shown */

/* Texts may hold any bytes. All is borrowed for the time of the visit. */
struct tap_socket {
    const struct segment_header *process;  /* pid (as it sees itself), program, command, … */
    const struct segment_group *group;     /* endpoint, name */
    const char *type;                      /* "PUB" */
    const struct segment_library *library; /* NULL: not known */
    const uint64_t *words;                 /* of its lane */
    bool is_silent;                        /* its process runs and does not write */
    bool is_peeked;                        /* there is no tap: it is seen from outside */
    bool is_contained;                     /* its process is in another pid namespace */
    bool is_without_tap; /* it is seen from outside, and no thread of its process is a tap's */
};

/* One thing that is known of a socket. Counters are those of the lane: sockets that had it
 * before counted in it too. */
struct tap_socket_field {
    const char *name; /* "send_queue_messages" */
    uint64_t value;
    bool is_signed;  /* `value` is an int64_t */
    bool is_seconds; /* `value` is nanoseconds; show it in seconds */
    bool is_ratio;   /* `value` is in billionths */
};

#define TAP_SOCKET_MAX_FIELDS 64u

/* What is known of the socket, in the same order for all; the rest is left out. Of a silent
 * process: which socket it was, and its counters. */
size_t tap_socket_fields(const struct tap_socket *self,
                         struct tap_socket_field ret_fields[TAP_SOCKET_MAX_FIELDS]);

/* Calls `visit` for each open socket, by process and lane. It returns 0 to go on. */
int tap_sockets_each(const char *directory,
                     int (*visit)(const struct tap_socket *socket, void *data), void *data);

#endif
