/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: libfyaml's event parser is used, not its document tree, because its tree drops what a
 * message needs (places of empty values) and accepts what a configuration must refuse. The tree
 * here is built with an explicit stack of open lists and mappings; a key is held until its value
 * comes. What libfyaml cannot be given is found by config_text before it is parsed.
 */
#include "config/config_parser.h"

#include "config/config_limits.h"
#include "config/config_node.h"
#include "config/config_text.h"
#include "config/config_tree.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parsers that failed and cannot be freed: see config_text.h. Each took a broken file with a quoted
 * '?' by itself, so they are few; some kilobytes each. */
struct abandoned {
    struct abandoned *next;
    struct fy_parser *parser;
};
static struct abandoned *abandoned_parsers;

struct open_node {
    struct config_node *node;
    struct config_node *last_child;
    const char *key; /* of a mapping: waits for its value */
    unsigned key_line, key_column;
};

struct builder {
    struct config_document *document;
    struct open_node stack[CONFIG_DOCUMENT_DEPTH_MAX];
    unsigned depth;
    unsigned n_nodes;
    unsigned n_documents;
    unsigned line, column; /* of the event in hand */
    struct error *err;
};

static int fail(const struct builder *self, const char *message)
{
    return error_set(self->err, -EINVAL, "%s:%u:%u: %s", self->document->name, self->line,
                     self->column, message);
}

static void *take(struct config_document *document, size_t size)
{
    struct config_block *block = calloc(1, sizeof(*block) + size);
    if (!block)
        return NULL;
    block->next = document->blocks;
    document->blocks = block;
    return block->bytes;
}

static struct config_node *node_new(struct builder *self, enum config_node_kind kind)
{
    struct config_node *node = take(self->document, sizeof(*node));
    if (!node)
        return NULL;
    *node = (struct config_node){.kind = kind,
                                 .text = "",
                                 .line = self->line,
                                 .column = self->column,
                                 .document = self->document};
    return node;
}

/* Puts a finished or just opened node where it belongs. */
static int attach(struct builder *self, struct config_node *node)
{
    if (++self->n_nodes > CONFIG_DOCUMENT_NODES_MAX)
        return fail(self, "the file has too many values");
    if (self->depth == 0) {
        self->document->root = node;
        return 0;
    }

    struct open_node *parent = &self->stack[self->depth - 1];
    if (parent->node->kind == CONFIG_NODE_MAPPING) {
        if (!parent->key)
            return fail(self, "a key must be a plain text");
        node->key = parent->key;
        node->key_line = parent->key_line;
        node->key_column = parent->key_column;
        parent->key = NULL;
    } else if (parent->node->n_children >= CONFIG_DOCUMENT_MEMBERS_MAX) {
        return fail(self, "the list is too long");
    }
    if (parent->last_child)
        parent->last_child->next = node;
    else
        parent->node->first = node;
    parent->last_child = node;
    parent->node->n_children++;
    return 0;
}

static int hold_key(struct builder *self, struct open_node *parent, const char *key)
{
    if (!*key)
        return fail(self, "a key must not be empty");
    const struct config_node *same = config_node_find(parent->node, key);
    if (same)
        return error_set(self->err, -EINVAL, "%s:%u:%u: key '%s' is given twice, first in line %u",
                         self->document->name, self->line, self->column, key, same->key_line);
    if (parent->node->n_children >= CONFIG_DOCUMENT_KEYS_MAX)
        return fail(self, "the mapping has too many keys");
    parent->key = key;
    parent->key_line = self->line;
    parent->key_column = self->column;
    return 0;
}

/* An empty value has no place of its own in libfyaml: it gets its key's. */
static void place_empty(struct builder *self, const struct fy_mark *mark)
{
    const struct open_node *parent = self->depth ? &self->stack[self->depth - 1] : NULL;
    if (!mark && parent && parent->key) {
        self->line = parent->key_line;
        self->column = parent->key_column;
    }
}

