/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_file - opens the file behind a mapping of another process, without being led astray.
 *
 * With privilege the kernel gives the very file, /proc/<pid>/map_files, also when its name is
 * gone. Without, the name is looked up inside the process's own root, following no link (the
 * kernel's path has none), so that a container's file is never mixed up with the host's. Only a
 * regular file is opened for reading: opening a device or a pipe could have effects or hang.
 */
#ifndef LIBRARIES_LIBRARY_FILE_H
#define LIBRARIES_LIBRARY_FILE_H

#include "libraries/library_maps.h"

#include <sys/types.h>

/* Returns a descriptor open for reading, or a negative errno: -EACCES, -EPERM without privilege,
 * -ENOENT for a deleted file that only its name would lead to, -EMEDIUMTYPE if it is no regular
 * file. `root_fd` is as in base/procfs.h. */
int library_file_open(int root_fd, pid_t pid, const struct library_mapping *mapping);

/* The root directory that the process has, to look into with the next two. */
int library_file_open_root(int root_fd, pid_t pid);

/* A regular file, for reading, and a folder, for listing, by their path under that root; no link
 * is followed. */
int library_file_open_in_root(int process_root, const char *path);
int library_file_open_folder(int process_root, const char *path);

#endif
