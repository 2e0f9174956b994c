/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_tables.h"

#include "base/cleanup.h"
#include "collectors/library/library_texts.h"
#include "config/config_file.h"
#include "config/config_keys.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct library_patched {
    char *path, *build_id; /* NULL: any */
    advisory_set fixed;
};

struct section {
    const char *releases_file, *advisories_file, *packages_file;
    const struct config_node *patched;
};

static const struct config_key section_keys[] = {
    {"releases_file", CONFIG_TEXT, offsetof(struct section, releases_file), .min = 1, .max = 4096},
    {"advisories_file", CONFIG_TEXT, offsetof(struct section, advisories_file), .min = 1,
     .max = 4096},
    {"packages_file", CONFIG_TEXT, offsetof(struct section, packages_file), .min = 1, .max = 4096},
    {"patched", CONFIG_LIST, offsetof(struct section, patched), .min = 0,
     .max = LIBRARY_TABLES_PATCHED_MAX},
};

struct patched_keys {
    const char *path, *build_id;
    const struct config_node *advisories;
};

static const struct config_key patched_keys[] = {
    {"path", CONFIG_TEXT, offsetof(struct patched_keys, path), .min = 1, .max = 4096},
    {"build_id", CONFIG_TEXT, offsetof(struct patched_keys, build_id), .min = 1, .max = 64},
    {"advisories", CONFIG_LIST, offsetof(struct patched_keys, advisories), .min = 1,
     .max = ADVISORY_TABLE_MAX, .is_required = true},
};

#define N(table) (sizeof(table) / sizeof(*(table)))

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

static int read_file(const char *path, struct string_buffer *text, struct error *err)
{
    struct error why;
    int opened = -1;
    int r = config_file_open(path, &opened, &why);
    if (r < 0)
        return error_set(err, r, "%s: %s", path, why.message);
    cleanup_fd int fd = opened;
    for (;;) {
        char *place = string_buffer_reserve(text, 65536);
        if (!place)
            return no_memory(err);
        ssize_t n = read(fd, place, 65536);
        if (n < 0)
            return error_set(err, -errno, "%s: %s", path, strerror(errno));
        if (n == 0)
            return 0;
        text->size += (size_t)n;
        if (text->size > LIBRARY_TABLES_FILE_MAX)
            return error_set(err, -EFBIG, "%s: a table has at most %zu bytes", path,
                             LIBRARY_TABLES_FILE_MAX);
    }
}

/* A table's text: of the file that the configuration names, or the compiled-in one. */
struct source {
    struct string_buffer path, data;
    const char *name, *text;
    size_t size;
};

static void source_finish(struct source *self)
{
    string_buffer_finish(&self->path);
    string_buffer_finish(&self->data);
}

static int source_open(struct source *self, const struct config_node *section, const char *file,
                       const char *compiled, struct error *err)
{
    self->name = "compiled-in table";
    self->text = compiled;
    self->size = strlen(compiled);
    if (!file)
        return 0;
    if (config_document_path(section->document, file, &self->path) < 0)
        return no_memory(err);
    int r = read_file(self->path.data, &self->data, err);
    if (r < 0)
        return config_node_key_error(section, err, "library: %s", err ? err->message : "");
    self->name = self->path.data;
    self->text = self->data.size ? self->data.data : "";
    self->size = self->data.size;
    return 0;
}

static int load_releases(struct library_tables *self, const struct config_node *section,
                         const struct section *keys, struct error *err)
{
    cleanup(source_finish) struct source source = {0};
    int r = source_open(&source, section, keys->releases_file, library_text_releases, err);
    return r < 0 ? r
                 : release_table_parse(source.name, source.text, source.size, &self->releases, err);
}

static int load_advisories(struct library_tables *self, const struct config_node *section,
                           const struct section *keys, struct error *err)
{
    cleanup(source_finish) struct source source = {0};
    int r = source_open(&source, section, keys->advisories_file, library_text_advisories, err);
    return r < 0 ? r
                 : advisory_table_parse(source.name, source.text, source.size, &self->advisories,
                                        err);
}

static int load_packages(struct library_tables *self, const struct config_node *section,
                         const struct section *keys, struct error *err)
{
    cleanup(source_finish) struct source source = {0};
    int r = source_open(&source, section, keys->packages_file, library_text_packages, err);
    return r < 0 ? r
                 : package_table_parse(source.name, source.text, source.size, &self->advisories,
                                       &self->packages, err);
}

