/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_parser - YAML events into the tree of a config_document. Used by config_document only.
 *
 * Thread: any.   Errors: -EINVAL with `err` set, -ENOMEM without.
 */
#ifndef CONFIG_CONFIG_PARSER_H
#define CONFIG_CONFIG_PARSER_H

#include "config/config_document.h"

/* One allocation of the tree; `bytes` follow. */
struct config_block {
    struct config_block *next;
    _Alignas(max_align_t) char bytes[];
};

struct config_document {
    char *name;
    struct config_block *blocks;
    const struct config_node *root;
};

/* Fills `document->root` from `text`. */
int config_parser_run(struct config_document *document, const char *text, size_t size,
                      struct error *err);

#endif
