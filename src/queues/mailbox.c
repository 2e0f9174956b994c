/* SPDX-License-Identifier: MPL-2.0 */
#include "queues/mailbox.h"

#include "queues/yqueue.h"

#define N_COMMANDS  16u /* in a chunk */
#define CHUNK_BYTES (N_COMMANDS * MAILBOX_COMMAND_BYTES)
#define NEXT_CHUNK  (CHUNK_BYTES + PIPE_POINTER) /* after the one before */
#define MAX_CHUNKS  (MAILBOX_MAX_PIPES / N_COMMANDS)

bool mailbox_has_commands(const struct mailbox_layout *layout, const unsigned char *bytes)
{
    struct yqueue queue = yqueue_at(bytes, layout->queue);
    return pipe_pointer_at(bytes, 0) == layout->vtable && yqueue_is_valid(&queue, N_COMMANDS) &&
           !yqueue_is_empty(&queue);
}

uintptr_t mailbox_first_command(const unsigned char *bytes, uint32_t offset)
{
    struct yqueue queue = yqueue_at(bytes, offset);
    if (!yqueue_is_valid(&queue, N_COMMANDS))
        return 0;
    return queue.begin_chunk + (uintptr_t)queue.begin * MAILBOX_COMMAND_BYTES;
}

struct walk {
    struct pipe_memory *memory;
    const struct mailbox_layout *layout;
    uintptr_t socket;
    uintptr_t *pipes; /* MAILBOX_MAX_PIPES */
    size_t n_pipes;
    unsigned char chunk[CHUNK_BYTES + 2 * PIPE_POINTER];
};

static void walk_chunk(struct walk *self, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        const unsigned char *command = self->chunk + (size_t)i * MAILBOX_COMMAND_BYTES;
        if (pipe_pointer_at(command, 0) == self->socket &&
            pipe_u32_at(command, PIPE_POINTER) == self->layout->bind)
            self->pipes[self->n_pipes++] = pipe_pointer_at(command, self->layout->pipe);
    }
}

static void walk_queue(struct walk *self, const struct yqueue *queue)
{
    uintptr_t chunk = queue->begin_chunk;
    uint32_t begin = queue->begin;
    for (uint32_t i = 0; i < MAX_CHUNKS && chunk != 0; i++) {
        if (!pipe_memory_read_one(self->memory, chunk, self->chunk, sizeof(self->chunk)))
            return;
        bool is_last = chunk == queue->back_chunk;
        walk_chunk(self, begin, is_last ? queue->back : N_COMMANDS);
        if (is_last)
            return;
        chunk = pipe_pointer_at(self->chunk, NEXT_CHUNK);
        begin = 0;
    }
}

size_t mailbox_find_pipes(struct pipe_memory *memory, const struct mailbox_layout *layout,
                          const unsigned char *bytes, uintptr_t socket,
                          uintptr_t ret_pipes[MAILBOX_MAX_PIPES])
{
    struct walk walk = {.memory = memory, .layout = layout, .socket = socket, .pipes = ret_pipes};
    struct yqueue queue = yqueue_at(bytes, layout->queue);
    if (yqueue_is_valid(&queue, N_COMMANDS))
        walk_queue(&walk, &queue);
    return walk.n_pipes;
}
