/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_peers.h"

#include "base/cleanup.h"
#include "metrics/json_writer.h"
#include "metrics/labels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define NS_PER_MS 1000000u

static void append_number(struct string_buffer *json, const char *name, uint64_t value)
{
    if (value != PEER_UNKNOWN)
        string_buffer_append_format(json, ",\"%s\":%" PRIu64, name, value);
}

/* Texts of other processes are untrusted, and escaped as labels are. */
static void append_texts(struct string_buffer *json, struct string_buffer *labels,
                         const struct peer *peer, const char *program)
{
    string_buffer_clear(labels);
    if (*peer->address)
        labels_append(labels, "address", peer->address);
    if (*program)
        labels_append(labels, "program", program);
    if (peer->peer_type)
        labels_append(labels, "type", peer->peer_type);
    if (labels->size > 0)
        string_buffer_append(json, ",", 1);
    json_writer_labels(json, labels->data ? labels->data : "", labels->size);
}

static void append_peer(struct string_buffer *json, struct string_buffer *labels,
                        const struct agent_peers *self, const struct peer *peer)
{
    const char *program = problem_names_find(&self->names, peer->peer_pid, peer->peer_start_ticks);
    string_buffer_append_format(json, "{\"send_queue\":%" PRIu64 ",\"receive_queue\":%" PRIu64,
                                peer->send_queue, peer->receive_queue);
    append_texts(json, labels, peer, program ? program : peer->peer_program);
    append_number(json, "pid", peer->peer_pid ? peer->peer_pid : PEER_UNKNOWN);
    append_number(json, "unsent_bytes", peer->unsent_bytes);
    append_number(json, "unread_bytes", peer->unread_bytes);
    append_number(json, "peer_unread_bytes", peer->peer_unread_bytes);
    append_number(json, "retransmits", peer->retransmits);
    if (peer->full_since_ns != 0)
        string_buffer_append_format(json, ",\"full_since\":%" PRIu64 ".%03" PRIu64,
                                    peer->full_since_ns / 1000 / NS_PER_MS,
                                    peer->full_since_ns / NS_PER_MS % 1000);
    string_buffer_append(json, "}", 1);
}

static uint64_t known(uint64_t value)
{
    return value == PEER_UNKNOWN ? 0 : value;
}

/* The one that more waits for comes first. */
static int compare_worst(const void *a, const void *b)
{
    const struct peer *one = *(const struct peer *const *)a;
    const struct peer *other = *(const struct peer *const *)b;
    uint64_t x = one->send_queue + one->receive_queue;
    uint64_t y = other->send_queue + other->receive_queue;
    if (x == y) {
        x = known(one->unsent_bytes) + known(one->unread_bytes);
        y = known(other->unsent_bytes) + known(other->unread_bytes);
    }
    return x > y ? -1 : x < y;
}

int agent_peers_append(struct string_buffer *json, const struct agent_peers *self,
                       const struct tap_socket *socket)
{
    const struct peer *peers = NULL;
    const struct peer_process process = {.start_ticks = socket->process->start_ticks,
                                         .pid = socket->process->pid};
    struct string_buffer labels = {0};
    size_t n = 0;
    if (!self->table || socket->words[SEGMENT_HANDLE] == SEGMENT_UNKNOWN ||
        !peer_table_find(self->table, &process, socket->words[SEGMENT_HANDLE], &peers, &n))
        return 0;
    cleanup_free const struct peer **order = calloc(n + 1, sizeof(*order));
    if (!order)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        order[i] = &peers[i];
    if (n > AGENT_PEERS_MAX)
        qsort(order, n, sizeof(*order), compare_worst);
    size_t n_shown = n < AGENT_PEERS_MAX ? n : AGENT_PEERS_MAX;
    string_buffer_append_text(json, ",\"peers\":[");
    for (size_t i = 0; i < n_shown; i++) {
        if (i > 0)
            string_buffer_append(json, ",", 1);
        append_peer(json, &labels, self, order[i]);
    }
    string_buffer_append(json, "]", 1);
    if (n > n_shown)
        append_number(json, "n_peers_left_out", n - n_shown);
    int r = json->has_failed || labels.has_failed ? -ENOMEM : 0;
    string_buffer_finish(&labels);
    return r;
}
