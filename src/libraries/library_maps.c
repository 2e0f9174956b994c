/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/library_maps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME    "libzmq"
#define DELETED " (deleted)"

bool library_maps_is_libzmq(const char *path, size_t size)
{
    const char *slash = memrchr(path, '/', size);
    const char *name = slash ? slash + 1 : path;
    size_t length = size - (size_t)(name - path);
    const size_t prefix = sizeof(NAME) - 1;

    if (length <= prefix || memcmp(name, NAME, prefix) != 0)
        return false;
    if (name[prefix] != '.' && name[prefix] != '-')
        return false;
    return memmem(name + prefix, length - prefix, ".so", 3) != NULL;
}

static bool parse_line(const char *line, size_t size, struct library_mapping *ret_mapping)
{
    /* The five fields before the path hold no '/'. */
    const char *path = memchr(line, '/', size);
    if (!path)
        return false;
    struct library_mapping mapping = {.path = path, .path_size = size - (size_t)(path - line)};

    const size_t deleted = sizeof(DELETED) - 1;
    if (mapping.path_size > deleted &&
        memcmp(path + mapping.path_size - deleted, DELETED, deleted) == 0) {
        mapping.is_deleted = true;
        mapping.path_size -= deleted;
    }
    if (!library_maps_is_libzmq(path, mapping.path_size))
        return false;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &mapping.start, &mapping.end) != 2)
        return false;
    *ret_mapping = mapping;
    return true;
}

static bool is_same_file(const struct library_mapping *a, const struct library_mapping *b)
{
    return a->is_deleted == b->is_deleted && a->path_size == b->path_size &&
           memcmp(a->path, b->path, a->path_size) == 0;
}

size_t library_maps_find(const char *text, struct library_mapping ret_mappings[LIBRARY_MAPS_MAX])
{
    size_t n = 0;
    for (const char *hit = text; n < LIBRARY_MAPS_MAX && (hit = strstr(hit, NAME));) {
        const char *line = hit;
        while (line > text && line[-1] != '\n')
            line--;
        size_t size = strcspn(line, "\n");
        hit = line + size;

        struct library_mapping *mapping = &ret_mappings[n];
        if (!parse_line(line, size, mapping))
            continue;
        bool is_new = true;
        for (size_t i = 0; i < n && is_new; i++)
            is_new = !is_same_file(&ret_mappings[i], mapping);
        n += is_new;
    }
    return n;
}
