/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/policy/policy_settings_read.h"

#include "base/suggest.h"
#include "collectors/policy/policy_table.h"
#include "config/config_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N(table) (sizeof(table) / sizeof(*(table)))

struct section {
    struct policy_settings settings;
    const struct config_node *checks, *exemptions;
};

#define SETTING(field) offsetof(struct section, settings.field)

static const struct config_key section_keys[] = {
    {"enabled", CONFIG_BOOL, SETTING(is_enabled), .fallback = true},
    {"checks", CONFIG_MAPPING, offsetof(struct section, checks)},
    {"memory_limit", CONFIG_SIZE, SETTING(memory_limit_bytes), .fallback = INT64_C(1) << 30,
     .min = 1, .max = INT64_C(1) << 50},
    {"near_limit_percent", CONFIG_INTEGER, SETTING(near_limit_percent), .fallback = 80, .min = 1,
     .max = 100},
    {"blocked_for", CONFIG_DURATION, SETTING(blocked_ms), .fallback = 1000, .min = 0,
     .max = 86400000},
    {"full_for", CONFIG_DURATION, SETTING(full_ms), .fallback = 10000, .min = 0, .max = 86400000},
    {"long_lived", CONFIG_DURATION, SETTING(long_lived_ms), .fallback = 60000, .min = 0,
     .max = 86400000},
    {"unequal_factor", CONFIG_INTEGER, SETTING(unequal_factor), .fallback = 2, .min = 1,
     .max = 1000000},
    {"retries", CONFIG_INTEGER, SETTING(retries), .fallback = 100, .min = 1, .max = 1000000000},
    {"starved_for", CONFIG_DURATION, SETTING(starved_ms), .fallback = 30000, .min = 100,
     .max = 86400000},
    {"exemptions", CONFIG_LIST, offsetof(struct section, exemptions), .min = 0,
     .max = POLICY_EXEMPTIONS_MAX},
};

static const struct config_choice severities[] = {{"low", ADVISORY_LOW},
                                                  {"medium", ADVISORY_MEDIUM},
                                                  {"high", ADVISORY_HIGH},
                                                  {"critical", ADVISORY_CRITICAL},
                                                  {NULL, 0}};

struct check_keys {
    bool is_enabled;
    int severity;
};

static const struct config_key check_keys[] = {
    {"enabled", CONFIG_BOOL, offsetof(struct check_keys, is_enabled)},
    {"severity", CONFIG_CHOICE, offsetof(struct check_keys, severity), .choices = severities},
};

struct exemption_keys {
    const char *check, *program, *type, *endpoint, *reason;
};

static const struct config_key exemption_keys[] = {
    {"check", CONFIG_TEXT, offsetof(struct exemption_keys, check), .min = 1, .max = 64,
     .is_required = true},
    {"program", CONFIG_TEXT, offsetof(struct exemption_keys, program), .min = 1, .max = 256},
    {"type", CONFIG_TEXT, offsetof(struct exemption_keys, type), .min = 1, .max = 16},
    {"address", CONFIG_TEXT, offsetof(struct exemption_keys, endpoint), .min = 1, .max = 1024},
    {"reason", CONFIG_TEXT, offsetof(struct exemption_keys, reason), .min = 1, .max = 1024},
};

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

/* The row of that name; -EINVAL with the nearest one. */
static int find_check(const struct config_node *node, const char *name, bool is_key,
                      struct error *err)
{
    const char *names[POLICY_CHECKS_MAX];
    for (size_t i = 0; i < policy_n_checks; i++) {
        names[i] = policy_checks[i].name;
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    const char *nearest = suggest_nearest(name, names, policy_n_checks);
    return (is_key ? config_node_key_error : config_node_error)(
        node, err, "there is no check '%s'%s%s%s", name, nearest ? " (did you mean '" : "",
        nearest ? nearest : "", nearest ? "'?)" : "");
}

static int read_checks(struct policy_settings *self, const struct config_node *mapping,
                       struct error *err)
{
    for (const struct config_node *node = mapping ? mapping->first : NULL; node;
         node = node->next) {
        int row = find_check(node, node->key, true, err);
        if (row < 0)
            return row;
        struct check_keys keys = {self->is_check_enabled[row], (int)self->severity[row]};
        int r = config_keys_apply(node, check_keys, N(check_keys), &keys, err);
        if (r < 0)
            return r;
        self->is_check_enabled[row] = keys.is_enabled;
        self->severity[row] = (enum advisory_severity)keys.severity;
    }
    return 0;
}

static bool copy(char **ret_text, const char *text)
{
    *ret_text = text ? strdup(text) : NULL;
    return *ret_text || !text;
}

static int read_exemption(struct policy_exemption *self, const struct config_node *node,
                          struct error *err)
{
    struct exemption_keys keys;
    int r = config_keys_read(node, exemption_keys, N(exemption_keys), &keys, err);
    if (r < 0)
        return r;
    bool is_any = strcmp(keys.check, "*") == 0;
    int row = is_any ? 0 : find_check(config_node_find(node, "check"), keys.check, false, err);
    if (row < 0)
        return row;
    return copy(&self->check, is_any ? NULL : keys.check) && copy(&self->program, keys.program) &&
                   copy(&self->type, keys.type) && copy(&self->endpoint, keys.endpoint)
               ? 0
               : no_memory(err);
}

static int read_exemptions(struct policy_settings *self, const struct config_node *list,
                           struct error *err)
{
    if (!list || !list->n_children)
        return 0;
    self->exemptions = calloc(list->n_children, sizeof(*self->exemptions));
    if (!self->exemptions)
        return no_memory(err);
    for (const struct config_node *node = list->first; node; node = node->next) {
        int r = read_exemption(&self->exemptions[self->n_exemptions++], node, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int policy_settings_read(const struct config_node *section, struct policy_settings **ret_settings,
                         struct error *err)
{
    struct section values = {0};
    struct policy_settings *self = calloc(1, sizeof(*self));
    if (!self)
        return no_memory(err);
    config_keys_set_fallbacks(section_keys, N(section_keys), &values);
    int r = section ? config_keys_apply(section, section_keys, N(section_keys), &values, err) : 0;
    *self = values.settings;
    for (size_t i = 0; i < policy_n_checks; i++) {
        self->is_check_enabled[i] = true;
        self->severity[i] = policy_checks[i].severity;
    }
    if (r == 0)
        r = read_checks(self, values.checks, err);
    if (r == 0)
        r = read_exemptions(self, values.exemptions, err);
    if (r < 0)
        policy_settings_destroy(&self);
    else
        *ret_settings = self;
    return r;
}
