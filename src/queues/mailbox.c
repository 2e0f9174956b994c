/* SPDX-License-Identifier: MPL-2.0 */
#include "queues/mailbox.h"

#include "queues/pipe_bytes.h"

#define N_COMMANDS  16u /* in a chunk */
#define CHUNK_BYTES (N_COMMANDS * MAILBOX_COMMAND_BYTES)
#define NEXT_CHUNK  (CHUNK_BYTES + PIPE_POINTER) /* after the one before */
#define MAX_CHUNKS  (MAILBOX_MAX_PIPES / N_COMMANDS)

/* Of yqueue_t, each in a pointer's room: the first command that is not processed, the place after
 * the last one, the end of the last chunk. */
struct queue {
    uintptr_t begin_chunk, back_chunk;
    uint32_t begin, back, end;
};

static struct queue queue_at(const unsigned char *bytes, uint32_t offset)
{
    return (struct queue){
        .begin_chunk = pipe_pointer_at(bytes, offset),
        .begin = pipe_u32_at(bytes, offset + PIPE_POINTER),
        .back_chunk = pipe_pointer_at(bytes, offset + 2 * PIPE_POINTER),
        .back = pipe_u32_at(bytes, offset + 3 * PIPE_POINTER),
        .end = pipe_u32_at(bytes, offset + 5 * PIPE_POINTER),
    };
}

static bool is_queue(const struct queue *queue)
{
    return queue->begin_chunk != 0 && queue->begin_chunk % PIPE_POINTER == 0 &&
           queue->back_chunk != 0 && queue->back_chunk % PIPE_POINTER == 0 &&
           queue->begin < N_COMMANDS && queue->back < N_COMMANDS &&
           queue->end == (queue->back + 1) % N_COMMANDS;
}

static bool is_empty(const struct queue *queue)
{
    return queue->begin_chunk == queue->back_chunk && queue->begin == queue->back;
}

bool mailbox_has_commands(const struct mailbox_layout *layout, const unsigned char *bytes)
{
    struct queue queue = queue_at(bytes, layout->queue);
    return pipe_pointer_at(bytes, 0) == layout->vtable && is_queue(&queue) && !is_empty(&queue);
}

uintptr_t mailbox_first_command(const unsigned char *bytes, uint32_t offset)
{
    struct queue queue = queue_at(bytes, offset);
    if (!is_queue(&queue))
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

static void walk_queue(struct walk *self, const struct queue *queue)
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
    struct queue queue = queue_at(bytes, layout->queue);
    if (is_queue(&queue))
        walk_queue(&walk, &queue);
    return walk.n_pipes;
}
