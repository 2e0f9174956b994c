/* SPDX-License-Identifier: MPL-2.0 */
/*
 * link_traffic - what libzmq has taken from a connection, as the kernel counts it.
 *
 * libzmq takes in the frames of a message until the last one: neither high water mark nor
 * ZMQ_MAXMSGSIZE ends a message that never does (4.3.4, pipe.cpp: check_write() counts whole
 * messages), and none of it is told before. So a probe compares bytes with messages.
 *
 * The descriptor is libzmq's and may be closed, or another's, at any moment: it is only asked, and
 * what it says counts only if it is still the connection that it was.
 *
 * Thread: one.   Blocks: no.   Owns: nothing.
 */
#ifndef COLLECTORS_PROBE_LINK_TRAFFIC_H
#define COLLECTORS_PROBE_LINK_TRAFFIC_H

#include <stdint.h>

struct link_traffic {
    int fd;          /* -1: none, or not of TCP */
    uint64_t cookie; /* the kernel's name of the connection */
    uint64_t marked_bytes, marked_ns;
};

#define LINK_TRAFFIC_INIT                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Begins to follow the connection; the mark is here. */
void link_traffic_open(struct link_traffic *self, int fd, uint64_t now_ns);

/* A message has come: bytes count from here on. */
void link_traffic_mark(struct link_traffic *self, uint64_t now_ns);

/* Bytes since the mark; 0 if there is nothing to ask. */
uint64_t link_traffic_since_mark(const struct link_traffic *self);

#endif
