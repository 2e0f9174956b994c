/* SPDX-License-Identifier: MPL-2.0 */
/*
 * procfs - what the kernel says of a process.
 *
 * Every function takes the procfs root ("/proc", or a fixture folder in a test) as an open
 * directory descriptor, so that a process that ends between two reads is an error and never
 * another process with the same id.
 *
 * Errors: -ENOENT or -ESRCH  the process is gone (normal)
 *         -EACCES, -EPERM    another user's process and no privilege (normal)
 *         -EBADMSG           a file that does not read as proc(5) says
 */
#ifndef BASE_PROCFS_H
#define BASE_PROCFS_H

#include "base/string_buffer.h"

#include <stdint.h>
#include <sys/types.h>

/* The whole of `<pid>/<name>` in `ret_text`, which is cleared first. At most 16 MiB. */
int procfs_read(int root_fd, pid_t pid, const char *name, struct string_buffer *ret_text);

/* Start of the process in clock ticks since boot: field 22 of /proc/<pid>/stat. With the pid
 * it names one process of this boot. */
int procfs_start_time(int root_fd, pid_t pid, uint64_t *ret_ticks);

/* The same and the size of its address space in bytes (field 23; 0 for a kernel thread). Both come
 * of one read. */
int procfs_start_and_size(int root_fd, pid_t pid, uint64_t *ret_ticks, uint64_t *ret_size_bytes);

/* The process's effective user id. */
int procfs_owner(int root_fd, pid_t pid, uid_t *ret_uid);

/* /proc/sys/kernel/random/boot_id without the newline; `ret_id` has room for 37 bytes. */
int procfs_boot_id(char ret_id[static 37]);

#endif
