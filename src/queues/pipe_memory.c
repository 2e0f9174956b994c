/* SPDX-License-Identifier: MPL-2.0 */
#include "queues/pipe_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define BATCH 256 /* ranges in one call; below IOV_MAX, and 8 KiB of the tap's own stack */
#define FEW   8   /* the same on a stack of the program */

static int last_mode = -1; /* as last seen by the tap; -1: never */

/* Piece by piece: the line with the groups can be of any length. The mode is one digit. */
static int find_mode(int fd)
{
    static const char name[] = "\nSeccomp:\t";
    const size_t length = sizeof(name) - 1;
    char text[512];
    size_t n_kept = 0;
    ssize_t n;
    while ((n = read(fd, text + n_kept, sizeof(text) - 1 - n_kept)) > 0) {
        size_t size = n_kept + (size_t)n;
        text[size] = '\0';
        const char *line = strstr(text, name);
        if (line && line[length] != '\0')
            return line[length] - '0';
        n_kept = size < length ? size : length; /* the name may go on in the next piece */
        memmove(text, text + size - n_kept, n_kept);
    }
    return n < 0 ? -1 : 0; /* absent: built without */
}

static int read_seccomp_mode(void)
{
    int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int mode = find_mode(fd);
    close(fd);
    return mode;
}

/* The mode of this very thread: filters are per thread until they are synchronized. prctl would
 * tell, too, but a filter may kill for it; the loader itself opens and reads files. A program
 * that has run out of descriptors is worth watching, so the last answer then holds on. */
static int find_seccomp_mode(void)
{
    int mode = read_seccomp_mode();
    if (mode < 0)
        return __atomic_load_n(&last_mode, __ATOMIC_RELAXED);
    __atomic_store_n(&last_mode, mode, __ATOMIC_RELAXED);
    return mode;
}

static const char *open_file(struct pipe_memory *self, const char *reason)
{
    self->file_fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    self->is_by_file = self->file_fd >= 0;
    return self->is_by_file ? NULL : reason;
}

const char *pipe_memory_open(struct pipe_memory *self)
{
    *self = (struct pipe_memory){.file_fd = -1, .pid = getpid()};
    int mode = find_seccomp_mode();
    if (mode < 0)
        return "/proc/thread-self cannot be read";
    if (mode != 0)
        return open_file(self, "seccomp filter, and /proc/self/mem is refused");

    char probe = 1, copy = 0;
    struct iovec to = {&copy, 1}, from = {&probe, 1};
    self->is_by_call = process_vm_readv(self->pid, &to, 1, &from, 1, 0) == 1;
    if (self->is_by_call)
        return NULL;
    return open_file(self, "process_vm_readv and /proc/self/mem are refused");
}

void pipe_memory_open_foreign(struct pipe_memory *self, int pid)
{
    *self = (struct pipe_memory){.file_fd = -1, .pid = pid, .is_foreign = true, .is_by_call = true};
}

const char *pipe_memory_open_again(struct pipe_memory *self)
{
    if (self->is_foreign)
        return self->is_by_call ? NULL : "process_vm_readv is refused, or the process is gone";
    return self->is_by_call ? NULL : pipe_memory_open(self);
}

void pipe_memory_close(struct pipe_memory *self)
{
    if (self->file_fd >= 0)
        close(self->file_fd);
    self->file_fd = -1;
}

static void read_by_file(struct pipe_memory *self, struct pipe_memory_range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ranges[i].is_read = pread(self->file_fd, ranges[i].to, ranges[i].size,
                                  (off_t)ranges[i].address) == (ssize_t)ranges[i].size;
}

/* Marks the ranges that `n_bytes` cover, and returns how many these are. */
static size_t mark_read(struct pipe_memory_range *ranges, size_t n, ssize_t n_bytes)
{
    size_t i = 0;
    for (ssize_t left = n_bytes; i < n && left >= (ssize_t)ranges[i].size; i++) {
        left -= (ssize_t)ranges[i].size;
        ranges[i].is_read = true;
    }
    return i;
}

/* `n` of each. */
struct vectors {
    struct iovec *to, *from;
};

/* The call stops at the first range that cannot be read: that one is left out, and the rest is
 * asked for again. */
static void read_by_call(struct pipe_memory *self, struct pipe_memory_range *ranges, size_t n,
                         struct vectors vectors)
{
    struct iovec *to = vectors.to, *from = vectors.from;
    for (size_t i = 0; i < n; i++) {
        to[i] = (struct iovec){ranges[i].to, ranges[i].size};
        from[i] = (struct iovec){(void *)ranges[i].address, ranges[i].size};
        ranges[i].is_read = false;
    }
    for (size_t done = 0; done < n;) {
        if (ranges[done].size == 0) { /* often all are: a system call for nothing */
            ranges[done++].is_read = true;
            continue;
        }
        ssize_t n_bytes = process_vm_readv(self->pid, to + done, n - done, from + done, n - done,
                                           0);
        if (n_bytes < 0 && errno != EFAULT) {
            self->is_by_call = false;
            return;
        }
        size_t n_read = mark_read(ranges + done, n - done, n_bytes < 0 ? 0 : n_bytes);
        done += n_read;
        if (done < n)
            done++;
    }
}

static __attribute__((noinline)) void read_few(struct pipe_memory *self,
                                               struct pipe_memory_range *ranges, size_t n)
{
    struct iovec to[FEW], from[FEW];
    read_by_call(self, ranges, n, (struct vectors){to, from});
}

static __attribute__((noinline)) void read_many(struct pipe_memory *self,
                                                struct pipe_memory_range *ranges, size_t n)
{
    struct iovec to[BATCH], from[BATCH];
    for (size_t i = 0; i < n; i += BATCH)
        read_by_call(self, ranges + i, n - i < BATCH ? n - i : BATCH, (struct vectors){to, from});
}

static void read_none(struct pipe_memory_range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ranges[i].is_read = false;
}

void pipe_memory_read(struct pipe_memory *self, struct pipe_memory_range *ranges, size_t n)
{
    if (self->is_by_file)
        read_by_file(self, ranges, n);
    else if (self->is_foreign && !self->is_by_call)
        read_none(ranges, n);
    else if (n <= FEW)
        read_few(self, ranges, n);
    else
        read_many(self, ranges, n);
}

bool pipe_memory_read_one(struct pipe_memory *self, uintptr_t address, void *to, size_t size)
{
    struct pipe_memory_range range = {.address = address, .to = to, .size = (uint32_t)size};
    pipe_memory_read(self, &range, 1);
    return range.is_read;
}
