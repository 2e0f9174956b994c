/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_events - a socket's events and failed handshakes as JSON, for /api/v1/sockets/open.
 *
 *     "events": {"connected": 3, "disconnected": 2, …},   as zmq_socket_monitor(3) has them
 *     "handshake_failures": {"auth": 0, "protocol": 1, "transport": 0}
 *
 * Events that never came are left out, and each of the two where it is not known. Sockets that had
 * the lane before counted in it, too, as in the fields.
 */
#ifndef AGENT_AGENT_EVENTS_H
#define AGENT_AGENT_EVENTS_H

#include "base/string_buffer.h"
#include "collectors/tap/tap_sockets.h"

/* Appends the two members, with a comma before each. */
void agent_events_append(struct string_buffer *json, const struct tap_socket *socket);

#endif
