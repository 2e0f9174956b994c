/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/library_process.h"

#include "base/cleanup.h"
#include "base/procfs.h"
#include "libraries/library_file.h"
#include "libraries/library_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void forget(struct library_process *self)
{
    while (self->found) {
        struct library_found *next = self->found->next;
        free(self->found);
        self->found = next;
    }
    free(self->program);
    self->program = NULL;
}

void library_process_finish(struct library_process *self)
{
    if (self)
        forget(self);
}

static void find_program(const struct library_process *self, struct library_sources *sources,
                         char ret_name[static PROGRAM_NAME_SIZE])
{
    struct string_buffer *text = &sources->text;
    if (procfs_read(sources->root_fd, self->pid, "cgroup", text) == 0 && text->data &&
        program_name_from_cgroup(text->data, ret_name))
        return;

    char exe[PATH_MAX], link[32];
    (void)snprintf(link, sizeof(link), "%d/exe", self->pid);
    ssize_t n = readlinkat(sources->root_fd, link, exe, sizeof(exe) - 1);
    exe[n < 0 ? 0 : n] = '\0';
    if (procfs_read(sources->root_fd, self->pid, "cmdline", text) < 0)
        string_buffer_clear(text);
    program_name_from_command(exe, text->data, text->size, ret_name);
}

static struct library_found *add_found(struct library_process *self, const char *path, size_t size)
{
    struct library_found *found = malloc(sizeof(*found) + size + 1);
    if (!found)
        return NULL;
    *found = (struct library_found){.next = self->found};
    memcpy(found->path, path, size);
    found->path[size] = '\0';
    self->found = found;
    return found;
}

/* The kernel names files as the one who asks sees them: of a process that only changed its root,
 * as with chroot(8), from outside of it. In a container's mount namespace it is not so. */
static const char *path_in_root(const struct library_process *self,
                                const struct library_sources *sources, const char *path)
{
    char root[PATH_MAX], link[32];
    (void)snprintf(link, sizeof(link), "%d/root", self->pid);
    ssize_t n = readlinkat(sources->root_fd, link, root, sizeof(root));
    bool is_below = n > 1 && n < (ssize_t)sizeof(root) && strncmp(path, root, (size_t)n) == 0 &&
                    path[n] == '/';
    return is_below ? path + n : path;
}

/* What the database says is of the file on disk, not of one that was loaded before it. */
static void find_package(const struct library_process *self, struct library_sources *sources,
                         struct library_found *found)
{
    if (found->is_replaced)
        return;
    cleanup_fd int process_root = library_file_open_root(sources->root_fd, self->pid);
    if (process_root >= 0)
        package_lookup_find(&sources->packages, process_root,
                            path_in_root(self, sources, found->path), &found->package);
}

static int add_mapping(struct library_process *self, struct library_sources *sources,
                       const struct library_mapping *mapping)
{
    struct library_found *found = add_found(self, mapping->path, mapping->path_size);
    if (!found)
        return -ENOMEM;
    found->is_replaced = mapping->is_deleted;
    if (sources->may_open && !sources->may_open(sources->data, self->pid, self->start_ticks))
        return 0;
    cleanup_fd int fd = library_file_open(sources->root_fd, self->pid, mapping);
    if (fd < 0 || build_id_read(fd, found->build_id) < 0)
        found->build_id[0] = '\0';
    find_package(self, sources, found);
    return 0;
}

static int add_mappings(struct library_process *self, struct library_sources *sources)
{
    struct library_mapping mappings[LIBRARY_MAPS_MAX];
    size_t n = library_maps_find(sources->text.data, mappings);
    for (size_t i = 0; i < n; i++) {
        int r = add_mapping(self, sources, &mappings[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

int library_process_read(struct library_process *self, struct library_sources *sources)
{
    struct untapped_maps maps = {.has_tap = false};
    forget(self);
    self->untapped = (struct untapped){.reason = UNTAPPED_NONE};
    self->access = LIBRARY_READ;
    if (self->size_bytes == 0)
        return 0; /* a kernel thread or a zombie has no maps */

    int r = procfs_read(sources->root_fd, self->pid, "maps", &sources->text);
    if (r == -ENOENT || r == -ESRCH || r == -ENOMEM)
        return r;
    if (r < 0)
        self->access = LIBRARY_REFUSED;
    else {
        maps = untapped_read_maps(sources->text.data ? sources->text.data : "");
        r = add_mappings(self, sources);
    }
    if (r == -ENOMEM)
        return r;

    if (!self->found)
        return 0;
    self->untapped = untapped_find(sources->root_fd, self->pid, maps, &sources->text);
    char name[PROGRAM_NAME_SIZE];
    find_program(self, sources, name);
    self->program = strdup(name);
    return self->program ? 0 : -ENOMEM;
}
