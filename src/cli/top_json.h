/* SPDX-License-Identifier: MPL-2.0 */
/* top_json - reads what the exporter's API says. JSON is read as the YAML that it is. */
#ifndef CLI_TOP_JSON_H
#define CLI_TOP_JSON_H

#include "config/config_document.h"

/* The list `key` of the object `json`, which came from `path`. The list lives as long as the
 * document, which is the caller's to destroy, also after an error. Errors: -ENOMEM, -EPROTO, with
 * `err` set. */
int top_json_parse(const char *path, const char *json, size_t size, const char *key,
                   struct config_document **ret_document, const struct config_node **ret_list,
                   struct error *err);

/* A member; empty where it is missing or no text. */
const char *top_json_text(const struct config_node *mapping, const char *key);

/* SEGMENT_UNKNOWN where it is missing or no number. */
uint64_t top_json_whole(const struct config_node *mapping, const char *key);

/* The same of a fraction, in billionths: ratios, and seconds as nanoseconds. */
uint64_t top_json_billionths(const struct config_node *mapping, const char *key);

#endif
