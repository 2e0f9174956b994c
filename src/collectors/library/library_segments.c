/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_segments.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_NAMES ((size_t)16384) /* files; the names beyond are not looked at */

static_assert(sizeof(((struct library_told *)0)->program) ==
                  sizeof(((struct segment_header *)0)->program),
              "program");
static_assert(sizeof(((struct library_told *)0)->libraries[0].path) ==
                  sizeof(((struct segment_library *)0)->path),
              "path");

void library_segments_init(struct library_segments *self, const char *directory)
{
    *self = (struct library_segments){.directory = directory, .fd = -1};
}

void library_segments_finish(struct library_segments *self)
{
    if (self->fd >= 0)
        close(self->fd);
    free(self->names);
    free(self->is_asked);
    library_segments_init(self, NULL);
}

static void append_name(struct library_segments *self, const struct segment_name *name)
{
    if (self->n == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 64;
        struct segment_name *names = reallocarray(self->names, capacity, sizeof(*names));
        if (!names)
            return;
        self->names = names;
        self->capacity = capacity;
    }
    self->names[self->n++] = *name;
}

/* By process, and of one process the newest image first. */
static int compare(const void *a, const void *b)
{
    const struct segment_name *left = a, *right = b;
    if (left->pid != right->pid)
        return left->pid < right->pid ? -1 : 1;
    if (left->start_ticks != right->start_ticks)
        return left->start_ticks < right->start_ticks ? -1 : 1;
    return left->image > right->image ? -1 : left->image < right->image;
}

void library_segments_list(struct library_segments *self)
{
    self->n = 0;
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    DIR *directory = self->directory ? opendir(self->directory) : NULL;
    if (!directory)
        return;
    for (const struct dirent *item; self->n < MAX_NAMES && (item = readdir(directory));) {
        struct segment_name name;
        if (segment_name_parse(item->d_name, &name))
            append_name(self, &name);
    }
    self->fd = fcntl(dirfd(directory), F_DUPFD_CLOEXEC, 0);
    closedir(directory);
    if (self->fd < 0)
        self->n = 0;
    free(self->is_asked);
    self->is_asked = calloc(self->n + 1, sizeof(*self->is_asked));
    if (!self->is_asked)
        self->n = 0;
    if (self->n)
        qsort(self->names, self->n, sizeof(*self->names), compare);
}

static bool read_told(const struct library_segments *self, const struct segment_name *name,
                      uid_t owner, struct library_told *ret_told)
{
    char file[96], image[16] = "";
    if (name->image)
        (void)snprintf(image, sizeof(image), ".%u", name->image);
    (void)snprintf(file, sizeof(file), "%llu-%llu%s" SEGMENT_SUFFIX, (unsigned long long)name->pid,
                   (unsigned long long)name->start_ticks, image);

    cleanup(segment_reader_close) struct segment_reader reader = {.fd = -1};
    if (segment_reader_open(self->fd, file, &reader) != 0 || reader.owner != owner ||
        segment_reader_begin(&reader, true) != 0 || reader.layout.state != SEGMENT_LIVE)
        return false;
    const struct segment_header *header = &reader.layout;
    memcpy(ret_told->program, header->program, sizeof(ret_told->program));
    ret_told->n_libraries = header->n_libraries;
    for (size_t i = 0; i < header->n_libraries; i++) {
        const struct segment_library *library = &header->libraries[i];
        ret_told->libraries[i].version = (struct release_version){
            library->version_major, library->version_minor, library->version_patch};
        memcpy(ret_told->libraries[i].path, library->path, sizeof(library->path));
    }
    return true;
}

static size_t find_name(const struct library_segments *self, pid_t pid, uint64_t start_ticks)
{
    size_t low = 0, high = self->n;
    const struct segment_name wanted = {(uint64_t)pid, start_ticks, UINT32_MAX};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&self->names[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == self->n)
        return low;
    const struct segment_name *name = &self->names[low];
    return name->pid == wanted.pid && name->start_ticks == start_ticks ? low : self->n;
}

bool library_segments_has(const struct library_segments *self, pid_t pid, uint64_t start_ticks)
{
    return find_name(self, pid, start_ticks) < self->n;
}

bool library_segments_has_pid(const struct library_segments *self, pid_t pid)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->names[i].pid == (uint64_t)pid)
            return true;
    }
    return false;
}

/* All images of the process are asked for at once. */
static void mark(struct library_segments *self, size_t i)
{
    const struct segment_name first = self->names[i];
    for (; i < self->n && self->names[i].pid == first.pid &&
           self->names[i].start_ticks == first.start_ticks;
         i++)
        self->is_asked[i] = true;
}

bool library_segments_find(struct library_segments *self, pid_t pid, uint64_t start_ticks,
                           uid_t owner, struct library_told *ret_told)
{
    size_t i = find_name(self, pid, start_ticks);
    if (i == self->n)
        return false;
    mark(self, i);
    return read_told(self, &self->names[i], owner, ret_told);
}

bool library_segments_next_unasked(struct library_segments *self, pid_t *ret_pid,
                                   uint64_t *ret_start_ticks)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->is_asked[i])
            continue;
        mark(self, i);
        *ret_pid = (pid_t)self->names[i].pid;
        *ret_start_ticks = self->names[i].start_ticks;
        return true;
    }
    return false;
}
