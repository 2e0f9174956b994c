/* SPDX-License-Identifier: MPL-2.0 */
/*
 * exporter_config - the exporter's configuration file, read, checked and then never changed.
 *
 * A new file is loaded beside the old configuration and takes its place as a whole, or not at
 * all. Holders count references, so that a reader of the old one is not hurt by the swap.
 *
 * To add a section: a member here, a member and a row in exporter_config.c, its reader,
 * and, where that is a collector's, its place in agent/agent_sections.c.
 *
 * Thread:  any; a loaded configuration is read-only, references are atomic.
 * Blocks:  load reads files.
 * Errors:  negative errno with `err` set: "path:line:column: why".
 */
#ifndef CONFIG_EXPORTER_CONFIG_H
#define CONFIG_EXPORTER_CONFIG_H

#include "config/probe_settings.h"
#include "config/probe_targets.h"

#define EXPORTER_PROBES_MAX            10000
#define EXPORTER_MODULES_MAX           1000
#define EXPORTER_PROBE_NAME_MAX        128
#define EXPORTER_PROBE_REQUESTS_MAX    256
#define EXPORTER_PROBE_REQUESTS_PRESET 16

/* A standing probe. */
struct probe_definition {
    const char *name;
    const char *endpoint;
    const char *module; /* NULL: none */
    struct endpoint_address address;
    struct probe_settings settings;
};

/* Settings by a name, for standing probes and for /probe?module=. */
struct probe_module {
    const char *name;
    struct probe_settings settings;
};

struct exporter_config {
    struct config_document *document;
    struct probe_module *modules;
    size_t n_modules;
    struct probe_definition *probes;
    size_t n_probes;
    struct probe_targets probe_targets;
    int64_t probe_requests; /* at once, of /probe */
    /* Sections that the collectors of these names read; NULL: absent. */
    const struct config_node *library, *policy, *peek;
    unsigned references;
};

/* `path` NULL: the configuration of an empty file. */
int exporter_config_load(const char *path, struct exporter_config **ret, struct error *err);
int exporter_config_parse(const char *name, const char *text, size_t size,
                          struct exporter_config **ret, struct error *err);

struct exporter_config *exporter_config_ref(struct exporter_config *self);
void exporter_config_unref(struct exporter_config **self_p);

/* The module of that name, or NULL. */
const struct probe_module *exporter_config_module(const struct exporter_config *self,
                                                  const char *name);

#endif
