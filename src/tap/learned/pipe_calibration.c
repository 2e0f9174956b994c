/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: two sockets of the lab are connected, a known number of messages moves each way, and
 * both pipes between them are copied at each step: when the messages have moved, when one queue
 * is full, when the other socket is gone. A field can lie only where both copies hold what that
 * field must hold at that step: two different, telling numbers at the same offset. This is done
 * with several pairs, of other types, connected the other way round, with other numbers; each is
 * the proof of those before it. In the end one place must be left for every field, or the layout
 * is not known.
 *
 * The vector of pipes lies in the class that all socket types derive from, so its offset holds
 * for all of them; PAIR, on which it is found, has no second vector that could be mistaken.
 */
#include "tap/learned/pipe_calibration.h"

#include "tap/learned/mailbox_calibration.h"
#include "tap/learned/pipe_queue.h"
#include "tap/learned/pipe_trial.h"
#include "tap/learned/publish_layout.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define MAX_RETRIES 2

struct findings {
    struct pipe_offsets context, peer, sink, state, is_writable;
    struct pipe_offsets hwm, lwm, n_read, n_written, n_read_by_peer;
    struct pipe_queue_findings queue;
    uint32_t vector;
    uintptr_t vtable; /* 0: not known yet */
};

/* A sink is the part of a socket that a pipe reports to: the same distance from each socket. */
static struct pipe_offsets find_sink(const struct pipe_trial *trial)
{
    struct pipe_offsets found = {{0}};
    for (uint32_t i = 0; i < LAB_PIPE_BYTES; i += PIPE_POINTER) {
        uintptr_t distance = pipe_pointer_at(trial->moved.a, i) - (uintptr_t)trial->a;
        if (distance < LAB_OBJECT_SIZE &&
            distance == pipe_pointer_at(trial->moved.b, i) - (uintptr_t)trial->b)
            pipe_offsets_insert(&found, i);
    }
    return found;
}

/* Bytes that fell from 1 to 0 when the queue was found full. */
static struct pipe_offsets find_is_writable(const struct pipe_trial *trial)
{
    struct pipe_offsets found = {{0}};
    for (uint32_t i = 0; i < LAB_PIPE_BYTES; i++) {
        if (trial->moved.a[i] == 1 && trial->full.a[i] == 0)
            pipe_offsets_insert(&found, i);
    }
    return found;
}

static void intersect(struct pipe_offsets *findings, struct pipe_offsets now)
{
    pipe_offsets_intersect(findings, &now);
}

/* False if these pipes are of another class than those before. */
static bool observe_trial(const struct pipe_lab *lab, const struct pipe_trial *trial,
                          struct findings *findings)
{
    const struct pipe_copy *copy = &trial->moved;
    int in = pipe_trial_in_limit(trial), out = pipe_trial_out_limit(trial);
    uintptr_t context = (uintptr_t)lab->context;
    intersect(&findings->context, pipe_copy_find_pointer(copy, context, context));
    intersect(&findings->peer, pipe_copy_find_pointer(copy, trial->pipe_b, trial->pipe_a));
    intersect(&findings->sink, find_sink(trial));
    intersect(&findings->is_writable, find_is_writable(trial));
    intersect(&findings->hwm, pipe_copy_find_u32(copy, (uint64_t)out, (uint64_t)in));
    intersect(&findings->lwm,
              pipe_copy_find_u32(copy, (uint64_t)(in + 1) / 2, (uint64_t)(out + 1) / 2));
    intersect(&findings->n_read, pipe_copy_find_u64(copy, (uint64_t)trial->n_received_by_a,
                                                    (uint64_t)trial->n_received_by_b));
    intersect(&findings->n_written,
              pipe_copy_find_u64(copy, (uint64_t)trial->n_sent_by_a, (uint64_t)trial->n_sent_by_b));
    intersect(&findings->n_read_by_peer,
              pipe_copy_find_u64(copy, pipe_trial_reported(trial->n_received_by_b, out),
                                 pipe_trial_reported(trial->n_received_by_a, in)));
    uintptr_t vtable = pipe_pointer_at(copy->a, 0);
    bool is_same = vtable == pipe_pointer_at(copy->b, 0) &&
                   (findings->vtable == 0 || findings->vtable == vtable);
    findings->vtable = vtable;
    return is_same;
}

/* An object's owner is the slot of a socket or thread: the same number, at the same place, in a
 * socket and its pipe, and another for the other socket. It follows the context's pointer, which
 * is among the first words. */
static bool has_owner(struct pipe_lab *lab, const struct pipe_trial *trial, uint32_t context)
{
    struct pipe_copy sockets;
    uint32_t owner = context + PIPE_POINTER;
    pipe_lab_read(lab, (uintptr_t)trial->a, sockets.a, sizeof(sockets.a));
    pipe_lab_read(lab, (uintptr_t)trial->b, sockets.b, sizeof(sockets.b));
    uint32_t owner_a = pipe_u32_at(sockets.a, owner), owner_b = pipe_u32_at(sockets.b, owner);
    return pipe_pointer_at(sockets.a, context) == (uintptr_t)lab->context &&
           pipe_pointer_at(sockets.b, context) == (uintptr_t)lab->context && owner_a != owner_b &&
           pipe_u32_at(trial->moved.a, owner) == owner_a &&
           pipe_u32_at(trial->moved.b, owner) == owner_b;
}

