/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_parser - YAML events into the tree of a config_document. Used by config_document only.
 *
 * Thread: any.   Errors: -EINVAL with `err` set, -ENOMEM without.
 */
#ifndef CONFIG_CONFIG_PARSER_H
#define CONFIG_CONFIG_PARSER_H

#include "base/error.h"

#include <stddef.h>

struct config_document;

/* Fills `document->root` from `text`. */
int config_parser_run(struct config_document *document, const char *text, size_t size,
                      struct error *err);

#endif
