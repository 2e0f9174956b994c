/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_json.h"

#include "segment/segment_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BILLIONTHS 9e18

int top_json_parse(const char *path, const char *json, size_t size, const char *key,
                   struct config_document **ret_document, const struct config_node **ret_list,
                   struct error *err)
{
    struct error why;
    int r = config_document_parse(path, json, size, ret_document, &why);
    if (r == -ENOMEM)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    const struct config_node *list =
        r < 0 ? NULL : config_node_find(config_document_root(*ret_document), key);
    if (!list || list->kind != CONFIG_NODE_LIST)
        return error_set(err, -EPROTO, "--url: is it an exporter, of this release? %s has no %s",
                         path, key);
    *ret_list = list;
    return 0;
}

const char *top_json_text(const struct config_node *mapping, const char *key)
{
    const struct config_node *node = config_node_find(mapping, key);
    return node && node->kind == CONFIG_NODE_SCALAR ? node->text : "";
}

static bool begins_as_number(const char *text)
{
    return *text >= '0' && *text <= '9';
}

uint64_t top_json_whole(const struct config_node *mapping, const char *key)
{
    const char *text = top_json_text(mapping, key);
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    return begins_as_number(text) && *end == '\0' && errno == 0 ? value : SEGMENT_UNKNOWN;
}

uint64_t top_json_billionths(const struct config_node *mapping, const char *key)
{
    const char *text = top_json_text(mapping, key);
    char *end;
    double value = strtod(text, &end) * 1e9 + 0.5;
    bool is_number = begins_as_number(text) && *end == '\0' && value < MAX_BILLIONTHS;
    return is_number ? (uint64_t)value : SEGMENT_UNKNOWN;
}