static const char *run_trial(struct pipe_lab *lab, struct pipe_trial *trial, bool is_first,
                             struct findings *findings)
{
    if (!pipe_trial_open(lab, trial))
        return "calibration: sockets did not connect";
    if (!(is_first ? pipe_trial_find_pipes(lab, trial, &findings->vector)
                   : pipe_trial_follow_pipes(lab, trial, findings->vector)))
        return "calibration: no pipes found";
    if (!pipe_trial_move(lab, trial) || !pipe_trial_fill(lab, trial))
        return "calibration: messages did not move as expected";
    bool is_understood = observe_trial(lab, trial, findings) && has_owner(lab, trial, PIPE_POINTER);
    struct pipe_offsets state;
    if (!pipe_trial_end(lab, trial, &state))
        return "calibration: the end of a peer was not seen";
    intersect(&findings->state, state);
    return is_understood ? NULL : "calibration: no pipes of a known kind";
}

static bool set_layout(const struct findings *findings, struct pipe_layout *ret)
{
    const struct {
        const struct pipe_offsets *from;
        uint32_t *to, size;
    } fields[] = {
        {&findings->context, &ret->context, PIPE_POINTER},
        {&findings->peer, &ret->peer, PIPE_POINTER},
        {&findings->sink, &ret->sink, PIPE_POINTER},
        {&findings->state, &ret->state, 4},
        {&findings->is_writable, &ret->is_writable, 1},
        {&findings->hwm, &ret->hwm, 4},
        {&findings->lwm, &ret->lwm, 4},
        {&findings->n_read, &ret->n_read, 8},
        {&findings->n_written, &ret->n_written, 8},
        {&findings->n_read_by_peer, &ret->n_read_by_peer, 8},
        {&findings->queue.out_queue, &ret->out_queue, PIPE_POINTER},
        {&findings->queue.in_queue, &ret->in_queue, PIPE_POINTER},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        *fields[i].to = pipe_offsets_single(fields[i].from);
        if (*fields[i].to == PIPE_NOT_FOUND)
            return false;
        if (*fields[i].to + fields[i].size > ret->pipe_size)
            ret->pipe_size = *fields[i].to + fields[i].size;
    }
    ret->owner = ret->context + PIPE_POINTER;
    ret->pipes = findings->vector;
    ret->pipe_vtable = findings->vtable;
    ret->conflating_vtable = findings->queue.vtable;
    ret->has_message = pipe_offsets_single(&findings->queue.has_message);
    return ret->context == PIPE_POINTER && ret->pipe_vtable != 0 && ret->conflating_vtable != 0 &&
           ret->has_message != PIPE_NOT_FOUND;
}

static const char *run_trials(struct pipe_lab *lab, struct findings *findings)
{
    static const struct pipe_trial plan[] = {
        {ZMQ_PAIR, ZMQ_PAIR, false, false, {9, 8, 11, 14}, 21, 17, 18, 13},
        {ZMQ_DEALER, ZMQ_DEALER, true, false, {13, 6, 21, 16}, 26, 18, 23, 19},
        {ZMQ_PAIR, ZMQ_PAIR, true, false, {33, 12, 17, 20}, 49, 35, 24, 22},
        {ZMQ_PUSH, ZMQ_PULL, false, true, {9, 8, 11, 14}},
        {ZMQ_DEALER, ZMQ_DEALER, true, true, {13, 6, 21, 16}},
        {ZMQ_PUSH, ZMQ_PULL, true, true, {33, 12, 17, 20}},
    };
    static struct pipe_trial trials[sizeof(plan) / sizeof(plan[0])];
    const size_t n_trials = sizeof(trials) / sizeof(trials[0]);
    memcpy(trials, plan, sizeof(trials));
    const char *reason = NULL;
    for (size_t i = 0; i < n_trials && !reason; i++) {
        reason = trials[i].is_conflating
                     ? pipe_queue_observe(lab, &trials[i], findings->vector, &findings->queue)
                     : run_trial(lab, &trials[i], i == 0, findings);
    }
    for (size_t i = 0; i < n_trials; i++)
        pipe_trial_close(lab, &trials[i]);
    return reason;
}

static const char *calibrate_once(struct pipe_lab *lab, struct pipe_layout *ret_layout)
{
    struct findings findings;
    memset(&findings, 0xff, sizeof(findings)); /* every place is possible */
    memset(ret_layout, 0, sizeof(*ret_layout));
    pipe_queue_expect_all(&findings.queue);
    findings.vtable = 0;
    const char *reason = run_trials(lab, &findings);
    if (!reason && !set_layout(&findings, ret_layout))
        reason = "calibration: accounts not found";
    return reason;
}

static void set_unknown(struct pipe_layout *layout, const char *reason)
{
    memset(layout, 0, sizeof(*layout));
    snprintf(layout->reason, sizeof(layout->reason), "%s", reason);
    snprintf(layout->publish.reason, sizeof(layout->publish.reason), "%s", reason);
}

void pipe_layout_calibrate(const struct library *library, struct pipe_layout *ret_layout)
{
    struct pipe_lab lab;
    const char *reason = pipe_lab_open(library, &lab);
    if (reason) {
        set_unknown(ret_layout, reason);
        return;
    }
    do /* what the heap has beside the sockets may be like a socket's own, another time not */
        reason = calibrate_once(&lab, ret_layout);
    while (reason && !lab.has_no_patience && lab.n_tries++ < MAX_RETRIES);
    if (reason)
        set_unknown(ret_layout, reason);
    else
        publish_layout_calibrate(&lab, ret_layout, &ret_layout->publish);
    if (!reason)
        mailbox_calibrate(&lab, ret_layout, &ret_layout->mailbox);
    ret_layout->is_known = !reason;
    pipe_lab_close(&lab);
}
