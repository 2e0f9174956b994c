/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_details.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/top_cells.h"
#include "cli/top_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_WIDTH    40
#define VALUE_WIDTH   24
#define PROGRAM_WIDTH 14
#define TYPE_WIDTH    7
#define NUMBERS_WIDTH 77 /* of a peer's pid and what follows */
#define ADDRESS_MIN   12

static void append_line(struct string_buffer *text, const char *line, size_t width)
{
    size_t begin = text->size;
    top_cells_append(text, line, width);
    while (text->size > begin && text->data[text->size - 1] == ' ')
        text->size--;
    string_buffer_append(text, "\n", 1);
}

static void append_title(struct string_buffer *text, const struct config_node *socket, size_t width)
{
    cleanup(string_buffer_finish) struct string_buffer line = {0};
    const char *library = top_json_text(socket, "library");
    string_buffer_append_format(
        &line, "%s %s %s %s (%s%s%sseen by the %s)", top_json_text(socket, "program"),
        top_json_text(socket, "pid"), top_json_text(socket, "type"),
        top_json_text(socket, "address"), *library ? "libzmq " : "", library, *library ? ", " : "",
        strcmp(top_json_text(socket, "seen_by"), "peek") == 0 ? "reader" : "tap");
    append_line(text, line.data ? line.data : "", width);
    string_buffer_append(text, "\n", 1);
}

static void append_history(struct string_buffer *text, const char *name,
                           const uint8_t looks[TOP_HISTORY_LOOKS], size_t width)
{
    cleanup(string_buffer_finish) struct string_buffer line = {0};
    string_buffer_append_format(&line, "%-20s |", name);
    top_history_append(&line, looks);
    string_buffer_append(&line, "|", 1);
    append_line(text, line.data ? line.data : "", width);
}

/* How full the queues were, up to now. */
static void append_histories(struct string_buffer *text, const struct top *top,
                             const struct top_key *key, size_t width)
{
    for (size_t i = 0; top->histories && i < top->look.view.n; i++) {
        const struct problem_socket *socket = &top->look.view.sockets[i];
        if (socket->pid != key->pid || socket->serial != key->serial ||
            socket->start_ticks != key->start_ticks)
            continue;
        if (top_cells_is_known(socket->send_fullest))
            append_history(text, "send queue, fill", top->histories[i].send, width);
        if (top_cells_is_known(socket->receive_fullest))
            append_history(text, "receive queue, fill", top->histories[i].receive, width);
    }
}

static size_t address_width(size_t width)
{
    size_t others = PROGRAM_WIDTH + 1 + TYPE_WIDTH + 1 + NUMBERS_WIDTH;
    return width > others + ADDRESS_MIN ? width - others : ADDRESS_MIN;
}

static void append_peer_cells(struct string_buffer *line, const char *address, const char *program,
                              const char *type, size_t width)
{
    top_cells_append(line, *address ? address : "-", address_width(width));
    string_buffer_append(line, " ", 1);
    top_cells_append(line, *program ? program : "-", PROGRAM_WIDTH);
    string_buffer_append(line, " ", 1);
    top_cells_append(line, *type ? type : "-", TYPE_WIDTH);
}

static void append_peer(struct string_buffer *text, const struct config_node *peer, size_t width)
{
    cleanup(string_buffer_finish) struct string_buffer line = {0};
    uint64_t full_since_ns = top_json_billionths(peer, "full_since"), now_ns = clock_realtime_ns();
    bool is_full = top_cells_is_known(full_since_ns) && full_since_ns <= now_ns;
    append_peer_cells(&line, top_json_text(peer, "address"), top_json_text(peer, "program"),
                      top_json_text(peer, "type"), width);
    top_cells_append_number(&line, top_json_whole(peer, "pid"), 8);
    top_cells_append_number(&line, top_json_whole(peer, "send_queue"), 8);
    top_cells_append_number(&line, top_json_whole(peer, "receive_queue"), 8);
    top_cells_append_number(&line, top_json_whole(peer, "unsent_bytes"), 10);
    top_cells_append_number(&line, top_json_whole(peer, "unread_bytes"), 10);
    top_cells_append_number(&line, top_json_whole(peer, "peer_unread_bytes"), 10);
    top_cells_append_number(&line, top_json_whole(peer, "retransmits"), 7);
    if (is_full)
        string_buffer_append_format(&line, " %6" PRIu64 " s",
                                    (now_ns - full_since_ns) / CLOCK_NS_PER_SECOND);
    else
        string_buffer_append_format(&line, " %8s", "-");
    append_line(text, line.data ? line.data : "", width);
}

