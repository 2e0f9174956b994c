/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: three batches of reads, each telling the addresses of the next: sessions, the engines'
 * pointers to their entries, the entries. Where in an engine the pointer lies depends on the size
 * of libzmq's options, so it is searched for in the first engine and is the same in all others.
 */
#include "peek/peek_engine.h"

#include "queues/pipe_bytes.h"

#include <string.h>

#define SESSION_BYTES   160u
#define SESSION_PIPE    (2 * PIPE_POINTER) /* after its table of functions and a flag */
#define MIN_POINTER     ((uintptr_t)0x10000)
#define ENGINE_BYTES    4096u
#define ENTRY_BYTES     40u
#define ENTRY_DISTANCE  64u /* between what the entry and the session have of an engine */
#define ENGINE_SEARCHES 8u

struct hop {
    unsigned char session[SESSION_BYTES], entry[ENTRY_BYTES];
    uintptr_t engine, entry_address;
};

/* The reader has one thread. */
static struct hop hops[PEEK_ENGINE_BLOCK];
static struct pipe_memory_range ranges[PEEK_ENGINE_BLOCK];

static void plan(size_t i, uintptr_t address, void *to, size_t size)
{
    bool is_wanted = address >= MIN_POINTER && address % PIPE_POINTER == 0;
    ranges[i] = (struct pipe_memory_range){
        .address = address, .to = to, .size = is_wanted ? (uint32_t)size : 0};
}

static bool has_read(size_t i)
{
    return ranges[i].size > 0 && ranges[i].is_read;
}

/* In a session the pointer to the engine precedes that to the socket. 0: there is none. */
static uintptr_t engine_of(const unsigned char *session, const struct peek_engine_way *way)
{
    if (pipe_pointer_at(session, SESSION_PIPE) != way->peer)
        return 0;
    for (uint32_t i = SESSION_PIPE + 2 * PIPE_POINTER; i < SESSION_BYTES; i += PIPE_POINTER) {
        if (pipe_pointer_at(session, i) == way->socket)
            return pipe_pointer_at(session, i - PIPE_POINTER);
    }
    return 0;
}

/* A descriptor, what epoll(7) is told of it, in which is the entry's own address, and the engine.
 */
static int fd_of(const unsigned char *entry, uintptr_t address, uintptr_t engine)
{
    for (uint32_t i = PIPE_POINTER; i + 2 * PIPE_POINTER <= ENTRY_BYTES; i += PIPE_POINTER) {
        uintptr_t events = pipe_pointer_at(entry, i + PIPE_POINTER);
        if (pipe_pointer_at(entry, i) == address &&
            engine - events + ENTRY_DISTANCE <= 2 * (uintptr_t)ENTRY_DISTANCE)
            return (int)pipe_u32_at(entry, 0);
    }
    return -1;
}

static size_t read_engine(struct peek_target *target, uintptr_t engine, unsigned char *to)
{
    size_t size = ENGINE_BYTES;
    while (size > 0 && !peek_target_read(target, engine, to, size)) {
        size_t last = (engine + size) % PEEK_PAGE, cut = last ? last : PEEK_PAGE;
        size = size > cut ? size - cut : 0;
    }
    return size;
}

static void learn(struct peek_layout *layout, struct peek_target *target, uintptr_t engine)
{
    static unsigned char bytes[ENGINE_BYTES];
    unsigned char entry[ENTRY_BYTES];
    if (layout->entry != 0 || engine == 0 || layout->n_entry_searches == ENGINE_SEARCHES)
        return;
    layout->n_entry_searches++;
    size_t size = read_engine(target, engine, bytes);
    for (uint32_t i = PIPE_POINTER; i + PIPE_POINTER <= size; i += PIPE_POINTER) {
        uintptr_t address = pipe_pointer_at(bytes, i);
        if (address < MIN_POINTER || address % PIPE_POINTER != 0 ||
            !peek_target_read(target, address, entry, sizeof(entry)) ||
            fd_of(entry, address, engine) < 0)
            continue;
        layout->entry = i;
        return;
    }
}

static void find_engines(struct peek_layout *layout, struct peek_target *target,
                         const struct peek_engine_way *ways, size_t n)
{
    for (size_t i = 0; i < n; i++)
        plan(i, ways[i].session, hops[i].session, SESSION_BYTES);
    pipe_memory_read(&target->memory, ranges, n);
    for (size_t i = 0; i < n; i++) {
        hops[i].engine = has_read(i) ? engine_of(hops[i].session, &ways[i]) : 0;
        learn(layout, target, hops[i].engine);
    }
}

void peek_engine_find(struct peek_layout *layout, struct peek_target *target,
                      struct peek_engine_way *ways, size_t n)
{
    find_engines(layout, target, ways, n);
    for (size_t i = 0; i < n; i++) {
        hops[i].entry_address = 0;
        plan(i, layout->entry ? hops[i].engine + layout->entry : 0, &hops[i].entry_address,
             sizeof(hops[i].entry_address));
    }
    pipe_memory_read(&target->memory, ranges, n);
    for (size_t i = 0; i < n; i++)
        plan(i, has_read(i) ? hops[i].entry_address : 0, hops[i].entry, ENTRY_BYTES);
    pipe_memory_read(&target->memory, ranges, n);
    for (size_t i = 0; i < n; i++)
        ways[i].fd = has_read(i) ? fd_of(hops[i].entry, hops[i].entry_address, hops[i].engine) : -1;
}
