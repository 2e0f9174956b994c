/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_rows.h"

#include "base/clock.h"
#include "cli/top_cells.h"
#include "metrics/json_writer.h"
#include "metrics/labels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const top_order_names[TOP_N_ORDERS] = {"fullest queue", "send queue", "receive queue",
                                                   "messages a second", "program"};

static uint64_t or_zero(uint64_t gauge)
{
    return top_cells_is_known(gauge) ? gauge : 0;
}

static uint64_t fullest(const struct problem_socket *socket)
{
    uint64_t send = or_zero(socket->send_fullest), receive = or_zero(socket->receive_fullest);
    return send > receive ? send : receive;
}

/* Messages a second since the look before; false if it was not seen then. */
static bool rate_of(const struct top *self, const struct problem_socket *socket,
                    enum problem_counter counter, double *ret_rate)
{
    const struct problem_socket *former = self->former.n ? bsearch(socket, self->former.sockets,
                                                                   self->former.n,
                                                                   sizeof(*self->former.sockets),
                                                                   problem_socket_compare)
                                                         : NULL;
    uint64_t now_ns = self->look.view.now_ns;
    if (!former || !top_cells_is_known(socket->counters[counter]) ||
        now_ns <= self->former.now_ns || socket->counters[counter] < former->counters[counter])
        return false;
    *ret_rate = (double)(socket->counters[counter] - former->counters[counter]) /
                ((double)(now_ns - self->former.now_ns) / 1e9);
    return true;
}

static double rate(const struct top *self, const struct problem_socket *socket)
{
    double sent = 0, received = 0;
    (void)rate_of(self, socket, PROBLEM_SENT, &sent);
    (void)rate_of(self, socket, PROBLEM_RECEIVED, &received);
    return sent + received;
}

static int descending(double a, double b)
{
    return a > b ? -1 : a < b;
}

static int compare(const void *a, const void *b, void *data)
{
    const struct top *self = data;
    const struct problem_socket *const *left = a, *const *right = b;
    const struct problem_socket *x = *left, *y = *right;
    int r = 0;
    switch (self->order) {
    case TOP_WORST:
        r = descending((double)fullest(x), (double)fullest(y));
        break;
    case TOP_SEND_QUEUE:
        r = descending((double)or_zero(x->send_queue), (double)or_zero(y->send_queue));
        break;
    case TOP_RECEIVE_QUEUE:
        r = descending((double)or_zero(x->receive_queue), (double)or_zero(y->receive_queue));
        break;
    case TOP_RATE:
        r = descending(rate(self, x), rate(self, y));
        break;
    default:
        break;
    }
    if (r == 0)
        r = strcmp(x->program, y->program);
    return r ? r : problem_socket_compare(x, y);
}

static bool fits(const struct top *self, const struct problem_socket *socket)
{
    char words[sizeof(self->filter)];
    memcpy(words, self->filter, sizeof(words));
    char *rest = words;
    for (const char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (!strcasestr(socket->program, word) && !strcasestr(socket->type, word) &&
            !strcasestr(socket->address, word))
            return false;
    }
    return true;
}

int top_refresh(struct top *self, struct error *err)
{
    struct top_look look;
    int r = top_source_look(self->source, &look, err);
    if (r < 0)
        return r;
    const struct problem_socket **rows = calloc(look.view.n ? look.view.n : 1, sizeof(*rows));
    if (!rows) {
        top_look_finish(&look);
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    }
    struct top_history *histories = top_history_next(&look.view, &self->look.view, self->histories);
    free(self->histories);
    self->histories = histories;
    problem_view_finish(&self->former);
    self->former = self->look.view;
    self->look.view = (struct problem_view){0};
    top_look_finish(&self->look);
    self->look = look;
    free(self->rows);
    self->rows = rows;
    self->n_rows = 0;
    for (size_t i = 0; i < look.view.n; i++) {
        if (fits(self, &self->look.view.sockets[i]))
            rows[self->n_rows++] = &self->look.view.sockets[i];
    }
    qsort_r(rows, self->n_rows, sizeof(struct problem_socket *), compare, self);
    return 0;
}

void top_finish(struct top *self)
{
    free(self->rows);
    free(self->histories);
    top_look_finish(&self->look);
    problem_view_finish(&self->former);
    top_source_destroy(&self->source);
}

static void append_rate(const struct top *self, struct string_buffer *line,
                        const struct problem_socket *socket, enum problem_counter counter)
{
    double value;
    if (rate_of(self, socket, counter, &value))
        string_buffer_append_format(line, " %9.*f", value < 10 ? 1 : 0, value);
    else
        string_buffer_append_format(line, " %9s", "-");
}

#define PROGRAM_WIDTH 14
#define TYPE_WIDTH    7
#define NUMBERS_WIDTH 67 /* of what top_cells_append_number() and the others write, and the pid */
#define ADDRESS_MIN   12

