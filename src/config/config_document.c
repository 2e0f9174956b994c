/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_document.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "config/config_file.h"
#include "config/config_parser.h"
#include "config/config_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int config_document_open(const char *path, struct config_document **ret, struct error *err)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    cleanup_fd int fd = -1;
    int r = config_file_open(path, &fd, err);
    if (r < 0)
        return error_prefix(err, r, "%s", path);
    r = read_all(fd, CONFIG_DOCUMENT_BYTES_MAX, &text);
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
