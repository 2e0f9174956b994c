/* SPDX-License-Identifier: MPL-2.0 */
#include "config/exporter_config.h"

#include "base/cleanup.h"
#include "base/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sections {
    const struct config_node *modules, *probes, *probe_targets, *library, *policy, *peek;
    int64_t probe_requests;
};

static const struct config_key section_keys[] = {
    {"modules", CONFIG_MAPPING, offsetof(struct sections, modules)},
    {"probes", CONFIG_LIST, offsetof(struct sections, probes), .min = 0,
     .max = EXPORTER_PROBES_MAX},
    {"probe_targets", CONFIG_LIST, offsetof(struct sections, probe_targets), .min = 0,
     .max = PROBE_TARGETS_MAX},
    {"probe_requests", CONFIG_INTEGER, offsetof(struct sections, probe_requests),
     .fallback = EXPORTER_PROBE_REQUESTS_PRESET, .min = 1, .max = EXPORTER_PROBE_REQUESTS_MAX},
    {"library", CONFIG_MAPPING, offsetof(struct sections, library)},
    {"policy", CONFIG_MAPPING, offsetof(struct sections, policy)},
    {"peek", CONFIG_MAPPING, offsetof(struct sections, peek)},
};

static const struct config_key probe_keys[] = {
    {"name", CONFIG_TEXT, offsetof(struct probe_definition, name), .min = 1,
     .max = EXPORTER_PROBE_NAME_MAX, .is_required = true},
    {"address", CONFIG_TEXT, offsetof(struct probe_definition, endpoint), .min = 1,
     .max = ENDPOINT_ADDRESS_TEXT_MAX, .is_required = true},
    {"module", CONFIG_TEXT, offsetof(struct probe_definition, module), .min = 1,
     .max = EXPORTER_PROBE_NAME_MAX},
    PROBE_SETTINGS_KEYS(offsetof(struct probe_definition, settings))};
#define N_PROBE_KEYS (sizeof(probe_keys) / sizeof(*probe_keys))

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "not enough memory");
}

const struct probe_module *exporter_config_module(const struct exporter_config *self,
                                                  const char *name)
{
    for (size_t i = 0; i < self->n_modules; i++) {
        if (strcmp(self->modules[i].name, name) == 0)
            return &self->modules[i];
    }
    return NULL;
}