static void append_peers(struct string_buffer *text, const struct config_node *socket, size_t width)
{
    const struct config_node *peers = config_node_find(socket, "peers");
    cleanup(string_buffer_finish) struct string_buffer line = {0};
    string_buffer_append(text, "\n", 1);
    if (!peers || peers->kind != CONFIG_NODE_LIST) {
        append_line(text, "Who is at the other end is not seen.", width);
        return;
    }
    if (!peers->first) {
        append_line(text, "Nobody is at the other end.", width);
        return;
    }
    append_peer_cells(&line, "PEER", "PROGRAM", "TYPE", width);
    string_buffer_append_format(&line, " %8s %8s %8s %10s %10s %10s %7s %8s", "PID", "TO SEND",
                                "TO RECV", "UNSENT", "UNREAD", "AT PEER", "RESENT", "FULL FOR");
    append_line(text, line.data ? line.data : "", width);
    for (const struct config_node *peer = peers->first; peer; peer = peer->next)
        append_peer(text, peer, width);
    const char *n_left_out = top_json_text(socket, "n_peers_left_out");
    if (*n_left_out) {
        string_buffer_clear(&line);
        string_buffer_append_format(&line, "and %s more", n_left_out);
        append_line(text, line.data ? line.data : "", width);
    }
}

static unsigned append_value(struct string_buffer *line, const struct config_node *node)
{
    if (node->kind != CONFIG_NODE_SCALAR)
        return 0;
    top_cells_append(line, node->key, NAME_WIDTH);
    string_buffer_append(line, " ", 1);
    top_cells_append(line, node->text, VALUE_WIDTH);
    string_buffer_append(line, "  ", 2);
    return 1;
}

/* Name and value, as many beside each other as there is room for. */
static void append_values(struct string_buffer *text, const struct config_node *socket,
                          const char *key, size_t width)
{
    const struct config_node *values = config_node_find(socket, key);
    cleanup(string_buffer_finish) struct string_buffer line = {0};
    unsigned n_columns = width > 2 * (NAME_WIDTH + VALUE_WIDTH + 3) ? 2 : 1, n = 0;
    if (!values || values->kind != CONFIG_NODE_MAPPING || !values->first)
        return;
    string_buffer_append(text, "\n", 1);
    for (const struct config_node *node = values->first; node; node = node->next) {
        n += append_value(&line, node);
        if (n == 0 || (n % n_columns != 0 && node->next))
            continue;
        append_line(text, line.data ? line.data : "", width);
        string_buffer_clear(&line);
    }
}

int top_details_append(struct top *top, const struct top_key *key, size_t width,
                       struct string_buffer *text, struct error *err)
{
    cleanup(string_buffer_finish) struct string_buffer json = {0};
    cleanup(config_document_destroy) struct config_document *document = NULL;
    const struct config_node *open;
    int r = top_source_socket(top->source, key->pid, key->serial, &json, err);
    if (r == 0)
        r = top_json_parse("the answer", json.data, json.size, "open", &document, &open, err);
    if (r < 0)
        return r;
    if (!open->first) {
        append_line(text, "This socket is closed.", width);
    } else {
        append_title(text, open->first, width);
        append_histories(text, top, key, width);
        append_peers(text, open->first, width);
        append_values(text, open->first, "fields", width);
        append_values(text, open->first, "events", width);
    }
    return text->has_failed ? error_set(err, -ENOMEM, "%s", strerror(ENOMEM)) : 0;
}
