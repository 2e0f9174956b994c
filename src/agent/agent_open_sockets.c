/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_open_sockets.h"

#include "agent/agent_events.h"
#include "agent/agent_peers.h"
#include "base/clock.h"
#include "collectors/peek/host_sockets.h"
#include "collectors/peers/peers_watch.h"
#include "collectors/tap/tap_sockets.h"
#include "metrics/json_writer.h"
#include "metrics/labels.h"
#include "problems/problem_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define PEERS_AGE_NS      (5 * CLOCK_NS_PER_SECOND) /* older ones are waited for */
#define PEERS_PATIENCE_NS (5 * CLOCK_NS_PER_SECOND / 2)

/* The filters of the request, and the answer so far. */
struct listing {
    const struct agent_open_sockets_query *query;
    struct string_buffer json, labels;
    struct agent_peers peers;
    unsigned n;
};

static bool is_wanted(const char *wanted, const char *text)
{
    return !wanted || strcmp(wanted, text) == 0;
}

/* Nanoseconds as seconds, billionths as a ratio. */
static void append_billionths(struct string_buffer *json, uint64_t value)
{
    string_buffer_append_format(json, "%" PRIu64 ".%09" PRIu64, value / 1000000000,
                                value % 1000000000);
}

static void append_field(struct string_buffer *json, const struct tap_socket_field *field)
{
    json_writer_text(json, field->name);
    string_buffer_append(json, ":", 1);
    if (field->is_seconds || field->is_ratio)
        append_billionths(json, field->value);
    else if (field->is_signed)
        string_buffer_append_format(json, "%" PRId64, (int64_t)field->value);
    else
        string_buffer_append_u64(json, field->value);
}

static void append_fields(struct string_buffer *json, const struct tap_socket *socket)
{
    struct tap_socket_field fields[TAP_SOCKET_MAX_FIELDS];
    size_t n = tap_socket_fields(socket, fields);
    string_buffer_append_text(json, ",\"fields\":{");
    for (size_t i = 0; i < n; i++) {
        if (i)
            string_buffer_append(json, ",", 1);
        append_field(json, &fields[i]);
    }
    string_buffer_append(json, "}", 1);
}

static const char *const capability_names[] = {
#define X(number, name, text) [number] = (text),
    SEGMENT_CAPABILITIES(X)
#undef X
};

/* What the tap cannot measure in the process, or only bound, and why. */
static void append_unmeasured(struct listing *self, const struct segment_header *process)
{
    const char *separator = "";
    string_buffer_append_text(&self->json, ",\"not_measured\":[");
    for (unsigned i = 0; i < SEGMENT_N_CAPABILITIES; i++) {
        const struct segment_capability *capability = &process->capabilities[i];
        bool is_bound = capability->state == SEGMENT_CAPABILITY_BOUND;
        if (!is_bound && capability->state != SEGMENT_CAPABILITY_OFF)
            continue;
        string_buffer_clear(&self->labels);
        labels_append(&self->labels, "capability", capability_names[i]);
        labels_append(&self->labels, "state", is_bound ? "bound" : "off");
        labels_append(&self->labels, "reason", capability->reason);
        string_buffer_append_format(&self->json, "%s{", separator);
        json_writer_labels(&self->json, self->labels.data ? self->labels.data : "",
                           self->labels.size);
        string_buffer_append(&self->json, "}", 1);
        separator = ",";
    }
    string_buffer_append(&self->json, "]", 1);
}

static void append_names(struct listing *self, const struct tap_socket *socket)
{
    struct string_buffer *labels = &self->labels;
    string_buffer_clear(labels);
    labels_append(labels, "command", socket->process->command);
    labels_append(labels, "program", socket->process->program);
    labels_append(labels, "type", socket->type);
    labels_append(labels, "address", socket->group->endpoint);
    if (*socket->group->name)
        labels_append(labels, "socket", socket->group->name);
    json_writer_labels(&self->json, labels->data ? labels->data : "", labels->size);
    if (socket->library)
        string_buffer_append_format(&self->json, ",\"library\":\"%u.%u.%u\"",
                                    socket->library->version_major, socket->library->version_minor,
                                    socket->library->version_patch);
}

static bool is_number(const char *wanted, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    return is_wanted(wanted, text);
}

static int visit(const struct tap_socket *socket, void *data)
{
    struct listing *self = data;
    if (!is_wanted(self->query->program, socket->process->program) ||
        !is_wanted(self->query->type, socket->type) ||
        !is_wanted(self->query->address, socket->group->endpoint) ||
        !is_number(self->query->pid, socket->process->pid) ||
        !is_number(self->query->serial, socket->words[SEGMENT_SERIAL]))
        return 0;
    if (self->n++ >= AGENT_OPEN_SOCKETS_MAX)
        return 0;
    string_buffer_append_format(&self->json, "%s{\"pid\":%" PRIu64 ",", self->n > 1 ? "," : "",
                                socket->process->pid);
    append_names(self, socket);
    string_buffer_append_format(&self->json, ",\"is_silent\":%s,\"seen_by\":\"%s\"",
                                socket->is_silent ? "true" : "false",
                                socket->is_peeked ? "peek" : "tap");
    append_fields(&self->json, socket);
    agent_events_append(&self->json, socket);
    append_unmeasured(self, socket->process);
    int r = agent_peers_append(&self->json, &self->peers, socket);
    string_buffer_append(&self->json, "}", 1);
    return r < 0 || self->json.has_failed || self->labels.has_failed ? -ENOMEM : 0;
}

int agent_open_sockets_list(const struct agent_open_sockets *self,
                            const struct agent_open_sockets_query *query,
                            struct string_buffer *ret_json)
{
    struct listing listing = {.query = query};
    struct problem_look *look = NULL;
    string_buffer_append_text(&listing.json, "{\"open\":[");
    if (self->peers) {
        peers_watch_ask(self->peers, PEERS_AGE_NS, PEERS_PATIENCE_NS);
        if (self->problems && problem_watch_share(self->problems, &look) < 0)
            look = NULL;
        listing.peers.table = peers_watch_lock(self->peers);
    }
    int r = look ? problem_names_init(&listing.peers.names, &look->view, listing.peers.table) : 0;
    if (r == 0)
        r = host_sockets_each(self->directory, self->peek, visit, &listing, NULL);
    if (self->peers)
        peers_watch_unlock(self->peers);
    problem_names_finish(&listing.peers.names);
    if (look)
        problem_watch_release(self->problems, look);
    string_buffer_finish(&listing.labels);
    bool is_complete = listing.n <= AGENT_OPEN_SOCKETS_MAX;
    string_buffer_append_format(&listing.json, "],\"is_complete\":%s}\n",
                                is_complete ? "true" : "false");
    *ret_json = listing.json;
    return r;
}

void agent_open_sockets_handle(void *state, const struct http_request *request,
                               struct http_response *response)
{
    const struct agent_open_sockets_query query = {
        .program = http_request_query(request, "program"),
        .type = http_request_query(request, "type"),
        .address = http_request_query(request, "address"),
        .pid = http_request_query(request, "pid"),
        .serial = http_request_query(request, "serial"),
    };
    struct string_buffer json;
    if (agent_open_sockets_list(state, &query, &json) < 0) {
        string_buffer_finish(&json);
        http_response_text(response, 503, "the segment directory cannot be read\n");
        return;
    }
    http_response_take(response, "application/json", &json);
}
