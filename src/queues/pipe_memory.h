/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_memory - fault-safe reads of the process's own memory, or of another one's.
 *
 * An address that is not mapped, or no longer, is a range that was not read: no signal, no crash.
 * Many ranges go into one process_vm_readv(2). Under a seccomp filter, which may kill for a call
 * that it does not list, /proc/self/mem is read with pread(2) instead, one call a range: open and
 * pread are what the loader itself needs. The same where process_vm_readv is refused.
 *
 * Thread:  one reader at a time.   Blocks: no.
 * Errors:  pipe_memory_open says in a few words why memory cannot be read; then nothing is.
 */
#ifndef QUEUES_PIPE_MEMORY_H
#define QUEUES_PIPE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pipe_memory_range {
    uintptr_t address;
    void *to;
    uint32_t size;
    bool is_read; /* set by pipe_memory_read: all `size` bytes are in `to` */
};

struct pipe_memory {
    bool is_by_call; /* process_vm_readv has worked, and was not refused since */
    bool is_by_file;
    bool is_foreign; /* of another process: by call, or not at all */
    int file_fd;
    int pid;
};

/* Finds out how memory can be read now. Returns NULL, or why it cannot be. Opened for a batch of
 * reads and closed after it: the program may close any descriptor, or get a filter, meanwhile. */
const char *pipe_memory_open(struct pipe_memory *self);
void pipe_memory_close(struct pipe_memory *self);

/* The memory of process `pid`, which stays open. Whether it may be read, and whether the process is
 * still the same, is for the caller to find out: another may have taken its number. */
void pipe_memory_open_foreign(struct pipe_memory *self, int pid);

/* The same for the next batch in the same thread, of which it is known that no filter came over it
 * since: what worked by call is not asked again. */
const char *pipe_memory_open_again(struct pipe_memory *self);

void pipe_memory_read(struct pipe_memory *self, struct pipe_memory_range *ranges, size_t n);

/* One range; false if it could not be read whole. */
bool pipe_memory_read_one(struct pipe_memory *self, uintptr_t address, void *to, size_t size);

#endif
