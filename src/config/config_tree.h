/* SPDX-License-Identifier: MPL-2.0 */
/* config_tree - what a config_document is made of. For the parser, which fills it, and the document
 * and its nodes alone. */
#ifndef CONFIG_CONFIG_TREE_H
#define CONFIG_CONFIG_TREE_H

#include <stddef.h>

struct config_node;

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

#endif