static int read_modules(struct exporter_config *self, const struct config_node *mapping,
                        struct error *err)
{
    if (!mapping || mapping->n_children == 0)
        return 0;
    if (mapping->n_children > EXPORTER_MODULES_MAX)
        return config_node_key_error(mapping, err, "'modules' must have at most %d members",
                                     EXPORTER_MODULES_MAX);
    self->modules = calloc(mapping->n_children, sizeof(*self->modules));
    if (!self->modules)
        return no_memory(err);
    for (const struct config_node *node = mapping->first; node; node = node->next) {
        struct probe_module *module = &self->modules[self->n_modules++];
        module->name = node->key;
        int r = config_keys_read(node, probe_settings_keys, probe_settings_n_keys,
                                 &module->settings, err);
        if (r == 0)
            r = probe_settings_complete(node, &module->settings, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int unknown_module(const struct exporter_config *self, const struct config_node *node,
                          struct error *err)
{
    cleanup_free const char **names = calloc(self->n_modules + 1, sizeof(*names));
    if (!names)
        return no_memory(err);
    for (size_t i = 0; i < self->n_modules; i++)
        names[i] = self->modules[i].name;
    const char *nearest = suggest_nearest(node->text, names, self->n_modules);
    return config_node_error(node, err, "there is no module '%s'%s%s%s", node->text,
                             nearest ? " (did you mean '" : "", nearest ? nearest : "",
                             nearest ? "'?)" : "");
}

/* A probe's own keys go over those of its module, which go over the fallbacks. */
static int read_probe(struct exporter_config *self, const struct config_node *node,
                      struct probe_definition *probe, struct error *err)
{
    config_keys_set_fallbacks(probe_keys, N_PROBE_KEYS, probe);
    const struct config_node *module = node->kind == CONFIG_NODE_MAPPING
                                           ? config_node_find(node, "module")
                                           : NULL;
    if (module && !exporter_config_module(self, module->text))
        return unknown_module(self, module, err);
    if (module) {
        const struct config_node *modules = config_node_find(config_document_root(self->document),
                                                             "modules");
        int r = config_keys_apply(config_node_find(modules, module->text), probe_settings_keys,
                                  probe_settings_n_keys, &probe->settings, err);
        if (r < 0)
            return r;
    }
    int r = config_keys_apply(node, probe_keys, N_PROBE_KEYS, probe, err);
    if (r == 0)
        r = config_keys_require(node, probe_keys, N_PROBE_KEYS, err);
    if (r == 0)
        r = probe_settings_complete(node, &probe->settings, err);
    if (r < 0)
        return r;

    struct error inner;
    r = endpoint_address_parse(probe->endpoint, probe->settings.is_bind, &probe->address, &inner);
    if (r < 0)
        return config_node_error(config_node_find(node, "address"), err, "%s", inner.message);
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct probe_definition *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* The name is the identity of a probe's counters, so it can be there once only. */
static int check_names(const struct exporter_config *self, const struct config_node *list,
                       struct error *err)
{
    cleanup_free const struct probe_definition **sorted = calloc(self->n_probes, sizeof(*sorted));
    if (!sorted)
        return no_memory(err);
    for (size_t i = 0; i < self->n_probes; i++)
        sorted[i] = &self->probes[i];
    qsort(sorted, self->n_probes, sizeof(*sorted), compare_names);
    for (size_t i = 1; i < self->n_probes; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0)
            continue;
        size_t second = (size_t)((sorted[i] > sorted[i - 1] ? sorted[i] : sorted[i - 1]) -
                                 self->probes);
        const struct config_node *node = list->first;
        while (second--)
            node = node->next;
        return config_node_error(config_node_find(node, "name"), err,
                                 "another probe has the name '%s'", sorted[i]->name);
    }
    return 0;
}

static int read_probes(struct exporter_config *self, const struct config_node *list,
                       struct error *err)
{
    if (!list || list->n_children == 0)
        return 0;
    self->probes = calloc(list->n_children, sizeof(*self->probes));
    if (!self->probes)
        return no_memory(err);
    for (const struct config_node *node = list->first; node; node = node->next) {
        int r = read_probe(self, node, &self->probes[self->n_probes++], err);
        if (r < 0)
            return r;
    }
    return check_names(self, list, err);
}

static int read_sections(struct exporter_config *self, struct error *err)
{
    struct sections sections;
    int r = config_keys_read(config_document_root(self->document), section_keys,
                             sizeof(section_keys) / sizeof(*section_keys), &sections, err);
    if (r < 0)
        return r;
    self->probe_requests = sections.probe_requests;
    self->library = sections.library;
    self->policy = sections.policy;
    self->peek = sections.peek;
    r = read_modules(self, sections.modules, err);
    if (r == 0)
        r = read_probes(self, sections.probes, err);
    if (r == 0)
        r = probe_targets_read(sections.probe_targets, &self->probe_targets, err);
    return r;
}

/* Takes the document. */
static int from_document(struct config_document *document, struct exporter_config **ret,
                         struct error *err)
{
    struct exporter_config *self = calloc(1, sizeof(*self));
    if (!self) {
        config_document_destroy(&document);
        return no_memory(err);
    }
    self->references = 1;
    self->document = document;
    int r = read_sections(self, err);
    if (r < 0)
        exporter_config_unref(&self);
    else
        *ret = self;
    return r;
}

int exporter_config_load(const char *path, struct exporter_config **ret, struct error *err)
{
    struct config_document *document = NULL;
    if (!path)
        return exporter_config_parse("", "", 0, ret, err);
    int r = config_document_open(path, &document, err);
    return r < 0 ? r : from_document(document, ret, err);
}

int exporter_config_parse(const char *name, const char *text, size_t size,
                          struct exporter_config **ret, struct error *err)
{
    struct config_document *document = NULL;
    int r = config_document_parse(name, text, size, &document, err);
    return r < 0 ? r : from_document(document, ret, err);
}

struct exporter_config *exporter_config_ref(struct exporter_config *self)
{
    __atomic_fetch_add(&self->references, 1, __ATOMIC_RELAXED);
    return self;
}

void exporter_config_unref(struct exporter_config **self_p)
{
    struct exporter_config *self = *self_p;
    *self_p = NULL;
    if (!self || __atomic_sub_fetch(&self->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < self->n_probes; i++)
        probe_settings_finish(&self->probes[i].settings);
    for (size_t i = 0; i < self->n_modules; i++)
        probe_settings_finish(&self->modules[i].settings);
    probe_targets_finish(&self->probe_targets);
    free(self->probes);
    free(self->modules);
    config_document_destroy(&self->document);
    free(self);
}
