/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_process - what is known of one process and the copies of libzmq it has mapped.
 *
 * Errors of reading are states here, not failures: processes end and belong to other users.
 */
#ifndef LIBRARIES_LIBRARY_PROCESS_H
#define LIBRARIES_LIBRARY_PROCESS_H

#include "base/program_name.h"
#include "base/string_buffer.h"
#include "libraries/build_id.h"
#include "libraries/package_lookup.h"

#include "libraries/untapped.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum library_access { LIBRARY_UNREAD, LIBRARY_READ, LIBRARY_REFUSED };

struct library_found {
    struct library_found *next;        /* another copy in the same process */
    bool is_replaced;                  /* its file was removed or replaced since it was loaded */
    char build_id[BUILD_ID_TEXT_SIZE]; /* empty: not known */
    struct library_package package;    /* of the file on disk, where that is the loaded one */
    char path[];                       /* as the process sees it, symbolic links resolved */
};

struct library_process {
    pid_t pid;
    enum library_access access;
    uint64_t start_ticks, size_bytes; /* as they were when the maps were read */
    struct library_found *found;
    char *program; /* NULL where nothing was found */
    struct untapped untapped;
};

/* Where a process is looked for. */
struct library_sources {
    int root_fd; /* of procfs; borrowed */
    struct package_lookup packages;
    struct string_buffer text; /* scratch */
    /* Asked before files of a process are opened, which may hang; NULL: all may be. */
    bool (*may_open)(void *data, pid_t pid, uint64_t start_ticks);
    void *data;
};

/* Reads the maps, and where they tell of a libzmq also its build id, package and the process's
 * name; replaces what `self` had. Returns 0 (see `access`), -ENOENT or -ESRCH if the process is
 * gone, -ENOMEM. */
int library_process_read(struct library_process *self, struct library_sources *sources);

void library_process_finish(struct library_process *self);

#endif
