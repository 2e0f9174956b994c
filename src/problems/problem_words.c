/* SPDX-License-Identifier: MPL-2.0 */
#include "base/clock.h"
#include "metrics/json_writer.h"
#include "metrics/labels.h"
#include "problems/problem.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    const char *name, *runbook;
} kinds[PROBLEM_N_KINDS] = {
#define X(kind, name, runbook) [PROBLEM_##kind] = {name, runbook},
    PROBLEM_KINDS(X)
#undef X
};

const char *problem_kind_name(enum problem_kind kind)
{
    return kinds[kind].name;
}

const char *problem_kind_runbook(enum problem_kind kind)
{
    return kinds[kind].runbook;
}

/* "8 min", "2 h 5 min", "3 d 4 h" */
static void append_duration(struct string_buffer *text, uint64_t ns)
{
    uint64_t s = ns / CLOCK_NS_PER_SECOND;
    if (s < 120)
        string_buffer_append_format(text, "%" PRIu64 " s", s);
    else if (s < 7200)
        string_buffer_append_format(text, "%" PRIu64 " min", s / 60);
    else if (s < 172800)
        string_buffer_append_format(text, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
    else
        string_buffer_append_format(text, "%" PRIu64 " d %" PRIu64 " h", s / 86400,
                                    s % 86400 / 3600);
}

static void append_count(struct string_buffer *text, uint64_t n, const char *one, const char *many)
{
    string_buffer_append_format(text, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

static void append_lately(struct string_buffer *text, const struct problem_view *view)
{
    string_buffer_append_text(text, " in the last ");
    if (view->recent_ns >= 60 * CLOCK_NS_PER_SECOND)
        string_buffer_append_text(text, "minute");
    else
        append_duration(text, view->recent_ns);
}

static void append_percent(struct string_buffer *text, uint64_t billionths)
{
    string_buffer_append_format(text, "%" PRIu64 " %%", (billionths + 5000000) / 10000000);
}

/* Whether `blocked[i]` loses messages because of the problem, rather than that it has to wait. */
static bool loses(const struct problem *self, unsigned i)
{
    return self->blocked[i]->recent[PROBLEM_DROPPED_FULL] > 0;
}

static bool is_named_before(const struct problem *self, unsigned i)
{
    for (unsigned k = 0; k < i; k++) {
        if (loses(self, k) == loses(self, i) &&
            strcmp(self->blocked[k]->program, self->blocked[i]->program) == 0)
            return true;
    }
    return false;
}

/* Each program once: it may have many sockets there. */
static void append_victims(struct string_buffer *text, const struct problem *self, bool that_lose)
{
    unsigned n = self->n_blocked < PROBLEM_MAX_BLOCKED ? self->n_blocked : PROBLEM_MAX_BLOCKED;
    unsigned n_named = 0;
    for (unsigned i = 0; i < n; i++) {
        if (loses(self, i) != that_lose || is_named_before(self, i))
            continue;
        string_buffer_append_text(text, n_named++ ? ", " : "; ");
        string_buffer_append_text(text, self->blocked[i]->program);
    }
    if (n_named == 1)
        string_buffer_append_text(text, that_lose ? " drops messages for it" : " is blocked by it");
    else if (n_named)
        string_buffer_append_text(text, that_lose ? " drop messages for it" : " are blocked by it");
}

static void append_blocked(struct string_buffer *text, const struct problem *self)
{
    append_victims(text, self, false);
    append_victims(text, self, true);
    if (self->n_blocked > PROBLEM_MAX_BLOCKED)
        string_buffer_append_format(text, " (and %u more)", self->n_blocked - PROBLEM_MAX_BLOCKED);
}

static const char *failure_of(const struct problem_socket *socket)
{
    uint64_t auth = socket->recent[PROBLEM_FAILED_AUTH];
    uint64_t protocol = socket->recent[PROBLEM_FAILED_PROTOCOL];
    uint64_t transport = socket->recent[PROBLEM_FAILED_TRANSPORT];
    if (auth >= protocol && auth >= transport)
        return "the peers' keys or passwords are refused";
    return protocol >= transport ? "the peers speak another protocol, mechanism or socket type"
                                 : "the connection breaks before the handshake is done";
}

static void append_for(struct string_buffer *text, const struct problem *self, const char *before)
{
    if (self->for_ns == SEGMENT_UNKNOWN || self->for_ns < CLOCK_NS_PER_SECOND)
        return;
    string_buffer_append_text(text, before);
    append_duration(text, self->for_ns);
}

/* When it received last. */
static void append_stop(struct string_buffer *text, const struct problem *self)
{
    uint64_t last_ns = self->socket->last_received_ns;
    if (last_ns && last_ns != SEGMENT_UNKNOWN) {
        string_buffer_append_text(text, "stopped receiving ");
        append_duration(text, self->for_ns);
        string_buffer_append_text(text, " ago; ");
    } else {
        string_buffer_append_text(text, "has never received; ");
    }
}

static void append_kind(struct string_buffer *text, const struct problem *self,
                        const struct problem_view *view)
{
    const struct problem_socket *socket = self->socket;
    switch (self->kind) {
    case PROBLEM_RECEIVER_STUCK:
        append_stop(text, self);
        append_count(text, self->value, "message waits", "messages wait");
        append_blocked(text, self);
        break;
    case PROBLEM_RECEIVER_SLOW:
        string_buffer_append_text(text,
                                  "receives more slowly than it is sent to: its queue is at ");
        append_percent(text, socket->receive_fullest);
        string_buffer_append_text(text, " of its high water mark, ");
        append_count(text, self->value, "message waits", "messages wait");
        append_for(text, self, ", the oldest for ");
        append_blocked(text, self);
        break;
    case PROBLEM_SILENT:
        string_buffer_append_text(text, "runs, but its tap does not write: stopped, out of "
                                        "descriptors, or without the segment directory; its queues "
                                        "are not known");
        break;
    case PROBLEM_HANDSHAKES_FAIL:
        append_count(text, self->value, "handshake failed", "handshakes failed");
        append_lately(text, view);
        string_buffer_append_format(text, ": %s", failure_of(socket));
        break;
    case PROBLEM_NO_PEER:
        string_buffer_append_text(text, "has no peer: nobody answers there");
        if (self->value) {
            string_buffer_append_text(text, "; it tried ");
            append_count(text, self->value, "time", "times");
            append_lately(text, view);
        }
        break;
    case PROBLEM_UNROUTABLE:
        string_buffer_append_text(text, "dropped ");
        append_count(text, self->value, "message", "messages");
        append_lately(text, view);
        string_buffer_append_text(text, ": their receivers are not connected");
        break;
    case PROBLEM_DROPS:
        string_buffer_append_text(text, "dropped ");
        append_count(text, self->value, "message", "messages");
        append_lately(text, view);
        string_buffer_append_text(text, ": a peer's queue is full, since it takes them too slowly");
        break;
    case PROBLEM_SEND_QUEUE_FULL:
        string_buffer_append_text(text, "its send queue is at ");
        append_percent(text, socket->send_fullest);
        string_buffer_append_text(text, " of its high water mark: a peer takes too slowly, or not "
                                        "at all; ");
        append_count(text, self->value, "message waits", "messages wait");
        append_for(text, self, ", the oldest for ");
        break;
    case PROBLEM_MESSAGES_OLD:
        append_count(text, self->value, "message waits", "messages wait");
        append_for(text, self, " to be sent, the oldest for ");
        break;
    case PROBLEM_FLAPPING:
        append_count(text, self->value, "connection was lost", "connections were lost");
        append_lately(text, view);
        break;
    default:
        break;
    }
}

void problem_append_words(struct string_buffer *text, const struct problem *self,
                          const struct problem_view *view)
{
    append_kind(text, self, view);
    if (self->n_sockets > 1)
        string_buffer_append_format(text, " (%u sockets)", self->n_sockets);
}

static void append_party(struct string_buffer *json, struct string_buffer *labels,
                         const struct problem_socket *socket)
{
    string_buffer_clear(labels);
    labels_append(labels, "program", socket->program);
    labels_append(labels, "type", socket->type);
    labels_append(labels, "address", socket->address);
    if (*socket->name)
        labels_append(labels, "socket", socket->name);
    json_writer_labels(json, labels->data ? labels->data : "", labels->size);
    string_buffer_append_format(json, ",\"pid\":%" PRIu64, socket->pid);
}

/* As a label's value and back, so that a stranger's bytes become UTF-8. */
static void append_text(struct string_buffer *json, struct string_buffer *labels, const char *name,
                        const struct string_buffer *text)
{
    string_buffer_clear(labels);
    labels_append(labels, name, text->data ? text->data : "");
    json_writer_labels(json, labels->data ? labels->data : "", labels->size);
}

static void append_problem(struct string_buffer *json, struct string_buffer *labels,
                           const struct problem *self, const struct problem_view *view)
{
    struct string_buffer words = {0};
    problem_append_words(&words, self, view);
    string_buffer_append_format(
        json, "{\"kind\":\"%s\",\"severity\":\"%s\",\"sockets\":%u,", problem_kind_name(self->kind),
        self->severity == PROBLEM_CRITICAL ? "critical" : "warning", self->n_sockets);
    append_party(json, labels, self->socket);
    string_buffer_append(json, ",", 1);
    append_text(json, labels, "text", &words);
    string_buffer_finish(&words);
    if (self->for_ns != SEGMENT_UNKNOWN)
        string_buffer_append_format(json, ",\"seconds\":%" PRIu64 ".%03u",
                                    self->for_ns / CLOCK_NS_PER_SECOND,
                                    (unsigned)(self->for_ns % CLOCK_NS_PER_SECOND / 1000000));
    string_buffer_append_format(json, ",\"value\":%" PRIu64 ",\"runbook\":\"%s\",\"blocked\":[",
                                self->value, problem_kind_runbook(self->kind));
    for (unsigned i = 0; i < self->n_blocked && i < PROBLEM_MAX_BLOCKED; i++) {
        string_buffer_append_text(json, i ? ",{" : "{");
        append_party(json, labels, self->blocked[i]);
        string_buffer_append(json, "}", 1);
    }
    string_buffer_append_text(json, "]}");
}

void problems_append_json(struct string_buffer *json, const struct problems *self,
                          const struct problem_view *view)
{
    struct string_buffer labels = {0};
    string_buffer_append_text(json, "\"problems\":[");
    for (size_t i = 0; i < self->n; i++) {
        if (i)
            string_buffer_append(json, ",", 1);
        append_problem(json, &labels, &self->items[i], view);
    }
    string_buffer_append_format(json, "],\"is_complete\":%s", self->is_complete ? "true" : "false");
    json->has_failed = json->has_failed || labels.has_failed;
    string_buffer_finish(&labels);
}
