/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/learned/pipe_trial.h"

#include <zmq.h>

#define FULL_LIMIT   128 /* messages that are tried before a queue counts as never full */
#define MESSAGE_SIZE 5
#define MAX_VECTOR   (1u << 20)
#define MAX_VECTORS  32

int pipe_trial_in_limit(const struct pipe_trial *self)
{
    return self->hwms[1] + self->hwms[2];
}

int pipe_trial_out_limit(const struct pipe_trial *self)
{
    return self->hwms[0] + self->hwms[3];
}

uint64_t pipe_trial_reported(int n_received, int limit)
{
    int low = (limit + 1) / 2;
    return (uint64_t)(n_received / low * low);
}

bool pipe_trial_open(struct pipe_lab *lab, struct pipe_trial *self)
{
    self->a = pipe_lab_socket(lab, self->type_a, self->hwms[0], self->hwms[1]);
    self->b = pipe_lab_socket(lab, self->type_b, self->hwms[2], self->hwms[3]);
    if (!self->a || !self->b)
        return false;
    if (self->is_conflating && !(pipe_lab_set(lab, self->a, ZMQ_CONFLATE, 1) &&
                                 pipe_lab_set(lab, self->b, ZMQ_CONFLATE, 1)))
        return false;
    return pipe_lab_connect(lab, self->a, self->b, self->is_connect_first);
}

void pipe_trial_close(struct pipe_lab *lab, struct pipe_trial *self)
{
    pipe_lab_close_socket(lab, &self->a);
    pipe_lab_close_socket(lab, &self->b);
}

struct candidate {
    uint32_t offset;
    uintptr_t pipe;
};

/* Vectors of one pointer in the socket object. */
static size_t find_vectors(struct pipe_lab *lab, const void *socket,
                           struct candidate ret[MAX_VECTORS])
{
    static unsigned char object[LAB_OBJECT_SIZE];
    pipe_lab_read(lab, (uintptr_t)socket, object, sizeof(object));
    size_t n = 0;
    for (uint32_t i = 0; i + 3 * PIPE_POINTER <= sizeof(object) && n < MAX_VECTORS;
         i += PIPE_POINTER) {
        uintptr_t begin = pipe_pointer_at(object, i),
                  end = pipe_pointer_at(object, i + PIPE_POINTER),
                  limit = pipe_pointer_at(object, i + 2 * PIPE_POINTER), pipe;
        if (begin == 0 || begin % PIPE_POINTER != 0 || end != begin + PIPE_POINTER || limit < end ||
            limit - begin > MAX_VECTOR)
            continue;
        if (pipe_memory_read_one(&lab->memory, begin, &pipe, sizeof(pipe)) && pipe != 0)
            ret[n++] = (struct candidate){i, pipe};
    }
    return n;
}

typedef bool (*is_it_fn)(const unsigned char *bytes, uint32_t offset, uint64_t expected);

static struct pipe_offsets find_offsets(const struct pipe_copy *copy, uint32_t step, is_it_fn is_it,
                                        const uint64_t expected[2])
{
    struct pipe_offsets found = {{0}};
    for (uint32_t i = 0; i + sizeof(uint64_t) <= LAB_PIPE_BYTES; i += step) {
        if (is_it(copy->a, i, expected[0]) && is_it(copy->b, i, expected[1]))
            pipe_offsets_insert(&found, i);
    }
    return found;
}

static bool is_u32(const unsigned char *bytes, uint32_t offset, uint64_t expected)
{
    return pipe_u32_at(bytes, offset) == expected;
}

static bool is_u64(const unsigned char *bytes, uint32_t offset, uint64_t expected)
{
    return pipe_u64_at(bytes, offset) == expected;
}

static bool is_pointer(const unsigned char *bytes, uint32_t offset, uint64_t expected)
{
    return pipe_pointer_at(bytes, offset) == expected;
}

struct pipe_offsets pipe_copy_find_u32(const struct pipe_copy *self, uint64_t in_a, uint64_t in_b)
{
    return find_offsets(self, 4, is_u32, (uint64_t[]){in_a, in_b});
}

struct pipe_offsets pipe_copy_find_u64(const struct pipe_copy *self, uint64_t in_a, uint64_t in_b)
{
    return find_offsets(self, 4, is_u64, (uint64_t[]){in_a, in_b});
}

struct pipe_offsets pipe_copy_find_pointer(const struct pipe_copy *self, uintptr_t in_a,
                                           uintptr_t in_b)
{
    return find_offsets(self, PIPE_POINTER, is_pointer, (uint64_t[]){in_a, in_b});
}

