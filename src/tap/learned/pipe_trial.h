/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_trial - two connected sockets of the lab, known traffic, and copies of both their pipes.
 *
 * Steps, in this order: open, find_pipes or follow_pipes, move, fill, end, close. After each the
 * pipes are copied; what each field must hold at each step follows from the trial's numbers and
 * the rules of pipe.cpp (4.2.5 to 4.3.5).
 *
 * Thread and errors: as pipe_lab. A step that does not go as it must returns false.
 */
#ifndef TAP_PIPE_TRIAL_H
#define TAP_PIPE_TRIAL_H

#include "queues/pipe_accounts.h"
#include "queues/pipe_bytes.h"
#include "tap/learned/pipe_lab.h"
#include "tap/learned/pipe_offsets.h"

/* Both pipes at one moment. */
struct pipe_copy {
    unsigned char a[LAB_PIPE_BYTES], b[LAB_PIPE_BYTES];
};

struct pipe_trial {
    int type_a, type_b;
    bool is_connect_first;
    bool is_conflating;
    int hwms[4]; /* a's send, a's receive, b's send, b's receive */
    int n_sent_by_a, n_received_by_b, n_sent_by_b, n_received_by_a;
    /* Found while it runs: */
    void *a, *b;
    uintptr_t pipe_a, pipe_b;
    struct pipe_copy moved, full, ended;
};

bool pipe_trial_open(struct pipe_lab *lab, struct pipe_trial *self);
void pipe_trial_close(struct pipe_lab *lab, struct pipe_trial *self);

/* Looks for two vectors of one element, at the same place in both sockets, whose elements point
 * at each other; there must be one such place, which is returned in `ret_vector`. */
bool pipe_trial_find_pipes(struct pipe_lab *lab, struct pipe_trial *self, uint32_t *ret_vector);

/* Takes the pipes from a vector of one element at that place. */
bool pipe_trial_follow_pipes(struct pipe_lab *lab, struct pipe_trial *self, uint32_t vector);

void pipe_trial_copy_pipes(struct pipe_lab *lab, const struct pipe_trial *self,
                           struct pipe_copy *ret_copy);
bool pipe_trial_move(struct pipe_lab *lab, struct pipe_trial *self);
bool pipe_trial_fill(struct pipe_lab *lab, struct pipe_trial *self);

/* Closes b and waits until a's pipe knows: it then waits for its unread messages to be read.
 * Returns where this may show. */
bool pipe_trial_end(struct pipe_lab *lab, struct pipe_trial *self, struct pipe_offsets *ret_state);

/* What the pipes hold after pipe_trial_move: limits of a's in and out queue, and how much of
 * `n_received` the reader has reported, which it does each time it has read half the limit. */
int pipe_trial_in_limit(const struct pipe_trial *self);
int pipe_trial_out_limit(const struct pipe_trial *self);
uint64_t pipe_trial_reported(int n_received, int limit);

/* Where a's copy holds `in_a` and b's, at the same place, `in_b`. */
struct pipe_offsets pipe_copy_find_u32(const struct pipe_copy *self, uint64_t in_a, uint64_t in_b);
struct pipe_offsets pipe_copy_find_u64(const struct pipe_copy *self, uint64_t in_a, uint64_t in_b);
struct pipe_offsets pipe_copy_find_pointer(const struct pipe_copy *self, uintptr_t in_a,
                                           uintptr_t in_b);

#endif
