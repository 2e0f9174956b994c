/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whatever lies in another process's memory, and changes while it is read: the ways from threads'
 * stacks to contexts, from a context to its sockets, from these to pipes, queues and texts.
 *
 * The memory is made by words of five bytes: where, what kind of value, which one; 0xff as the kind
 * puts off what follows until so many reads are done. process_vm_readv(2) is the one below.
 */
#include "peek/peek_process.h"
#include "queues/queue_ages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE        ((uintptr_t)0x100000)
#define MEMORY_SIZE ((size_t)0x10000)
#define ABSENT      0x9000                /* a page that nobody has touched */
#define CODE        ((uintptr_t)0x800000) /* where virtual tables point to, 16 bytes for a class */
#define N_PAGES     (CODE / 4096)
#define N_PASSES    3
#define MAX_READS   200000u /* by one input: more is a loop without end */
#define WORD        5u
#define PUT_OFF     0xff

static unsigned char memory[MEMORY_SIZE];
static const uint8_t *words, *words_end;
static uint64_t n_reads, next_change;
static int pagemap_fd = -1, process_fd = -1;

static uint64_t value_of(uint8_t kind, uint16_t number)
{
    switch (kind % 8) {
    case 0:
        return BASE + number;
    case 1:
        return CODE + 16u * (number % PEEK_N_CLASSES);
    case 2:
        return number % 2 ? PEEK_SOCKET_CLOSED : PEEK_SOCKET_LIVE;
    case 3:
        return UINT32_C(0xabadcafe);
    case 4:
        return number;
    case 5:
        return (uint64_t)0 - number;
    case 6:
        return (uint64_t)number << 32 | number;
    default:
        return (uint64_t)number << 48;
    }
}

static void change(void)
{
    while (words_end - words >= (ptrdiff_t)WORD) {
        uint16_t place = (uint16_t)(words[0] | words[1] << 8);
        uint16_t number = (uint16_t)(words[3] | words[4] << 8);
        uint8_t kind = words[2];
        words += WORD;
        if (kind == PUT_OFF) {
            next_change = n_reads + number % 256;
            return;
        }
        uint64_t value = value_of(kind, number);
        size_t size = kind & 8 ? 4 : 8;
        if (place + size <= MEMORY_SIZE)
            memcpy(memory + place, &value, size);
    }
    next_change = UINT64_MAX;
}

static bool copy(const struct iovec *to, const struct iovec *from)
{
    uintptr_t begin = (uintptr_t)from->iov_base;
    if (begin < BASE || begin > BASE + MEMORY_SIZE || from->iov_len > BASE + MEMORY_SIZE - begin)
        return false;
    memcpy(to->iov_base, memory + (begin - BASE), from->iov_len);
    return true;
}

/* In place of the C library's. As the kernel's, it stops at what is not there. */
ssize_t process_vm_readv(pid_t pid, const struct iovec *to, unsigned long n_to,
                         const struct iovec *from, unsigned long n_from, unsigned long flags)
{
    ssize_t n_bytes = 0;
    (void)pid;
    (void)n_from;
    (void)flags;
    if (n_reads++ >= next_change)
        change();
    if (n_reads > MAX_READS)
        abort();
    for (unsigned long i = 0; i < n_to; i++) {
        if (from[i].iov_len > 0 && !copy(&to[i], &from[i])) {
            errno = EFAULT;
            return n_bytes > 0 ? n_bytes : -1;
        }
        n_bytes += (ssize_t)from[i].iov_len;
    }
    return n_bytes;
}

/* All pages of the memory are there but one. */
static void make_pagemap(void)
{
    uint64_t present = UINT64_C(1) << 63;
    pagemap_fd = memfd_create("pagemap", MFD_CLOEXEC);
    if (pagemap_fd < 0 || ftruncate(pagemap_fd, (off_t)(N_PAGES * sizeof(present))) < 0)
        abort();
    for (uintptr_t page = BASE / 4096; page < (BASE + MEMORY_SIZE) / 4096; page++) {
        bool is_there = page != (BASE + ABSENT) / 4096;
        if (is_there &&
            pwrite(pagemap_fd, &present, sizeof(present), (off_t)(page * sizeof(present))) < 0)
            abort();
    }
    process_fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void fill_target(struct peek_target *target, struct peek_mapping *mappings)
{
    mappings[0] = (struct peek_mapping){.begin = BASE - 4096, .end = BASE};
    mappings[1] = (struct peek_mapping){
        .begin = BASE, .end = BASE + MEMORY_SIZE, .is_readable = true, .is_writable = true};
    mappings[2] = (struct peek_mapping){
        .begin = CODE, .end = CODE + 4096, .inode = 1, .is_readable = true, .is_executable = true};
    *target = (struct peek_target){.pid = getpid(),
                                   .process_fd = process_fd,
                                   .pagemap_fd = pagemap_fd,
                                   .page_size = 4096,
                                   .maps = {.items = mappings, .n = 3}};
    pipe_memory_open_foreign(&target->memory, target->pid);
}

static void check(const struct peek_process *process)
{
    if (process->n_sockets > 2 * PEEK_MAX_SOCKETS)
        abort();
    for (size_t i = 0; i < process->n_sockets; i++) {
        const struct peek_socket *socket = &process->sockets[i];
        bool is_known = socket->layout == &process->layouts[0] && socket->type >= 0 &&
                        socket->type < PEEK_N_SOCKET_CLASSES;
        if (!is_known || !memchr(socket->endpoint, '\0', sizeof(socket->endpoint)))
            abort();
        /* What passes for a queue holds no more than can be counted. */
        if (socket->is_valid && (socket->sample.send_fullest > UINT64_C(1000000000) &&
                                 socket->sample.send_fullest != PIPE_UNKNOWN))
            abort();
    }
}

static void find_contexts(struct peek_process *process)
{
    static struct peek_stacks stacks;
    const struct peek_threads threads = {.ids = {0}, .n = 1}; /* that shows no stack pointer */
    peek_contexts_find(&process->target, &threads, &stacks);
    process->n_contexts = stacks.n_contexts;
    memcpy(process->contexts, stacks.contexts, sizeof(process->contexts));
    for (size_t i = 0; i < stacks.n_contexts; i++)
        process->n_io_threads[i] = peek_layout_count_io_threads(
            &process->layouts[0], &process->target, &process->contexts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peek_mapping mappings[3];
    struct peek_process *process;
    if (pagemap_fd < 0)
        make_pagemap();
    memset(memory, 0, sizeof(memory));
    words = data;
    words_end = data + size;
    n_reads = 0;
    change();
    if (peek_process_new(getpid(), 1, &process) < 0)
        return 0;
    fill_target(&process->target, mappings);
    for (unsigned i = 0; i < PEEK_N_CLASSES; i++)
        process->layouts[0].classes.vtables[i] = CODE + 16 * i;
    process->n_layouts = 1;
    find_contexts(process);
    if (pipe_reader_new_foreign(&process->target.memory, &process->reader) == 0) {
        for (int i = 0; i < N_PASSES; i++) {
            peek_process_sample(process);
            check(process);
        }
    }
    process->target = PEEK_TARGET_NONE; /* it owns none of it */
    peek_process_destroy(&process);
    return 0;
}