static int read_patched(const struct library_tables *self, const struct config_node *node,
                        struct library_patched *ret_patched, struct error *err)
{
    struct patched_keys keys;
    int r = config_keys_read(node, patched_keys, N(patched_keys), &keys, err);
    if (r < 0)
        return r;
    if (!keys.path && !keys.build_id)
        return config_node_error(node, err, "name the patched library by path or build_id");
    for (const struct config_node *id = keys.advisories->first; id; id = id->next) {
        int row = advisory_table_find(&self->advisories, id->text);
        if (row < 0)
            return config_node_error(id, err, "'%s' is no advisory of the table", id->text);
        ret_patched->fixed |= (advisory_set)1 << row;
    }
    if (keys.path && !(ret_patched->path = strdup(keys.path)))
        return no_memory(err);
    if (keys.build_id && !(ret_patched->build_id = strdup(keys.build_id)))
        return no_memory(err);
    return 0;
}

static int load_patched(struct library_tables *self, const struct config_node *list,
                        struct error *err)
{
    if (!list || !list->n_children)
        return 0;
    self->patched = calloc(list->n_children, sizeof(*self->patched));
    if (!self->patched)
        return no_memory(err);
    for (const struct config_node *node = list->first; node; node = node->next) {
        int r = read_patched(self, node, &self->patched[self->n_patched++], err);
        if (r < 0)
            return r;
    }
    return 0;
}

int library_tables_load(const struct config_node *section, struct library_tables **ret_tables,
                        struct error *err)
{
    struct section keys = {0};
    struct library_tables *self = calloc(1, sizeof(*self));
    if (!self)
        return no_memory(err);
    int r = section ? config_keys_read(section, section_keys, N(section_keys), &keys, err) : 0;
    if (r == 0)
        r = load_releases(self, section, &keys, err);
    if (r == 0)
        r = load_advisories(self, section, &keys, err);
    if (r == 0)
        r = load_packages(self, section, &keys, err);
    if (r == 0)
        r = load_patched(self, keys.patched, err);
    if (r < 0)
        library_tables_destroy(&self);
    else
        *ret_tables = self;
    return r;
}

void library_tables_destroy(struct library_tables **self_p)
{
    struct library_tables *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < self->n_patched; i++) {
        free(self->patched[i].path);
        free(self->patched[i].build_id);
    }
    free(self->patched);
    release_table_finish(&self->releases);
    advisory_table_finish(&self->advisories);
    package_table_finish(&self->packages);
    free(self);
}

bool library_tables_package_version(const struct library_package *package,
                                    struct release_version *ret_version)
{
    int used = 0;
    struct release_version version;
    const char *colon = strchr(package->source_version, ':');
    const char *text = colon ? colon + 1 : package->source_version;
    if (package->manager == PACKAGE_NONE || package->manager == PACKAGE_UNREAD ||
        sscanf(text, "%4u.%4u.%4u%n", &version.major, &version.minor, &version.patch, &used) != 3 ||
        isdigit((unsigned char)text[used]) || text[used] == '.')
        return false;
    *ret_version = version;
    return true;
}

static bool is_patched(const struct library_patched *patched, const struct library_subject *subject)
{
    return (!patched->path || fnmatch(patched->path, subject->path, 0) == 0) &&
           (!patched->build_id || strcmp(patched->build_id, subject->build_id) == 0);
}

void library_tables_judge(const struct library_tables *self, const struct library_subject *subject,
                          struct library_verdict *ret_verdict)
{
    struct release_version packaged;
    struct library_verdict verdict = {
        .affected = advisory_table_affecting(&self->advisories, subject->version)};
    /* A file that replaced the package's own usually has another version. */
    verdict.is_package_known = library_tables_package_version(subject->package, &packaged) &&
                               release_version_compare(packaged, subject->version) == 0;
    if (verdict.is_package_known)
        verdict.patched = package_table_fixed(&self->packages, subject->package);
    for (size_t i = 0; i < self->n_patched; i++) {
        if (is_patched(&self->patched[i], subject))
            verdict.patched |= self->patched[i].fixed;
    }
    verdict.patched &= verdict.affected;
    for (size_t i = 0; i < self->advisories.n; i++) {
        enum advisory_severity severity = self->advisories.advisories[i].severity;
        verdict.n[severity] += (unsigned)(verdict.affected >> i & 1);
        verdict.n_patched[severity] += (unsigned)(verdict.patched >> i & 1);
    }
    *ret_verdict = verdict;
}
