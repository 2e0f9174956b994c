/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_maps - the libzmq files in the text of /proc/<pid>/maps.
 *
 * The kernel writes the path after symbolic links, so libzmq.so.5 appears as libzmq.so.5.2.4.
 * A file counts if its name is libzmq followed by '.' or '-', with ".so" behind: the system's,
 * a python wheel's libzmq-<hash>.so.5.2.5, an extension libzmq.cpython-311-….so; libzmqtap.so
 * and libzmqpp.so are something else.
 */
#ifndef LIBRARIES_LIBRARY_MAPS_H
#define LIBRARIES_LIBRARY_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIBRARY_MAPS_MAX 8 /* copies in one process; more are not looked at */

/* One file, by its first mapping. `path` is borrowed from the text and has no NUL. */
struct library_mapping {
    uint64_t start, end; /* addresses, as in the names of /proc/<pid>/map_files */
    const char *path;    /* without " (deleted)" */
    size_t path_size;
    bool is_deleted; /* removed or replaced by name since it was loaded */
};

/* Fills `ret_mappings`, returns how many. Lines that do not read as proc(5) says are skipped. */
size_t library_maps_find(const char *text, struct library_mapping ret_mappings[LIBRARY_MAPS_MAX]);

/* The same rule for a path: is it a copy of libzmq? `path` need not end in NUL. */
bool library_maps_is_libzmq(const char *path, size_t size);

#endif
