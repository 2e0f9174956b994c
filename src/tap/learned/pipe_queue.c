/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/learned/pipe_queue.h"

#include <string.h>

/* A message is queued, replaced and received, twice: only the flag has these values. */
#define N_COPIES 7
static const unsigned char flag_sequence[N_COPIES] = {0, 1, 1, 0, 1, 1, 0};

struct copies {
    unsigned char bytes[N_COPIES][LAB_PIPE_BYTES];
};

void pipe_queue_expect_all(struct pipe_queue_findings *ret_findings)
{
    memset(ret_findings, 0xff, sizeof(*ret_findings));
    ret_findings->vtable = 0;
}

static bool run_sequence(struct pipe_lab *lab, const struct pipe_trial *trial, uintptr_t queue,
                         struct copies *ret_copies)
{
    for (int i = 0; i < N_COPIES; i++) {
        bool is_done = i == 0 ||
                       (flag_sequence[i] ? pipe_lab_send(lab, trial->a, 1, 5 + (size_t)i) == 1
                                         : pipe_lab_receive(lab, trial->b, 1) == 1);
        if (!is_done)
            return false;
        pipe_lab_read(lab, queue, ret_copies->bytes[i], LAB_PIPE_BYTES);
    }
    return true;
}

static bool is_flag(const struct copies *copies, uint32_t offset)
{
    for (int i = 0; i < N_COPIES; i++) {
        if (copies->bytes[i][offset] != flag_sequence[i])
            return false;
    }
    return true;
}

static bool find_flags(const struct copies *copies, struct pipe_offsets *ret)
{
    bool is_found = false;
    for (uint32_t i = 0; i < LAB_PIPE_BYTES; i++) {
        if (is_flag(copies, i)) {
            pipe_offsets_insert(ret, i);
            is_found = true;
        }
    }
    return is_found;
}

static bool is_candidate(const struct pipe_copy *copy, uint32_t out, uint32_t in)
{
    uintptr_t queue = pipe_pointer_at(copy->a, out);
    return out != in && queue != 0 && queue % PIPE_POINTER == 0 &&
           queue == pipe_pointer_at(copy->b, in) &&
           pipe_pointer_at(copy->a, in) == pipe_pointer_at(copy->b, out);
}

static uintptr_t vtable_of(struct pipe_lab *lab, uintptr_t queue)
{
    uintptr_t vtable = 0;
    pipe_memory_read_one(&lab->memory, queue, &vtable, sizeof(vtable));
    return vtable;
}

/* a's out queue is b's in queue, and the other way round, and a's messages show in it. */
static bool find_queues(struct pipe_lab *lab, const struct pipe_trial *trial, struct copies *copies,
                        struct pipe_queue_findings *findings)
{
    struct pipe_queue_findings now = {.vtable = 0};
    const struct pipe_copy *copy = &trial->moved;
    const uint32_t n = LAB_PIPE_BYTES / PIPE_POINTER;
    for (uint32_t i = 0; i < n * n; i++) {
        uint32_t out = i / n * PIPE_POINTER, in = i % n * PIPE_POINTER;
        if (!is_candidate(copy, out, in))
            continue;
        uintptr_t queue = pipe_pointer_at(copy->a, out);
        if (!run_sequence(lab, trial, queue, copies))
            return false;
        if (!find_flags(copies, &now.has_message))
            continue;
        pipe_offsets_insert(&now.out_queue, out);
        pipe_offsets_insert(&now.in_queue, in);
        now.vtable = vtable_of(lab, queue);
    }
    pipe_offsets_intersect(&findings->out_queue, &now.out_queue);
    pipe_offsets_intersect(&findings->in_queue, &now.in_queue);
    pipe_offsets_intersect(&findings->has_message, &now.has_message);
    bool is_same = findings->vtable == 0 || findings->vtable == now.vtable;
    findings->vtable = now.vtable;
    return is_same && now.vtable != 0;
}

const char *pipe_queue_observe(struct pipe_lab *lab, struct pipe_trial *trial, uint32_t vector,
                               struct pipe_queue_findings *findings)
{
    struct copies copies;
    if (!pipe_trial_open(lab, trial) || !pipe_trial_follow_pipes(lab, trial, vector))
        return "calibration: conflating sockets did not connect";
    pipe_trial_copy_pipes(lab, trial, &trial->moved);
    return find_queues(lab, trial, &copies, findings)
               ? NULL
               : "calibration: conflating queue not understood";
}
