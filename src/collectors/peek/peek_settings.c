/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/peek_settings.h"

#include "config/config_keys.h"
#include "peek/peek_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct config_key section_keys[] = {
    {"exclude", CONFIG_LIST, 0, .min = 0, .max = PEEK_MAX_EXCLUDED},
};

static const struct config_key name_key = {"exclude", CONFIG_TEXT, 0, .min = 1,
                                           .max = PROGRAM_NAME_SIZE - 1};

static int read_names(struct peek_settings *self, const struct config_node *list, struct error *err)
{
    self->excluded = calloc(list->n_children + 1, sizeof(*self->excluded));
    for (const struct config_node *node = list->first; self->excluded && node; node = node->next) {
        const char *name;
        int r = config_value_read(node, &name_key, &name, err);
        if (r < 0)
            return r;
        char *copy = strdup(name);
        if (!copy)
            return error_set(err, -ENOMEM, "not enough memory");
        self->excluded[self->n_excluded++] = copy;
    }
    return self->excluded ? 0 : error_set(err, -ENOMEM, "not enough memory");
}

int peek_settings_read(const struct config_node *section, struct peek_settings **ret_settings,
                       struct error *err)
{
    const struct config_node *list = NULL;
    struct peek_settings *self = calloc(1, sizeof(*self));
    if (!self)
        return error_set(err, -ENOMEM, "not enough memory");
    int r = section ? config_keys_read(section, section_keys, 1, &list, err) : 0;
    if (r == 0 && list)
        r = read_names(self, list, err);
    if (r < 0)
        peek_settings_destroy(&self);
    else
        *ret_settings = self;
    return r;
}

void peek_settings_destroy(struct peek_settings **self_p)
{
    struct peek_settings *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < self->n_excluded; i++)
        free(self->excluded[i]);
    free(self->excluded);
    free(self);
}

bool peek_settings_are_same(const struct peek_settings *a, const struct peek_settings *b)
{
    if (a->n_excluded != b->n_excluded)
        return false;
    for (size_t i = 0; i < a->n_excluded; i++) {
        if (strcmp(a->excluded[i], b->excluded[i]) != 0)
            return false;
    }
    return true;
}
