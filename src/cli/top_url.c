/* SPDX-License-Identifier: MPL-2.0 */
/* top_url - what an exporter says of its host's sockets. */
#include "cli/top_json.h"
#include "cli/top_source.h"

#include "agent/agent_open_sockets.h"
#include "agent/agent_problems.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "collectors/tap/tap_types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TYPES 64u

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

/* Of a socket, a text that lives as long as the program. */
static const char *type_named(const char *name)
{
    for (uint32_t i = 0; i < MAX_TYPES; i++) {
        if (strcmp(tap_type_name(i), name) == 0)
            return tap_type_name(i);
    }
    return "unknown";
}

static int take_socket(struct problem_view *view, const struct config_node *from)
{
    const struct config_node *fields = config_node_find(from, "fields");
    if (!fields)
        return 0;
    if (!array_make_room(&view->sockets, &view->capacity, view->n, sizeof(*view->sockets)))
        return -ENOMEM;
    struct problem_socket *socket = &view->sockets[view->n];
    *socket = (struct problem_socket){
        .pid = top_json_whole(from, "pid"),
        .serial = top_json_whole(fields, "serial"),
        .type = type_named(top_json_text(from, "type")),
        .is_silent = strcmp(top_json_text(from, "is_silent"), "true") == 0,
        .is_peeked = strcmp(top_json_text(from, "seen_by"), "peek") == 0,
        .peers = top_json_whole(fields, "peers"),
        .send_queue = top_json_whole(fields, "send_queue_messages"),
        .receive_queue = top_json_whole(fields, "receive_queue_messages"),
        .send_fullest = top_json_billionths(fields, "send_hwm_proximity_ratio"),
        .receive_fullest = top_json_billionths(fields, "receive_hwm_proximity_ratio"),
        .send_age_ns = top_json_billionths(fields, "send_queue_oldest_message_age_seconds"),
        .receive_age_ns = top_json_billionths(fields, "receive_queue_oldest_message_age_seconds"),
        .counters[PROBLEM_SENT] = top_json_whole(fields, "sent_messages"),
        .counters[PROBLEM_RECEIVED] = top_json_whole(fields, "received_messages"),
    };
    (void)snprintf(socket->program, sizeof(socket->program), "%s", top_json_text(from, "program"));
    socket->address = strdup(top_json_text(from, "address"));
    view->n++;
    return socket->address ? 0 : -ENOMEM;
}

static int take_problem(struct top_look *look, const struct config_node *from)
{
    struct string_buffer text = {0};
    string_buffer_append_format(&text, "%s %s %s %s %s", top_json_text(from, "program"),
                                top_json_text(from, "pid"), top_json_text(from, "type"),
                                top_json_text(from, "address"), top_json_text(from, "text"));
    bool is_critical = strcmp(top_json_text(from, "severity"), "critical") == 0;
    return top_look_append_problem(look, &text, is_critical) ? 0 : -ENOMEM;
}

/* The list `key` of what `path` answers. */
struct answer {
    const char *path, *key;
    struct exporter_answer http;
    struct config_document *document;
    const struct config_node *list;
};

static void finish_answer(struct answer *self)
{
    config_document_destroy(&self->document);
    exporter_answer_finish(&self->http);
}

static int ask(const struct exporter_client *exporter, struct answer *self, struct error *err)
{
    int r = exporter_client_get(exporter, self->path, &self->http, err);
    return r < 0 ? r
                 : top_json_parse(self->path, self->http.body, self->http.size, self->key,
                                  &self->document, &self->list, err);
}

static int take_sockets(const struct exporter_client *exporter, struct top_look *look,
                        struct error *err)
{
    cleanup(finish_answer) struct answer answer = {.path = AGENT_OPEN_SOCKETS_PATH, .key = "open"};
    int r = ask(exporter, &answer, err);
    if (r < 0)
        return r;
    look->view.now_ns = clock_realtime_ns();
    look->view.is_complete =
        strcmp(top_json_text(config_document_root(answer.document), "is_complete"), "true") == 0;
    for (const struct config_node *node = answer.list->first; node; node = node->next) {
        if (take_socket(&look->view, node) < 0)
            return no_memory(err);
    }
    if (look->view.n)
        qsort(look->view.sockets, look->view.n, sizeof(*look->view.sockets),
              problem_socket_compare);
    return 0;
}

/* The members as they came: they are the last of the answer. */
static void copy_members(const struct answer *from, struct string_buffer *to)
{
    const char *begin = strstr(from->http.body, "\"problems\":");
    const char *end = strrchr(from->http.body, '}');
    if (begin && end && end > begin)
        string_buffer_append(to, begin, (size_t)(end - begin));
}

static int take_problems(const struct exporter_client *exporter, struct top_look *look,
                         struct error *err)
{
    cleanup(finish_answer) struct answer answer = {.path = AGENT_PROBLEMS_PATH, .key = "problems"};
    int r = ask(exporter, &answer, err);
    if (r < 0)
        return r;
    for (const struct config_node *node = answer.list->first; node; node = node->next) {
        if (take_problem(look, node) < 0)
            return no_memory(err);
    }
    copy_members(&answer, &look->json);
    return look->json.has_failed ? no_memory(err) : 0;
}

int top_url_look(const struct exporter_client *exporter, struct top_look *ret_look,
                 struct error *err)
{
    int r = take_sockets(exporter, ret_look, err);
    return r < 0 ? r : take_problems(exporter, ret_look, err);
}
