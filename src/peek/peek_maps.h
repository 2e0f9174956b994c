/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_maps - what a process has mapped, from /proc/PID/maps.
 *
 * Thread: any. Errors: -errno of reading; -E2BIG beyond PEEK_MAX_MAPPINGS.
 */
#ifndef PEEK_PEEK_MAPS_H
#define PEEK_PEEK_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEEK_MAX_MAPPINGS 65536u

struct peek_mapping {
    uintptr_t begin, end;
    uint64_t offset;        /* in the file */
    uint64_t device, inode; /* 0: no file */
    bool is_readable, is_writable, is_executable;
};

struct peek_maps {
    struct peek_mapping *items; /* by address */
    size_t n, capacity;
};

int peek_maps_read(int process_fd, struct peek_maps *self);
void peek_maps_finish(struct peek_maps *self);

/* NULL: nothing is mapped there. */
const struct peek_mapping *peek_maps_find(const struct peek_maps *self, uintptr_t address);

static inline bool peek_mapping_is_same_file(const struct peek_mapping *a,
                                             const struct peek_mapping *b)
{
    return a->inode != 0 && a->inode == b->inode && a->device == b->device;
}

/* Memory that a program writes its objects to: of no file, or of a library's data. */
static inline bool peek_mapping_is_data(const struct peek_mapping *self)
{
    return self && self->is_readable && self->is_writable && !self->is_executable;
}

#endif
