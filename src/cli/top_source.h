/* SPDX-License-Identifier: MPL-2.0 */
/*
 * top_source - the open sockets and what is wrong with them, of this host or from an exporter.
 *
 * This host: the segments of tapped programs, and the queues of the others as far as this user may
 * read them, through a reader of its own (peek_link.h). An exporter: its API, at most
 * AGENT_OPEN_SOCKETS_MAX sockets.
 *
 * Thread: one at a time. Blocks: for a look; the first one for the reader's first answer as well.
 * Errors: a negative errno with `err` set.
 */
#ifndef CLI_TOP_SOURCE_H
#define CLI_TOP_SOURCE_H

#include "base/error.h"
#include "base/string_buffer.h"
#include "cli/exporter_client.h"
#include "problems/problem_view.h"

struct top_source_options {
    const char *directory;                /* of segments; borrowed */
    bool has_no_peek;                     /* tapped programs alone */
    const struct exporter_client *client; /* its `url` is NULL: this host; borrowed */
};

struct top_source;

struct top_problem {
    char *text; /* "ledger 4711 PULL inproc://orders has never received; 9 messages wait" */
    bool is_critical;
};

struct top_look {
    struct problem_view view;
    struct top_problem *problems; /* the cause before its symptoms */
    size_t n_problems, capacity;
    struct string_buffer json; /* the members `problems` and `is_complete`, as the API has them */
};

int top_source_new(const struct top_source_options *options, struct top_source **ret_source,
                   struct error *err);
void top_source_destroy(struct top_source **self_p);

int top_source_look(struct top_source *self, struct top_look *ret_look, struct error *err);
void top_look_finish(struct top_look *self);

/* Sets `ret_json`, which is empty, to what /api/v1/sockets/open says of one socket. */
int top_source_socket(struct top_source *self, uint64_t pid, uint64_t serial,
                      struct string_buffer *ret_json, struct error *err);

/* For top_url.c: takes what `exporter` says. Errors as top_source_look(). */
int top_url_look(const struct exporter_client *exporter, struct top_look *ret_look,
                 struct error *err);

/* For those who fill a look. False: there is no memory. `text` is taken over. */
bool top_look_append_problem(struct top_look *self, struct string_buffer *text, bool is_critical);

#endif
