/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_contexts.h"

#include "queues/pipe_bytes.h"

#include <stdlib.h>
#include <string.h>

#define CONTEXT_TAG   UINT32_C(0xabadcafe)
#define CONTEXT_BYTES 384u /* in which the tag and the vector lie */
#define FRAME_BYTES   4096u
#define END_BYTES     8192u /* of a stack, where struct pthread is */
#define OBJECT_BEFORE 64u   /* a pointer may be to the middle of an object */
#define OBJECT_BYTES  320u
#define MAX_STEPS     2u
#define MAX_POINTERS  4096u /* of one thread, in one step */
#define MAX_STACKS    128u  /* whose ends are looked at where threads run */
#define MAX_VECTOR    ((uintptr_t)1 << 20)
#define SEEN_SLOTS    16384u /* a power of two */

struct pointers {
    uintptr_t items[MAX_POINTERS];
    size_t n;
};

struct finder {
    struct peek_target *target;
    struct peek_stacks *stacks;
    struct pointers now, next;
    uintptr_t seen[SEEN_SLOTS]; /* 0: free */
    size_t n_seen;
};

/* Whether the address was not visited yet. False when the table is full. */
static bool is_new(struct finder *self, uintptr_t address)
{
    size_t i = (size_t)((uint64_t)(address >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 40);
    if (self->n_seen >= SEEN_SLOTS / 2) {
        self->stacks->is_too_many = true;
        return false;
    }
    for (;; i++) {
        uintptr_t *slot = &self->seen[i % SEEN_SLOTS];
        if (*slot == address)
            return false;
        if (*slot == 0) {
            *slot = address;
            self->n_seen++;
            return true;
        }
    }
}

static void append(struct finder *self, struct pointers *pointers, uintptr_t address)
{
    if (address % PIPE_POINTER != 0 ||
        !peek_mapping_is_data(peek_maps_find(&self->target->maps, address)) ||
        !is_new(self, address))
        return;
    if (pointers->n < MAX_POINTERS)
        pointers->items[pointers->n++] = address;
    else
        self->stacks->is_too_many = true;
}

static bool is_vector(const unsigned char *bytes)
{
    uintptr_t begin = pipe_pointer_at(bytes, 0), end = pipe_pointer_at(bytes, PIPE_POINTER),
              limit = pipe_pointer_at(bytes, 2 * PIPE_POINTER);
    return begin <= end && end <= limit && limit - begin <= MAX_VECTOR &&
           begin % PIPE_POINTER == 0 && (end - begin) % PIPE_POINTER == 0;
}

static void enter_context(struct finder *self, uintptr_t address, uint32_t sockets)
{
    struct peek_stacks *stacks = self->stacks;
    for (size_t i = 0; i < stacks->n_contexts; i++) {
        if (stacks->contexts[i].address == address)
            return;
    }
    if (stacks->n_contexts < PEEK_MAX_CONTEXTS)
        stacks->contexts[stacks->n_contexts++] = (struct peek_context){address, sockets};
    else
        stacks->is_too_many = true;
}

static void try_context(struct finder *self, uintptr_t address)
{
    unsigned char bytes[CONTEXT_BYTES];
    if (!peek_target_read(self->target, address, bytes, sizeof(bytes)))
        return;
    for (uint32_t i = 0; i + 4 * PIPE_POINTER <= sizeof(bytes); i += PIPE_POINTER) {
        if (pipe_u32_at(bytes, i) == CONTEXT_TAG && is_vector(bytes + i + PIPE_POINTER))
            enter_context(self, address, i + PIPE_POINTER);
    }
}

/* Looks at what the pointers point to: each may be a context, or lead to one. */
static void step(struct finder *self)
{
    self->next.n = 0;
    for (size_t i = 0; i < self->now.n; i++) {
        unsigned char bytes[OBJECT_BYTES];
        uintptr_t address = self->now.items[i];
        try_context(self, address);
        address -= OBJECT_BEFORE;
        if (!peek_target_read(self->target, address, bytes, sizeof(bytes)))
            continue;
        for (uint32_t j = 0; j < sizeof(bytes); j += PIPE_POINTER)
            append(self, &self->next, pipe_pointer_at(bytes, j));
    }
    self->now = self->next;
}

static void enter_object(struct peek_stacks *stacks, const struct peek_mapping *mapping)
{
    for (size_t i = 0; i < stacks->n_objects; i++) {
        if (peek_mapping_is_same_file(stacks->objects[i], mapping))
            return;
    }
    if (stacks->n_objects < PEEK_MAX_OBJECTS)
        stacks->objects[stacks->n_objects++] = mapping;
    else
        stacks->is_too_many = true;
}

static void scan_words(struct finder *self, uintptr_t begin, uintptr_t end)
{
    unsigned char bytes[END_BYTES];
    begin -= begin % PIPE_POINTER;
    if (end - begin > sizeof(bytes) || !peek_target_read(self->target, begin, bytes, end - begin))
        return;
    for (uint32_t i = 0; i + PIPE_POINTER <= end - begin; i += PIPE_POINTER) {
        uintptr_t word = pipe_pointer_at(bytes, i);
        const struct peek_mapping *mapping = peek_maps_find(&self->target->maps, word);
        if (mapping && mapping->is_executable && mapping->inode != 0)
            enter_object(self->stacks, mapping);
        else
            append(self, &self->now, word);
    }
}

/* Page by page: the oldest frames of a stack may never have been touched. */
static void look_at_end(struct finder *self, const struct peek_mapping *stack)
{
    uintptr_t size = stack->end - stack->begin;
    for (uintptr_t back = size < END_BYTES ? size : END_BYTES; back >= PEEK_PAGE; back -= PEEK_PAGE)
        scan_words(self, stack->end - back, stack->end - back + PEEK_PAGE);
}

static void look_at_stack(struct finder *self, uintptr_t stack_pointer)
{
    const struct peek_mapping *stack = peek_maps_find(&self->target->maps, stack_pointer);
    if (!stack || !peek_mapping_is_data(stack))
        return;
    uintptr_t left = stack->end - stack_pointer;
    scan_words(self, stack_pointer, stack_pointer + (left < FRAME_BYTES ? left : FRAME_BYTES));
    look_at_end(self, stack);
}

static void begin_thread(struct finder *self)
{
    memset(self->seen, 0, sizeof(self->seen)); /* another thread did not go all the way */
    self->n_seen = 0;
    self->now.n = 0;
}

/* A thread that runs shows no stack pointer, but its stack has its end where all have it: after a
 * page that nobody may touch comes memory of no file. */
static void look_at_all_ends(struct finder *self)
{
    const struct peek_maps *maps = &self->target->maps;
    for (size_t i = 1, n = 0; i < maps->n && n < MAX_STACKS; i++) {
        const struct peek_mapping *stack = &maps->items[i], *guard = &maps->items[i - 1];
        if (!peek_mapping_is_data(stack) || stack->inode != 0 || guard->end != stack->begin ||
            guard->is_readable || guard->is_writable || guard->is_executable)
            continue;
        n++;
        begin_thread(self);
        look_at_end(self, stack);
        for (unsigned j = 0; j < MAX_STEPS; j++)
            step(self);
    }
}

void peek_contexts_find(struct peek_target *target, const struct peek_threads *threads,
                        struct peek_stacks *ret_stacks)
{
    *ret_stacks = (struct peek_stacks){.n_contexts = 0};
    struct finder *self = calloc(1, sizeof(*self));
    if (!self)
        return;
    self->target = target;
    self->stacks = ret_stacks;
    for (size_t i = 0; i < threads->n; i++) {
        uintptr_t pointer = peek_threads_stack_pointer(target->process_fd, threads->ids[i]);
        ret_stacks->n_running += pointer == 0;
        if (pointer == 0)
            continue;
        begin_thread(self);
        look_at_stack(self, pointer);
        for (unsigned j = 0; j < MAX_STEPS; j++)
            step(self);
    }
    if (ret_stacks->n_running > 0)
        look_at_all_ends(self);
    free(self);
}
