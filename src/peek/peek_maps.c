/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_maps.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int append(struct peek_maps *self, const struct peek_mapping *mapping)
{
    if (self->n == PEEK_MAX_MAPPINGS)
        return -E2BIG;
    if (self->n == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 128;
        struct peek_mapping *items = reallocarray(self->items, capacity, sizeof(*items));
        if (!items)
            return -ENOMEM;
        self->items = items;
        self->capacity = capacity;
    }
    self->items[self->n++] = *mapping;
    return 0;
}

static uint64_t parse_number(const char **text, int base)
{
    char *end;
    uint64_t number = strtoull(*text, &end, base);
    *text = *end ? end + 1 : end;
    return number;
}

/* "begin-end rwxp offset major:minor inode path"; the kernel's own, but for the path. */
static bool parse_line(const char *line, struct peek_mapping *ret)
{
    const char *place = line;
    *ret = (struct peek_mapping){.begin = parse_number(&place, 16)};
    ret->end = parse_number(&place, 16);
    if (strlen(place) < 5)
        return false;
    ret->is_readable = place[0] == 'r';
    ret->is_writable = place[1] == 'w';
    ret->is_executable = place[2] == 'x';
    place += 5;
    ret->offset = parse_number(&place, 16);
    ret->device = parse_number(&place, 16) << 32;
    ret->device |= parse_number(&place, 16);
    ret->inode = parse_number(&place, 10);
    return ret->begin < ret->end;
}

int peek_maps_read(int process_fd, struct peek_maps *self)
{
    int fd = openat(process_fd, "maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    FILE *file = fdopen(fd, "re");
    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    char *line = NULL;
    size_t size = 0;
    int r = 0;
    self->n = 0;
    errno = 0;
    while (r == 0 && getline(&line, &size, file) > 0) {
        struct peek_mapping mapping;
        if (parse_line(line, &mapping))
            r = append(self, &mapping);
    }
    if (r == 0 && ferror(file))
        r = errno ? -errno : -EIO;
    free(line);
    fclose(file);
    return r;
}

void peek_maps_finish(struct peek_maps *self)
{
    free(self->items);
    *self = (struct peek_maps){0};
}

const struct peek_mapping *peek_maps_find(const struct peek_maps *self, uintptr_t address)
{
    size_t low = 0, high = self->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct peek_mapping *mapping = &self->items[middle];
        if (address < mapping->begin)
            high = middle;
        else if (address >= mapping->end)
            low = middle + 1;
        else
            return mapping;
    }
    return NULL;
}
