/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_document - a YAML file as a tree that knows line and column of everything.
 *
 * What a configuration does not need is refused with its place: several documents, anchors,
 * aliases, tags, keys that are no plain text, keys given twice, bytes that are not UTF-8. Sizes
 * are limited, so that a hostile file costs little. Values are read with config_keys.h.
 *
 * Thread:  any, one document per thread; a finished document is read-only.   Blocks: on the file.
 * Owns:    the tree; nodes and their texts are borrowed until config_document_destroy().
 * Errors:  -EINVAL  the text is not what it must be; `err` has "path:line:column: why"
 *          -errno   the file cannot be read; `err` has the path
 */
#ifndef CONFIG_CONFIG_DOCUMENT_H
#define CONFIG_CONFIG_DOCUMENT_H

#include "base/error.h"
#include "base/string_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_DOCUMENT_BYTES_MAX   ((size_t)16 << 20)
#define CONFIG_DOCUMENT_NODES_MAX   1000000u
#define CONFIG_DOCUMENT_DEPTH_MAX   16u
#define CONFIG_DOCUMENT_KEYS_MAX    1024u /* of one mapping */
#define CONFIG_DOCUMENT_SCALAR_MAX  ((size_t)64 << 10)
#define CONFIG_DOCUMENT_MEMBERS_MAX 100000u /* of one list */

enum config_node_kind { CONFIG_NODE_SCALAR, CONFIG_NODE_LIST, CONFIG_NODE_MAPPING };

struct config_document;

struct config_node {
    enum config_node_kind kind;
    bool is_plain;    /* a scalar without quotes: may be a number, a boolean or nothing */
    const char *text; /* of a scalar, no NUL within; else empty */
    const char *key;  /* of a mapping's member; else NULL */
    unsigned line, column;
    unsigned key_line, key_column;
    unsigned n_children;
    const struct config_node *first; /* children of a list or mapping, in order */
    const struct config_node *next;  /* the parent's next child */
    const struct config_document *document;
};

int config_document_open(const char *path, struct config_document **ret, struct error *err);

/* `name` stands for the path in messages. `text` is copied. */
int config_document_parse(const char *name, const char *text, size_t size,
                          struct config_document **ret, struct error *err);

void config_document_destroy(struct config_document **self_p);

/* Never NULL. An empty file has an empty mapping. */
const struct config_node *config_document_root(const struct config_document *self);

/* `path` as it is if absolute, else from the folder that the document is in. */
int config_document_path(const struct config_document *self, const char *path,
                         struct string_buffer *ret_path);

/* A scalar that is empty, `~` or `null`: `key:` with nothing after it. */
bool config_node_is_nothing(const struct config_node *node);

/* The member `key` of a mapping, or NULL. */
const struct config_node *config_node_find(const struct config_node *mapping, const char *key);

/* Sets `err` to "path:line:column: " and the message; returns -EINVAL. */
int config_node_error(const struct config_node *node, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, at the node's key. */
int config_node_key_error(const struct config_node *node, struct error *err, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

#endif
