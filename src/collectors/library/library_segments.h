/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_segments - what tapped processes tell of themselves: program and exact versions.
 *
 * The file of a process is found by pid and start time. It must belong to the process's user:
 * anybody may write into the directory, but nobody is to speak for another. A process that has
 * other pids of its own (a container) is not found and is judged by its mapped file's name.
 *
 * Thread: one at a time. Owns: the list of names.
 */
#ifndef COLLECTORS_LIBRARY_LIBRARY_SEGMENTS_H
#define COLLECTORS_LIBRARY_LIBRARY_SEGMENTS_H

#include "base/program_name.h"
#include "collectors/library/release_table.h"
#include "segment/segment_reader.h"

#include <sys/types.h>

struct library_segments {
    const char *directory; /* borrowed; NULL: there is none */
    int fd;                /* -1: not listed */
    struct segment_name *names;
    bool *is_asked; /* beside them */
    size_t n, capacity;
};

struct library_told {
    char program[PROGRAM_NAME_SIZE];
    size_t n_libraries;
    struct {
        struct release_version version;
        char path[240];
    } libraries[SEGMENT_MAX_LIBRARIES];
};

void library_segments_init(struct library_segments *self, const char *directory);
void library_segments_finish(struct library_segments *self);

/* Lists the directory; one that is missing or refuses is empty. */
void library_segments_list(struct library_segments *self);

/* What the process `pid`, started at `start_ticks`, of user `owner`, tells. False: nothing. */
bool library_segments_has(const struct library_segments *self, pid_t pid, uint64_t start_ticks);
/* Whether any process of that number has a file, as one of a time namespace has. */
bool library_segments_has_pid(const struct library_segments *self, pid_t pid);
bool library_segments_find(struct library_segments *self, pid_t pid, uint64_t start_ticks,
                           uid_t owner, struct library_told *ret_told);

/* A process that was not asked for since the list was made; then it is. */
bool library_segments_next_unasked(struct library_segments *self, pid_t *ret_pid,
                                   uint64_t *ret_start_ticks);

#endif
