/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_keys.h"

#include "base/cleanup.h"
#include "base/suggest.h"
#include "config/config_number.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a member is called in messages: its key, or its place in a list. */
static const char *name_of(const struct config_key *key)
{
    return key->name ? key->name : "the value";
}

static bool is_limited(const struct config_key *key)
{
    return key->min != 0 || key->max != 0;
}

static int read_bool(const struct config_node *node, const struct config_key *key, bool *ret,
                     struct error *err)
{
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "on"};
    static const char *const no[] = {"false", "False", "FALSE", "no", "off"};
    for (size_t i = 0; node->is_plain && i < sizeof(yes) / sizeof(*yes); i++) {
        if (strcmp(node->text, yes[i]) == 0 || strcmp(node->text, no[i]) == 0) {
            *ret = strcmp(node->text, yes[i]) == 0;
            return 0;
        }
    }
    return config_node_error(node, err, "'%s' must be true or false, not '%s'", name_of(key),
                             node->text);
}

static void format_limit(enum config_type type, int64_t value, char ret[static 32])
{
    if (type == CONFIG_DURATION)
        config_duration_format(value, ret);
    else
        (void)snprintf(ret, 32, "%lld", (long long)value);
}

static int read_number(const struct config_node *node, const struct config_key *key, int64_t *ret,
                       struct error *err)
{
    static const char *const what[] = {
        [CONFIG_INTEGER] = "a number",
        [CONFIG_DURATION] = "a duration such as 500ms, 5s or 1m30s",
        [CONFIG_SIZE] = "a size such as 65536, 64KiB or 1MiB",
    };
    int64_t value = 0;
    bool is_good = false;
    if (key->type == CONFIG_INTEGER)
        is_good = node->is_plain && config_number_parse_integer(node->text, &value);
    else if (key->type == CONFIG_DURATION)
        is_good = config_number_parse_duration(node->text, &value);
    else
        is_good = config_number_parse_size(node->text, &value);
    if (!is_good)
        return config_node_error(node, err, "'%s' must be %s, not '%s'", name_of(key),
                                 what[key->type], node->text);

    if (is_limited(key) && (value < key->min || value > key->max)) {
        char min[32], max[32];
        format_limit(key->type, key->min, min);
        format_limit(key->type, key->max, max);
        return config_node_error(node, err, "'%s' must be from %s to %s, not %s", name_of(key), min,
                                 max, node->text);
    }
    *ret = value;
    return 0;
}

static int read_text(const struct config_node *node, const struct config_key *key, const char **ret,
                     struct error *err)
{
    int64_t size = (int64_t)strlen(node->text);
    if (is_limited(key) && size < key->min)
        return config_node_error(node, err, "'%s' must have at least %lld character%s",
                                 name_of(key), (long long)key->min, key->min == 1 ? "" : "s");
    if (is_limited(key) && size > key->max)
        return config_node_error(node, err, "'%s' must have at most %lld bytes", name_of(key),
                                 (long long)key->max);
    *ret = node->text;
    return 0;
}

#define CHOICES_MAX 64

/* What was written and the nearest to it, then all that is possible: where a message has to be cut,
 * it is in that list. */
static int choice_error(const struct config_node *node, const struct config_key *key,
                        struct error *err)
{
    const char *names[CHOICES_MAX];
    size_t n = 0;
    cleanup(string_buffer_finish) struct string_buffer list = {0};
    for (const struct config_choice *c = key->choices; c->name && n < CHOICES_MAX; c++) {
        string_buffer_append_text(&list, n ? ", " : "");
        string_buffer_append_text(&list, c->name);
        names[n++] = c->name;
    }
    const char *nearest = suggest_nearest(node->text, names, n);
    return config_node_error(node, err, "'%s' cannot be '%s'%s%s%s; it must be one of %s",
                             name_of(key), node->text, nearest ? " (did you mean '" : "",
                             nearest ? nearest : "", nearest ? "'?)" : "",
                             list.data ? list.data : "");
}

static int read_choice(const struct config_node *node, const struct config_key *key, int *ret,
                       struct error *err)
{
    for (const struct config_choice *c = key->choices; c->name; c++) {
        if (strcmp(c->name, node->text) == 0) {
            *ret = c->value;
            return 0;
        }
    }
    return choice_error(node, key, err);
}

static int read_container(const struct config_node *node, const struct config_key *key,
                          const struct config_node **ret, struct error *err)
{
    bool is_list = key->type == CONFIG_LIST;
    if (config_node_is_nothing(node)) {
        *ret = NULL;
        return 0;
    }
    if (node->kind != (is_list ? CONFIG_NODE_LIST : CONFIG_NODE_MAPPING))
        return config_node_error(node, err, "'%s' must be a %s", name_of(key),
                                 is_list ? "list" : "mapping of keys to values");
    if (is_list && is_limited(key) && node->n_children < key->min)
        return config_node_error(node, err, "'%s' must have at least %lld member%s", name_of(key),
                                 (long long)key->min, key->min == 1 ? "" : "s");
    if (is_list && is_limited(key) && node->n_children > key->max)
        return config_node_error(node, err, "'%s' must have at most %lld members", name_of(key),
                                 (long long)key->max);
    *ret = node;
    return 0;
}

