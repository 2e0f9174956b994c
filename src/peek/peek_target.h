/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_target - a process of the host, whose memory may be read.
 *
 * Reads never make the process map a page that it has not touched: where a range may be absent the
 * page map is asked first. What is absent of a file's mapping is read from the file.
 *
 * Thread: one. Owns: its descriptors and maps.
 * Errors: -EACCES, -EPERM  the kernel does not allow it (normal)
 *         -ESRCH           the process is gone, or another has its number (normal)
 *         -errno           anything else
 */
#ifndef PEEK_PEEK_TARGET_H
#define PEEK_PEEK_TARGET_H

#include "peek/peek_maps.h"
#include "queues/pipe_memory.h"

#include <sys/types.h>

#define PEEK_PAGE ((uintptr_t)4096) /* the least; a page map has an entry for each page */

struct peek_target {
    pid_t pid;
    uint64_t start_ticks;
    int process_fd; /* its folder in /proc */
    int pagemap_fd;
    uintptr_t page_size;
    struct pipe_memory memory;
    struct peek_maps maps;
};

#define PEEK_TARGET_NONE ((struct peek_target){.process_fd = -1, .pagemap_fd = -1})

/* `procfs_fd` is /proc. Reads the maps. */
int peek_target_open(struct peek_target *self, int procfs_fd, pid_t pid, uint64_t start_ticks);
void peek_target_close(struct peek_target *self);

/* Whether it is still the same process. */
bool peek_target_is_alive(const struct peek_target *self);

/* Whether it still runs the program that it ran when it was opened: execve() gives a process other
 * memory. */
bool peek_target_has_same_memory(const struct peek_target *self);

/* Whether all pages of a range are there. */
bool peek_target_is_present(const struct peek_target *self, uintptr_t address, size_t size);

/* Reads what is mapped and present; false otherwise. */
bool peek_target_read(struct peek_target *self, uintptr_t address, void *to, size_t size);

/* Its path as the process's root has it, " (deleted)" behind where it is. -errno. */
int peek_target_read_path(const struct peek_target *self, const struct peek_mapping *mapping,
                          char *ret_path, size_t size);

/* Opens the file of a mapping by its path there; -1: it cannot be, or is not the same. */
int peek_target_open_file(const struct peek_target *self, const struct peek_mapping *mapping);

/* Reads a stretch of a file's mapping: what is present from memory, the rest from the file, or, as
 * `file_fd` is -1, from memory too. What cannot be read is zero. */
void peek_target_read_file(struct peek_target *self, int file_fd,
                           const struct peek_mapping *mapping, struct pipe_memory_range *range);

#endif
