/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_process - what is known of one process and the copies of libzmq it has mapped.
 *
 * Errors of reading are states here, not failures: processes end and belong to other users.
 */
#ifndef COLLECTORS_LIBRARY_LIBRARY_PROCESS_H
#define COLLECTORS_LIBRARY_LIBRARY_PROCESS_H

#include "base/string_buffer.h"
#include "collectors/library/build_id.h"
#include "collectors/library/library_segments.h"
#include "collectors/library/package_lookup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum library_access { LIBRARY_UNREAD, LIBRARY_READ, LIBRARY_REFUSED };

struct library_found {
    struct library_found *next; /* another copy in the same process */
    bool is_replaced;           /* its file was removed or replaced since it was loaded */
    bool is_told;               /* the process told the next itself */
    struct release_version version;
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
};

/* Where a process is looked for. */
struct library_sources {
    int root_fd; /* of procfs; borrowed */
    struct library_segments segments;
    struct package_lookup packages;
    struct string_buffer text; /* scratch */
};

/* Reads maps and segment, and where they tell of a libzmq also its build id and the process's
 * name; replaces what `self` had. Returns 0 (see `access`), -ENOENT or -ESRCH if the process is
 * gone, -ENOMEM. */
int library_process_read(struct library_process *self, struct library_sources *sources);

void library_process_finish(struct library_process *self);

#endif
