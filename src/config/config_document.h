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
#include "config/config_limits.h"
#include "config/config_node.h"

#include <stddef.h>
#include <stdint.h>

struct config_document;

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

#endif
