/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_process.h"

#include "base/cleanup.h"
#include "base/procfs.h"
#include "collectors/library/library_file.h"
#include "collectors/library/library_maps.h"

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
    free(self->service);
    self->service = NULL;
}

void library_process_finish(struct library_process *self)
{
    if (self)
        forget(self);
}

static int read_service(struct library_process *self, int root_fd, struct string_buffer *text)
{
    char name[SERVICE_NAME_SIZE], exe[PATH_MAX], link[32];

    bool is_unit = procfs_read(root_fd, self->pid, "cgroup", text) == 0 && text->data &&
                   service_name_from_cgroup(text->data, name);
    if (!is_unit) {
        (void)snprintf(link, sizeof(link), "%d/exe", self->pid);
        ssize_t n = readlinkat(root_fd, link, exe, sizeof(exe) - 1);
        exe[n < 0 ? 0 : n] = '\0';
        if (procfs_read(root_fd, self->pid, "cmdline", text) < 0)
            string_buffer_clear(text);
        service_name_from_command(exe, text->data, text->size, name);
    }
    self->service = strdup(name);
    return self->service ? 0 : -ENOMEM;
}

static int add_found(struct library_process *self, int root_fd,
                     const struct library_mapping *mapping)
{
    struct library_found *found = malloc(sizeof(*found) + mapping->path_size + 1);
    if (!found)
        return -ENOMEM;
    *found = (struct library_found){.next = self->found, .is_replaced = mapping->is_deleted};
    memcpy(found->path, mapping->path, mapping->path_size);
    found->path[mapping->path_size] = '\0';
    self->found = found;

    cleanup_fd int fd = library_file_open(root_fd, self->pid, mapping);
    if (fd < 0 || build_id_read(fd, found->build_id) < 0)
        found->build_id[0] = '\0';
    return 0;
}

int library_process_read(struct library_process *self, int root_fd, struct string_buffer *text)
{
    forget(self);
    self->access = LIBRARY_READ;
    if (self->size_bytes == 0)
        return 0; /* a kernel thread or a zombie has no maps */

    int r = procfs_read(root_fd, self->pid, "maps", text);
    if (r == -ENOENT || r == -ESRCH || r == -ENOMEM)
        return r;
    if (r < 0) {
        self->access = LIBRARY_REFUSED;
        return 0;
    }

    struct library_mapping mappings[LIBRARY_MAPS_MAX];
    size_t n = library_maps_find(text->data, mappings);
    for (size_t i = 0; i < n; i++) {
        r = add_found(self, root_fd, &mappings[i]);
        if (r < 0)
            return r;
    }
    return n ? read_service(self, root_fd, text) : 0;
}