static bool is_quoted(struct fy_token *token)
{
    enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;
    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

static int on_scalar(struct builder *self, struct fy_event *event)
{
    struct fy_token *token = event->scalar.value;
    size_t size = 0;
    const char *text = token ? fy_token_get_text(token, &size) : "";
    if (!text)
        return -ENOMEM;
    if (size > CONFIG_DOCUMENT_SCALAR_MAX)
        return fail(self, "the text is too long");
    if (memchr(text, '\0', size))
        return fail(self, "a text must not contain the character NUL");

    place_empty(self, fy_event_start_mark(event));
    self->column -= is_quoted(token); /* libfyaml's place is behind the quote */
    char *copy = take(self->document, size + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, size);

    struct open_node *parent = self->depth ? &self->stack[self->depth - 1] : NULL;
    if (parent && parent->node->kind == CONFIG_NODE_MAPPING && !parent->key)
        return hold_key(self, parent, copy);

    struct config_node *node = node_new(self, CONFIG_NODE_SCALAR);
    if (!node)
        return -ENOMEM;
    node->text = copy;
    node->is_plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
    return attach(self, node);
}

static int on_open(struct builder *self, enum config_node_kind kind)
{
    struct config_node *node = node_new(self, kind);
    int r = node ? attach(self, node) : -ENOMEM;
    if (r < 0)
        return r;
    if (self->depth == CONFIG_DOCUMENT_DEPTH_MAX)
        return fail(self, "lists and mappings are nested too deeply");
    self->stack[self->depth++] = (struct open_node){.node = node};
    return 0;
}

static int refuse_extras(const struct builder *self, const struct fy_token *anchor,
                         const struct fy_token *tag)
{
    if (anchor)
        return fail(self, "anchors are not supported");
    return tag ? fail(self, "tags are not supported") : 0;
}

static int on_event(struct builder *self, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    int r;
    if (mark) {
        self->line = (unsigned)mark->line + 1;
        self->column = (unsigned)mark->column + 1;
    }
    switch (event->type) {
    case FYET_DOCUMENT_START:
        return ++self->n_documents > 1 ? fail(self, "the file has more than one document") : 0;
    case FYET_ALIAS:
        return fail(self, "aliases are not supported");
    case FYET_SCALAR:
        r = refuse_extras(self, event->scalar.anchor, event->scalar.tag);
        return r < 0 ? r : on_scalar(self, event);
    case FYET_SEQUENCE_START:
        r = refuse_extras(self, event->sequence_start.anchor, event->sequence_start.tag);
        return r < 0 ? r : on_open(self, CONFIG_NODE_LIST);
    case FYET_MAPPING_START:
        r = refuse_extras(self, event->mapping_start.anchor, event->mapping_start.tag);
        return r < 0 ? r : on_open(self, CONFIG_NODE_MAPPING);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        self->depth--;
        return 0;
    default:
        return 0;
    }
}

/* libfyaml's own message, with its place. */
static int parser_error(struct builder *self, struct fy_diag *diag)
{
    void *iterator = NULL;
    struct fy_diag_error *found = fy_diag_errors_iterate(diag, &iterator);
    if (!found)
        return fail(self, "this is not YAML");
    return error_set(self->err, -EINVAL, "%s:%d:%d: %s", self->document->name,
                     found->line > 0 ? found->line : 1, found->column > 0 ? found->column : 1,
                     found->msg);
}

static int parse_events(struct builder *self, struct fy_parser *parser, struct fy_diag *diag)
{
    for (;;) {
        struct fy_event *event = fy_parser_parse(parser);
        if (!event)
            return fy_parser_get_stream_error(parser) ? parser_error(self, diag) : 0;
        int r = on_event(self, event);
        fy_parser_event_free(parser, event);
        if (r < 0)
            return r;
    }
}

static int check_text(struct builder *self, const char *text, size_t size, bool *ret_has_question)
{
    struct config_text_place place;
    const char *flaw = config_text_check(text, size, &place, ret_has_question);
    self->line = flaw ? place.line : 1;
    self->column = flaw ? place.column : 1;
    return flaw ? fail(self, flaw) : 0;
}

static int check_root(struct builder *self)
{
    const struct config_node *root = self->document->root;
    self->line = self->column = 1;
    if (!root || config_node_is_nothing(root)) {
        self->document->root = node_new(self, CONFIG_NODE_MAPPING);
        return self->document->root ? 0 : -ENOMEM;
    }
    if (root->kind == CONFIG_NODE_MAPPING)
        return 0;
    self->line = root->line;
    self->column = root->column;
    return fail(self, "the file must be a mapping of keys to values");
}

static void abandon(struct fy_parser *parser)
{
    struct abandoned *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return; /* then nothing knows of it any more */
    entry->parser = parser;
    entry->next = __atomic_load_n(&abandoned_parsers, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&abandoned_parsers, &entry->next, entry, false,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
}

int config_parser_run(struct config_document *document, const char *text, size_t size,
                      struct error *err)
{
    struct builder self = {.document = document, .err = err};
    bool has_question = false;
    int r = check_text(&self, text, size, &has_question);
    if (r < 0)
        return r;

    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    if (!diag)
        return -ENOMEM;
    fy_diag_set_collect_errors(diag, true);

    struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE | FYPCF_DISABLE_MMAP_OPT,
        .diag = diag,
    };
    struct fy_parser *parser = fy_parser_create(&config);
    r = parser && fy_parser_set_string(parser, text, size) == 0 ? 0 : -ENOMEM;
    if (r == 0)
        r = parse_events(&self, parser, diag);
    if (r == 0)
        r = check_root(&self);
    if (parser && r < 0 && has_question)
        abandon(parser);
    else if (parser)
        fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return r;
}