static void set_fallback(const struct config_key *key, void *member)
{
    switch (key->type) {
    case CONFIG_BOOL:
        *(bool *)member = key->fallback != 0;
        break;
    case CONFIG_CHOICE:
        *(int *)member = (int)key->fallback;
        break;
    case CONFIG_TEXT:
        *(const char **)member = key->fallback_text;
        break;
    case CONFIG_MAPPING:
    case CONFIG_LIST:
        *(const struct config_node **)member = NULL;
        break;
    case CONFIG_REFUSED:
        break;
    default:
        *(int64_t *)member = key->fallback;
    }
}

static void set_nothing(const struct config_key *key, void *member)
{
    if (key->type == CONFIG_TEXT)
        *(const char **)member = "";
    else
        set_fallback(key, member);
}

int config_value_read(const struct config_node *node, const struct config_key *key, void *ret,
                      struct error *err)
{
    if (key->type == CONFIG_REFUSED)
        return config_node_key_error(node, err, "%s", key->hint);
    if (key->type == CONFIG_MAPPING || key->type == CONFIG_LIST)
        return read_container(node, key, ret, err);
    if (node->kind != CONFIG_NODE_SCALAR)
        return config_node_error(node, err, "'%s' must be a single value", name_of(key));
    if (config_node_is_nothing(node) && !key->takes_nothing)
        return config_node_error(node, err, "'%s' has no value", name_of(key));
    if (config_node_is_nothing(node)) {
        set_nothing(key, ret);
        return 0;
    }

    switch (key->type) {
    case CONFIG_BOOL:
        return read_bool(node, key, ret, err);
    case CONFIG_TEXT:
        return read_text(node, key, ret, err);
    case CONFIG_CHOICE:
        return read_choice(node, key, ret, err);
    default:
        return read_number(node, key, ret, err);
    }
}

void config_keys_set_fallbacks(const struct config_key *keys, size_t n, void *ret)
{
    for (size_t i = 0; i < n; i++)
        set_fallback(&keys[i], (char *)ret + keys[i].offset);
}

static const struct config_key *find_key(const struct config_key *keys, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static int unknown_key(const struct config_node *node, const struct config_key *keys, size_t n,
                       struct error *err)
{
    const char *names[CHOICES_MAX];
    size_t n_names = 0;
    for (size_t i = 0; i < n && n_names < CHOICES_MAX; i++) {
        if (keys[i].type != CONFIG_REFUSED)
            names[n_names++] = keys[i].name;
    }
    const char *nearest = suggest_nearest(node->key, names, n_names);
    if (nearest)
        return config_node_key_error(node, err, "unknown key '%s' (did you mean '%s'?)", node->key,
                                     nearest);
    return config_node_key_error(node, err, "unknown key '%s'", node->key);
}

int config_keys_apply(const struct config_node *mapping, const struct config_key *keys, size_t n,
                      void *ret, struct error *err)
{
    if (mapping->kind != CONFIG_NODE_MAPPING)
        return config_node_error(mapping, err, "here must be a mapping of keys to values");
    for (const struct config_node *node = mapping->first; node; node = node->next) {
        const struct config_key *key = find_key(keys, n, node->key);
        if (!key)
            return unknown_key(node, keys, n, err);
        int r = config_value_read(node, key, (char *)ret + key->offset, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int config_keys_require(const struct config_node *mapping, const struct config_key *keys, size_t n,
                        struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (keys[i].is_required && !config_node_find(mapping, keys[i].name))
            return config_node_error(mapping, err, "key '%s' is missing", keys[i].name);
    }
    return 0;
}

int config_keys_read(const struct config_node *mapping, const struct config_key *keys, size_t n,
                     void *ret, struct error *err)
{
    config_keys_set_fallbacks(keys, n, ret);
    int r = config_keys_apply(mapping, keys, n, ret, err);
    return r < 0 ? r : config_keys_require(mapping, keys, n, err);
}

const char *config_choice_name(const struct config_choice *choices, int value)
{
    for (; choices->name; choices++) {
        if (choices->value == value)
            return choices->name;
    }
    return NULL;
}

static bool texts_are_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool members_are_equal(enum config_type type, const void *a, const void *b)
{
    switch (type) {
    case CONFIG_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case CONFIG_CHOICE:
        return *(const int *)a == *(const int *)b;
    case CONFIG_TEXT:
        return texts_are_equal(*(const char *const *)a, *(const char *const *)b);
    case CONFIG_MAPPING:
    case CONFIG_LIST:
        return !*(const struct config_node *const *)a == !*(const struct config_node *const *)b;
    case CONFIG_REFUSED:
        return true;
    default:
        return *(const int64_t *)a == *(const int64_t *)b;
    }
}

bool config_keys_are_equal(const struct config_key *keys, size_t n, const void *a, const void *b)
{
    for (size_t i = 0; i < n; i++) {
        if (!members_are_equal(keys[i].type, (const char *)a + keys[i].offset,
                               (const char *)b + keys[i].offset))
            return false;
    }
    return true;
}
