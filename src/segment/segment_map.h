/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_map - lays rows of a segment_table into the segment's file.
 *
 * What is counted in such a row is in the file at once, and outlives any end of the process. It is
 * done on tmpfs alone, where nothing is written back, and only for pages that were reserved: so a
 * full file system is an error number here and never a SIGBUS at a store. Memory and file have the
 * same offsets; a row that is in use already is never laid over.
 *
 * Thread: one at a time. No signal is raised: RLIMIT_FSIZE is asked before.
 * Errors: -EMEDIUMTYPE not tmpfs; -EFBIG; -ENOSPC and others of fallocate(2) and mmap(2).
 */
#ifndef SEGMENT_SEGMENT_MAP_H
#define SEGMENT_SEGMENT_MAP_H

#include "segment/segment_table.h"

/* Held while rows are judged and laid, so that none of them is taken meanwhile. */
struct segment_map_lock {
    void (*lock)(void);
    void (*unlock)(void);
};

bool segment_map_is_possible(int fd);

/* Writes the header to the new, empty file, and lays it and the first rows there. None may be taken
 * yet. After an error the table is as it was, and the file of no use. */
int segment_map_begin(struct segment_table *table, int fd);

/* Lays more rows where they are scarce. After an error those that could not be are private. */
int segment_map_extend(struct segment_table *table, int fd, const struct segment_map_lock *lock);

#endif
