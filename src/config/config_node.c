/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_node.h"

#include "config/config_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool config_node_is_nothing(const struct config_node *node)
{
    return node->kind == CONFIG_NODE_SCALAR && node->is_plain &&
           (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const struct config_node *config_node_find(const struct config_node *mapping, const char *key)
{
    for (const struct config_node *child = mapping->first; child; child = child->next) {
        if (child->key && strcmp(child->key, key) == 0)
            return child;
    }
    return NULL;
}

__attribute__((format(printf, 4, 0))) static int error_at(const struct config_node *node,
                                                          bool at_key, struct error *err,
                                                          const char *format, va_list args)
{
    char message[sizeof(err->message)];
    (void)vsnprintf(message, sizeof(message), format, args);
    bool use_key = at_key && node->key_line;
    return error_set(err, -EINVAL, "%s:%u:%u: %s", node->document->name,
                     use_key ? node->key_line : node->line,
                     use_key ? node->key_column : node->column, message);
}

int config_node_error(const struct config_node *node, struct error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int r = error_at(node, false, err, format, args);
    va_end(args);
    return r;
}

int config_node_key_error(const struct config_node *node, struct error *err, const char *format,
                          ...)
{
    va_list args;
    va_start(args, format);
    int r = error_at(node, true, err, format, args);
    va_end(args);
    return r;
}
