/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_source.h"

#include "agent/agent_open_sockets.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "collectors/peek/peek_link.h"
#include "collectors/peers/peers_watch.h"
#include "collectors/tap/tap_types.h"
#include "problems/problem.h"
#include "problems/problem_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define READER_PATIENCE_NS (20 * CLOCK_NS_PER_SECOND)    /* for its first pass */
#define PEERS_AGE_NS       (5 * CLOCK_NS_PER_SECOND)     /* older ones are waited for */
#define PEERS_PATIENCE_NS  (5 * CLOCK_NS_PER_SECOND / 2) /* so long, once */

struct top_source {
    struct top_source_options options;
    struct peek_launch *launch;
    struct peek_link *peek;    /* NULL: none */
    struct peers_watch *peers; /* NULL: none */
    bool has_asked_peers;
    struct problem_watch *watch;
};

static int watch_host(struct top_source *self, struct error *err)
{
    if (!self->options.has_no_peek && peek_launch_new(&self->launch) == 0 &&
        peek_link_new(&(struct peek_link_options){.launch = self->launch}, &self->peek) == 0)
        (void)peek_link_await_pass(self->peek, clock_monotonic_ns() + READER_PATIENCE_NS);
    if (self->peek)
        (void)peers_watch_new(self->peek, &self->peers);
    int r = problem_watch_new(self->options.directory, self->peek, self->peers, &self->watch);
    return r < 0 ? error_set(err, r, "%s", strerror(-r)) : 0;
}

int top_source_new(const struct top_source_options *options, struct top_source **ret_source,
                   struct error *err)
{
    struct top_source *self = calloc(1, sizeof(*self));
    if (!self)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    self->options = *options;
    int r = options->client->url ? 0 : watch_host(self, err);
    if (r < 0)
        top_source_destroy(&self);
    else
        *ret_source = self;
    return r;
}

void top_source_destroy(struct top_source **self_p)
{
    struct top_source *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    problem_watch_destroy(&self->watch);
    peers_watch_destroy(&self->peers);
    peek_link_destroy(&self->peek);
    peek_launch_destroy(&self->launch);
    free(self);
}

bool top_look_append_problem(struct top_look *self, struct string_buffer *text, bool is_critical)
{
    if (text->has_failed || !array_make_room(&self->problems, &self->capacity, self->n_problems,
                                             sizeof(*self->problems))) {
        string_buffer_finish(text);
        return false;
    }
    self->problems[self->n_problems++] = (struct top_problem){text->data, is_critical};
    *text = (struct string_buffer){0};
    return true;
}

static bool append_problem(struct top_look *look, const struct problem *problem)
{
    const struct problem_socket *socket = problem->socket;
    struct string_buffer text = {0};
    string_buffer_append_format(&text, "%s %" PRIu64 " %s %s ", socket->program, socket->pid,
                                socket->type, socket->address);
    problem_append_words(&text, problem, &look->view);
    return top_look_append_problem(look, &text, problem->severity == PROBLEM_CRITICAL);
}

static int append_problems(struct top_look *look, const struct problems *problems)
{
    int r = 0;
    for (size_t i = 0; i < problems->n && r == 0; i++)
        r = append_problem(look, &problems->items[i]) ? 0 : -ENOMEM;
    problems_append_json(&look->json, problems, &look->view);
    return look->json.has_failed ? -ENOMEM : r;
}

/* Which sockets are linked is not known well before the connections have been looked at. */
static int take(struct top_source *self, struct problem_look *ret_look)
{
    int r = problem_watch_take(self->watch, ret_look);
    if (r < 0 || !self->peers || !ret_look->problems.have_ends || self->has_asked_peers)
        return r;
    self->has_asked_peers = true;
    peers_watch_ask(self->peers, PEERS_AGE_NS, PEERS_PATIENCE_NS);
    problem_look_finish(ret_look);
    return problem_watch_take(self->watch, ret_look);
}

/* A PULL has no send queue that could be anything but empty: as the API, say nothing of it. */
static void leave_out_needless(struct problem_view *view)
{
    for (size_t i = 0; i < view->n; i++) {
        struct problem_socket *socket = &view->sockets[i];
        if (!(socket->traits & TAP_TYPE_SENDS))
            socket->send_queue = socket->send_fullest = socket->counters[PROBLEM_SENT] =
                SEGMENT_UNKNOWN;
        if (!(socket->traits & TAP_TYPE_RECEIVES))
            socket->receive_queue = socket->receive_fullest = socket->counters[PROBLEM_RECEIVED] =
                SEGMENT_UNKNOWN;
    }
}

static int look_at_host(struct top_source *self, struct top_look *look, struct error *err)
{
    struct problem_look taken;
    int r = take(self, &taken);
    if (r == 0) {
        look->view = taken.view;
        r = append_problems(look, &taken.problems);
        problems_finish(&taken.problems);
        leave_out_needless(&look->view);
    }
    return r < 0 ? error_set(err, r, "cannot read the segments in %s: %s", self->options.directory,
                             strerror(-r))
                 : 0;
}

int top_source_look(struct top_source *self, struct top_look *ret_look, struct error *err)
{
    struct top_look look = {.n_problems = 0};
    int r = self->options.client->url ? top_url_look(self->options.client, &look, err)
                                      : look_at_host(self, &look, err);
    if (r < 0)
        top_look_finish(&look);
    else
        *ret_look = look;
    return r;
}

static int ask_exporter(const struct exporter_client *exporter, uint64_t pid, uint64_t serial,
                        struct string_buffer *ret_json, struct error *err)
{
    cleanup(exporter_answer_finish) struct exporter_answer answer = {.size = 0};
    char path[128];
    (void)snprintf(path, sizeof(path), AGENT_OPEN_SOCKETS_PATH "?pid=%" PRIu64 "&serial=%" PRIu64,
                   pid, serial);
    int r = exporter_client_get(exporter, path, &answer, err);
    if (r == 0)
        string_buffer_append(ret_json, answer.body, answer.size);
    return r;
}

int top_source_socket(struct top_source *self, uint64_t pid, uint64_t serial,
                      struct string_buffer *ret_json, struct error *err)
{
    if (self->options.client->url)
        return ask_exporter(self->options.client, pid, serial, ret_json, err);
    const struct agent_open_sockets sockets = {.directory = self->options.directory,
                                               .peek = self->peek,
                                               .peers = self->peers,
                                               .problems = self->watch};
    char pid_text[24], serial_text[24];
    (void)snprintf(pid_text, sizeof(pid_text), "%" PRIu64, pid);
    (void)snprintf(serial_text, sizeof(serial_text), "%" PRIu64, serial);
    const struct agent_open_sockets_query query = {.pid = pid_text, .serial = serial_text};
    int r = agent_open_sockets_list(&sockets, &query, ret_json);
    return r < 0 ? error_set(err, r, "cannot read the segments in %s: %s", self->options.directory,
                             strerror(-r))
                 : 0;
}

void top_look_finish(struct top_look *self)
{
    for (size_t i = 0; i < self->n_problems; i++)
        free(self->problems[i].text);
    free(self->problems);
    problem_view_finish(&self->view);
    string_buffer_finish(&self->json);
    *self = (struct top_look){.n_problems = 0};
}
