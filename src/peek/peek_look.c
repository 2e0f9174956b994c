/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_process.h"
#include "queues/pipe_accounts.h"
#include "queues/queue_ages.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VECTOR ((uintptr_t)1 << 20)

/* In contexts of one copy there are only its own sockets, so any socket tells whose it is. */
static struct peek_layout *layout_of(struct peek_process *self, uintptr_t vtable)
{
    for (size_t i = 0; i < self->n_layouts; i++) {
        if (peek_classes_type(&self->layouts[i].classes, vtable) >= 0)
            return &self->layouts[i];
    }
    return NULL;
}

static bool has_classes(const struct peek_process *self, const struct peek_classes *classes)
{
    for (size_t i = 0; i < self->n_layouts; i++) {
        if (self->layouts[i].classes.base == classes->base)
            return true;
    }
    return false;
}

static void keep_layouts(struct peek_process *self)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_layouts; i++) {
        if (peek_classes_check(&self->layouts[i].classes, &self->target))
            self->layouts[n++] = self->layouts[i];
    }
    if (n < self->n_layouts) {
        self->n_insides_changes += self->n_insides > 0;
        self->n_insides = 0; /* those that stay are found once more */
        if (self->ages)
            queue_ages_forget(self->ages); /* another program, or another library */
        n = 0;
    }
    self->n_layouts = n;
}

static void note_inside(struct peek_process *self, const struct peek_mapping *mapping)
{
    struct peek_inside inside;
    if (!self->insides)
        self->insides = calloc(PEEK_MAX_COPIES, sizeof(*self->insides));
    if (!self->insides || self->n_insides == PEEK_MAX_COPIES ||
        !peek_inside_read(&self->target, mapping, &inside))
        return;
    for (size_t i = 0; i < self->n_insides; i++) {
        if (self->insides[i].device == inside.device && self->insides[i].inode == inside.inode)
            return;
    }
    self->insides[self->n_insides++] = inside;
    self->n_insides_changes++;
}

static int find_classes(struct peek_process *self, struct peek_class_files *files,
                        const struct peek_stacks *stacks)
{
    keep_layouts(self);
    for (size_t i = 0; i < stacks->n_objects && self->n_layouts < PEEK_MAX_COPIES; i++) {
        struct peek_layout *layout = &self->layouts[self->n_layouts];
        *layout = (struct peek_layout){.has_socket = false};
        int r = peek_classes_find(files, &self->target, stacks->objects[i], &layout->classes);
        if (r < 0)
            return r;
        bool is_new = r == 0 && !has_classes(self, &layout->classes);
        self->n_layouts += is_new;
        if (is_new)
            note_inside(self, stacks->objects[i]);
    }
    return 0;
}

static bool is_native(struct peek_target *target, const struct peek_stacks *stacks)
{
    for (size_t i = 0; i < target->maps.n && stacks->n_objects == 0; i++) {
        unsigned char identity[EI_NIDENT];
        uintptr_t begin = target->maps.items[i].begin;
        if (target->maps.items[i].offset == 0 && target->maps.items[i].inode != 0 &&
            peek_target_read(target, begin, identity, sizeof(identity)) &&
            memcmp(identity, ELFMAG, SELFMAG) == 0)
            return identity[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32);
    }
    return true;
}

/* A context whose sockets say that it is none is none. Without sockets it may be one. */
static bool is_confirmed(struct peek_process *self, const struct peek_context *context)
{
    uintptr_t vector[2], socket, words[2];
    struct peek_target *target = &self->target;
    if (!peek_target_read(target, context->address + context->sockets, vector, sizeof(vector)) ||
        vector[1] < vector[0] || vector[1] - vector[0] > MAX_VECTOR)
        return false;
    if (vector[0] == vector[1])
        return true;
    return peek_target_read(target, vector[0], &socket, sizeof(socket)) &&
           peek_target_read(target, socket, words, sizeof(words)) && layout_of(self, words[0]) &&
           words[1] == context->address;
}

static void add_context(struct peek_process *self, const struct peek_context *context)
{
    for (size_t i = 0; i < self->n_contexts; i++) {
        if (self->contexts[i].address == context->address)
            return;
    }
    if (self->n_contexts == PEEK_MAX_CONTEXTS || !is_confirmed(self, context))
        return;
    int n_io_threads = -1;
    for (size_t i = 0; i < self->n_layouts && n_io_threads < 0; i++)
        n_io_threads = peek_layout_count_io_threads(&self->layouts[i], &self->target, context);
    self->n_io_threads[self->n_contexts] = n_io_threads;
    self->contexts[self->n_contexts++] = *context;
}

/* Threads that run now show nothing, so what was known and still checks is kept. */
static void take_contexts(struct peek_process *self, const struct peek_stacks *stacks)
{
    struct peek_context former[PEEK_MAX_CONTEXTS];
    size_t n_former = self->n_contexts;
    memcpy(former, self->contexts, sizeof(former));
    self->n_contexts = 0;
    for (size_t i = 0; i < n_former; i++)
        add_context(self, &former[i]);
    for (size_t i = 0; i < stacks->n_contexts; i++)
        add_context(self, &stacks->contexts[i]);
}

static enum peek_reason reason_of(int error)
{
    return error == -EACCES || error == -EPERM ? PEEK_REASON_PERMISSION : PEEK_REASON_CONTEXT;
}

static enum peek_reason find_contexts(struct peek_process *self, struct peek_class_files *files)
{
    struct peek_threads threads;
    struct peek_stacks *stacks = malloc(sizeof(*stacks));
    int r = stacks ? peek_threads_find(self->target.process_fd, &threads) : -ENOMEM;
    if (r < 0) {
        free(stacks);
        self->is_gone = r == -ESRCH;
        return reason_of(r);
    }
    peek_contexts_find(&self->target, &threads, stacks);
    self->is_incomplete = stacks->n_running > 0;
    enum peek_reason reason = PEEK_REASON_NONE;
    self->is_gone = threads.n == 0;
    self->is_without_tap = threads.is_without_tap;
    if (!is_native(&self->target, stacks))
        reason = PEEK_REASON_WORD_SIZE;
    else if (find_classes(self, files, stacks) < 0 ||
             (stacks->n_objects == 0 && self->n_layouts == 0))
        reason = PEEK_REASON_CONTEXT; /* all threads were running, or there is no memory */
    else if (self->n_layouts == 0)
        reason = PEEK_REASON_CLASSES;
    else
        take_contexts(self, stacks);
    if (reason == PEEK_REASON_NONE && self->n_contexts == 0)
        reason = PEEK_REASON_CONTEXT;
    free(stacks);
    return reason;
}

void peek_process_look(struct peek_process *self, struct peek_class_files *files, int procfs_fd)
{
    peek_target_close(&self->target);
    int r = peek_target_open(&self->target, procfs_fd, self->pid, self->start_ticks);
    if (r < 0) {
        self->is_gone = r == -ESRCH;
        self->reason = reason_of(r);
        return;
    }
    self->reason = find_contexts(self, files);
    if (!self->target.memory.is_by_call)
        self->reason = PEEK_REASON_PERMISSION;
    if (!self->reader && pipe_reader_new_foreign(&self->target.memory, &self->reader) < 0)
        self->reason = PEEK_REASON_LIMIT;
}
