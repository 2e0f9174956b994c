/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_peers - a socket's peers as JSON, for /api/v1/sockets/open.
 *
 *     "peers": [{"address": "tcp://127.0.0.1:40512",  the other end, as the kernel has it
 *                "pid": 4711, "program": "ledger",    where it is a process of this host;
 *                                                     called as it is on the page
 *                "type": "PULL",                      where it is a ZeroMQ socket that is seen
 *                "send_queue": 1000,                  messages in this socket's queue to it
 *                "receive_queue": 0,                  and from it
 *                "full_since": 1764400000.250,        when the queue to it was first seen full
 *                "unsent_bytes": 2626560,             in the kernel, not yet at the other host;
 *                                                     with ipc, not yet read by the peer
 *                "unread_bytes": 0,                   in the kernel, not yet read by libzmq here
 *                "peer_unread_bytes": 6291456,        the same at the other end, on this host
 *                "retransmits": 0}, …]                segments that tcp sent again
 *
 * What is not known is left out, "peers" itself where the process's connections are not seen. Of
 * more than AGENT_PEERS_MAX those are shown that most waits for, and "n_peers_left_out" says how
 * many are not.
 */
#ifndef AGENT_AGENT_PEERS_H
#define AGENT_AGENT_PEERS_H

#include "base/string_buffer.h"
#include "collectors/peers/peer_table.h"
#include "collectors/tap/tap_sockets.h"
#include "problems/problem_names.h"

#define AGENT_PEERS_MAX 100u

struct agent_peers {
    const struct peer_table *table; /* NULL: not known */
    struct problem_names names;     /* empty: those that the reader gives */
};

/* Appends the members, each with a comma before it, or nothing. Errors: -ENOMEM. */
int agent_peers_append(struct string_buffer *json, const struct agent_peers *self,
                       const struct tap_socket *socket);

#endif
