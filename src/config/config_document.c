/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_document.h"

#include "base/cleanup.h"
#include "config/config_file.h"
#include "config/config_parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int document_new(const char *name, struct config_document **ret)
{
    struct config_document *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->name = strdup(name);
    if (!self->name) {
        free(self);
        return -ENOMEM;
    }
    *ret = self;
    return 0;
}

int config_document_parse(const char *name, const char *text, size_t size,
                          struct config_document **ret, struct error *err)
{
    cleanup(config_document_destroy) struct config_document *self = NULL;
    int r = document_new(name, &self);
    if (r == 0)
        r = config_parser_run(self, text, size, err);
    if (r == -ENOMEM)
        return error_set(err, r, "%s: not enough memory", name);
    if (r < 0)
        return r;
    *ret = self;
    self = NULL;
    return 0;
}

/* Reads until the end, so that a file that grows is read as well. */
static int read_all(int fd, struct string_buffer *ret_text)
{
    for (;;) {
        char *place = string_buffer_reserve(ret_text, 65536);
        if (!place)
            return -ENOMEM;
        ssize_t got = read(fd, place, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return 0;
        ret_text->size += (size_t)got;
        if (ret_text->size > CONFIG_DOCUMENT_BYTES_MAX)
            return -EFBIG;
    }
}

int config_document_open(const char *path, struct config_document **ret, struct error *err)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    cleanup_fd int fd = -1;
    int r = config_file_open(path, &fd, err);
    if (r < 0)
        return error_prefix(err, r, "%s", path);
    r = read_all(fd, &text);
    if (r == -EFBIG)
        return error_set(err, r, "%s: larger than %zu bytes", path, CONFIG_DOCUMENT_BYTES_MAX);
    if (r < 0)
        return error_set(err, r, "%s: %s", path, strerror(-r));
    return config_document_parse(path, text.data ? text.data : "", text.size, ret, err);
}

void config_document_destroy(struct config_document **self_p)
{
    struct config_document *self = *self_p;
    if (!self)
        return;
    while (self->blocks) {
        struct config_block *block = self->blocks;
        self->blocks = block->next;
        free(block);
    }
    free(self->name);
    free(self);
    *self_p = NULL;
}

const struct config_node *config_document_root(const struct config_document *self)
{
    return self->root;
}

int config_document_path(const struct config_document *self, const char *path,
                         struct string_buffer *ret_path)
{
    const char *slash = strrchr(self->name, '/');
    string_buffer_clear(ret_path);
    if (path[0] != '/' && slash)
        string_buffer_append(ret_path, self->name, (size_t)(slash - self->name) + 1);
    string_buffer_append_text(ret_path, path);
    return ret_path->has_failed ? -ENOMEM : 0;
}

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
