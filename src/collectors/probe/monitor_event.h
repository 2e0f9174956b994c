/* SPDX-License-Identifier: MPL-2.0 */
/*
 * monitor_event - one event of zmq_socket_monitor, from its frames.
 *
 * Version 1 of the format (libzmq 4.0 and later): a frame of 6 bytes, event and value in the
 * host's order without padding, then a frame with the address.
 */
#ifndef COLLECTORS_PROBE_MONITOR_EVENT_H
#define COLLECTORS_PROBE_MONITOR_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONITOR_EVENT_SIZE 6u

struct monitor_event {
    uint16_t event; /* ZMQ_EVENT_* */
    uint32_t value;
};

/* False: not a frame of that format. */
bool monitor_event_decode(const void *frame, size_t size, struct monitor_event *ret);

#endif