static size_t address_width(size_t width)
{
    size_t others = PROGRAM_WIDTH + 1 + TYPE_WIDTH + 1 + NUMBERS_WIDTH;
    return width > others + ADDRESS_MIN ? width - others : ADDRESS_MIN;
}

void top_head_line(const struct top *self, size_t width, struct string_buffer *line)
{
    struct string_buffer text = {0};
    size_t n_problems = self->look.n_problems;
    string_buffer_append_format(&text, "%zu sockets%s, %zu %s; order: %s%s%s", self->look.view.n,
                                self->look.view.is_complete ? "" : " of more", n_problems,
                                n_problems == 1 ? "problem" : "problems",
                                top_order_names[self->order], *self->filter ? "; filter: " : "",
                                self->filter);
    top_cells_append(line, text.data ? text.data : "", width);
    string_buffer_finish(&text);
}

void top_problem_line(const struct top *self, size_t i, size_t width, struct string_buffer *line)
{
    top_cells_append(line, self->look.problems[i].text, width);
}

void top_column_line(size_t width, struct string_buffer *line)
{
    struct string_buffer text = {0};
    top_cells_append(&text, "PROGRAM", PROGRAM_WIDTH);
    string_buffer_append(&text, " ", 1);
    top_cells_append(&text, "TYPE", TYPE_WIDTH);
    string_buffer_append(&text, " ", 1);
    top_cells_append(&text, "ADDRESS", address_width(width));
    string_buffer_append_format(&text, " %8s %5s %9s %5s %9s %5s %9s %9s", "PID", "PEERS",
                                "TO SEND", "FULL", "TO RECV", "FULL", "SENT/S", "RECV/S");
    top_cells_append(line, text.data ? text.data : "", width);
    string_buffer_finish(&text);
}

void top_row_line(const struct top *self, size_t i, size_t width, struct string_buffer *line)
{
    const struct problem_socket *socket = self->rows[i];
    struct string_buffer text = {0};
    top_cells_append(&text, socket->program, PROGRAM_WIDTH);
    string_buffer_append(&text, " ", 1);
    top_cells_append(&text, socket->type, TYPE_WIDTH);
    string_buffer_append(&text, " ", 1);
    top_cells_append(&text, *socket->address ? socket->address : "-", address_width(width));
    top_cells_append_number(&text, socket->pid, 8);
    top_cells_append_number(&text, socket->peers, 5);
    top_cells_append_number(&text, socket->send_queue, 9);
    top_cells_append_fill(&text, socket->send_fullest);
    top_cells_append_number(&text, socket->receive_queue, 9);
    top_cells_append_fill(&text, socket->receive_fullest);
    append_rate(self, &text, socket, PROBLEM_SENT);
    append_rate(self, &text, socket, PROBLEM_RECEIVED);
    top_cells_append(line, text.data ? text.data : "", width);
    string_buffer_finish(&text);
}

static void append_member(struct string_buffer *json, const char *name, uint64_t gauge)
{
    if (top_cells_is_known(gauge))
        string_buffer_append_format(json, ",\"%s\":%" PRIu64, name, gauge);
}

static void append_ratio(struct string_buffer *json, const char *name, uint64_t billionths)
{
    if (top_cells_is_known(billionths))
        string_buffer_append_format(json, ",\"%s\":%" PRIu64 ".%09" PRIu64, name,
                                    billionths / 1000000000, billionths % 1000000000);
}

static void append_row(struct string_buffer *json, struct string_buffer *labels,
                       const struct problem_socket *socket)
{
    string_buffer_clear(labels);
    labels_append(labels, "program", socket->program);
    labels_append(labels, "type", socket->type);
    labels_append(labels, "address", socket->address);
    json_writer_labels(json, labels->data ? labels->data : "", labels->size);
    append_member(json, "pid", socket->pid);
    string_buffer_append_format(json, ",\"seen_by\":\"%s\"", socket->is_peeked ? "peek" : "tap");
    append_member(json, "peers", socket->peers);
    append_member(json, "send_queue_messages", socket->send_queue);
    append_ratio(json, "send_hwm_proximity_ratio", socket->send_fullest);
    append_member(json, "receive_queue_messages", socket->receive_queue);
    append_ratio(json, "receive_hwm_proximity_ratio", socket->receive_fullest);
    append_member(json, "sent_messages", socket->counters[PROBLEM_SENT]);
    append_member(json, "received_messages", socket->counters[PROBLEM_RECEIVED]);
}

void top_json(const struct top *self, struct string_buffer *json)
{
    struct string_buffer labels = {0};
    string_buffer_append_text(json, "{");
    string_buffer_append(json, self->look.json.data, self->look.json.size);
    string_buffer_append_text(json, ",\"sockets\":[");
    for (size_t i = 0; i < self->n_rows; i++) {
        string_buffer_append_text(json, i ? ",{" : "{");
        append_row(json, &labels, self->rows[i]);
        string_buffer_append(json, "}", 1);
    }
    string_buffer_append_text(json, "]}\n");
    json->has_failed = json->has_failed || labels.has_failed;
    string_buffer_finish(&labels);
}