static bool are_mutual(struct pipe_lab *lab, uintptr_t pipe_a, uintptr_t pipe_b)
{
    struct pipe_copy copy;
    pipe_lab_read(lab, pipe_a, copy.a, sizeof(copy.a));
    pipe_lab_read(lab, pipe_b, copy.b, sizeof(copy.b));
    struct pipe_offsets peers = pipe_copy_find_pointer(&copy, pipe_b, pipe_a);
    for (uint32_t i = 0; i < LAB_PIPE_BYTES; i++) {
        if (pipe_offsets_has(&peers, i))
            return true;
    }
    return false;
}

bool pipe_trial_find_pipes(struct pipe_lab *lab, struct pipe_trial *self, uint32_t *ret_vector)
{
    struct candidate in_a[MAX_VECTORS], in_b[MAX_VECTORS];
    size_t n_a = find_vectors(lab, self->a, in_a), n_b = find_vectors(lab, self->b, in_b);
    int n_found = 0;
    for (size_t i = 0; i < n_a * n_b; i++) {
        const struct candidate *a = &in_a[i / n_b], *b = &in_b[i % n_b];
        if (a->offset != b->offset || !are_mutual(lab, a->pipe, b->pipe))
            continue;
        *ret_vector = a->offset;
        self->pipe_a = a->pipe;
        self->pipe_b = b->pipe;
        n_found++;
    }
    return n_found == 1;
}

static bool read_only_pipe(struct pipe_lab *lab, const void *socket, uint32_t offset,
                           uintptr_t *ret_pipe)
{
    uintptr_t vector[2];
    return pipe_memory_read_one(&lab->memory, (uintptr_t)socket + offset, vector, sizeof(vector)) &&
           vector[1] - vector[0] == PIPE_POINTER &&
           pipe_memory_read_one(&lab->memory, vector[0], ret_pipe, sizeof(*ret_pipe));
}

bool pipe_trial_follow_pipes(struct pipe_lab *lab, struct pipe_trial *self, uint32_t vector)
{
    return read_only_pipe(lab, self->a, vector, &self->pipe_a) &&
           read_only_pipe(lab, self->b, vector, &self->pipe_b) &&
           are_mutual(lab, self->pipe_a, self->pipe_b);
}

void pipe_trial_copy_pipes(struct pipe_lab *lab, const struct pipe_trial *self,
                           struct pipe_copy *ret_copy)
{
    pipe_lab_read(lab, self->pipe_a, ret_copy->a, sizeof(ret_copy->a));
    pipe_lab_read(lab, self->pipe_b, ret_copy->b, sizeof(ret_copy->b));
}

bool pipe_trial_move(struct pipe_lab *lab, struct pipe_trial *self)
{
    if (pipe_lab_send(lab, self->a, self->n_sent_by_a, MESSAGE_SIZE) != self->n_sent_by_a)
        return false;
    pipe_lab_process_commands(lab, self->b);
    if (pipe_lab_receive(lab, self->b, self->n_received_by_b) != self->n_received_by_b ||
        pipe_lab_send(lab, self->b, self->n_sent_by_b, MESSAGE_SIZE) != self->n_sent_by_b)
        return false;
    pipe_lab_process_commands(lab, self->a);
    if (pipe_lab_receive(lab, self->a, self->n_received_by_a) != self->n_received_by_a)
        return false;
    pipe_lab_process_commands(lab, self->b);
    pipe_lab_process_commands(lab, self->a);
    pipe_trial_copy_pipes(lab, self, &self->moved);
    return true;
}

bool pipe_trial_fill(struct pipe_lab *lab, struct pipe_trial *self)
{
    int limit = pipe_trial_out_limit(self);
    int held = self->n_sent_by_a - (int)pipe_trial_reported(self->n_received_by_b, limit);
    if (pipe_lab_send(lab, self->a, FULL_LIMIT, MESSAGE_SIZE) != limit - held)
        return false;
    pipe_trial_copy_pipes(lab, self, &self->full);
    return true;
}

static bool find_waiting(const struct pipe_trial *self, struct pipe_offsets *ret)
{
    bool is_found = false;
    *ret = (struct pipe_offsets){{0}};
    for (uint32_t i = 0; i < LAB_PIPE_BYTES; i += 4) {
        if (pipe_u32_at(self->full.a, i) == PIPE_STATE_ACTIVE &&
            pipe_u32_at(self->ended.a, i) == PIPE_STATE_WAITING) {
            pipe_offsets_insert(ret, i);
            is_found = true;
        }
    }
    return is_found;
}

bool pipe_trial_end(struct pipe_lab *lab, struct pipe_trial *self, struct pipe_offsets *ret_state)
{
    int64_t deadline_ms = pipe_lab_now_ms() + LAB_PATIENCE_MS;
    pipe_lab_close_socket(lab, &self->b);
    do {
        pipe_lab_process_commands(lab, self->a);
        pipe_lab_read(lab, self->pipe_a, self->ended.a, sizeof(self->ended.a));
        if (find_waiting(self, ret_state))
            return true;
    } while (pipe_lab_await(lab, self->a, deadline_ms));
    return false;
}
