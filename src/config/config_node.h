/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_node - a value in a configuration file, and where it stands.
 *
 * Thread: any; read-only.   Owns: nothing, nodes and their texts are the document's.
 */
#ifndef CONFIG_CONFIG_NODE_H
#define CONFIG_CONFIG_NODE_H

#include "base/error.h"

#include <stdbool.h>

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
