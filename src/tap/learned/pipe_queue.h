/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_queue - finds the fields of conflating queues, which count messages that are gone.
 *
 * Such a queue holds one message or none, whatever the counts of its pipe say. It is known by
 * its virtual table, and a flag in it says whether it holds a message.
 */
#ifndef TAP_PIPE_QUEUE_H
#define TAP_PIPE_QUEUE_H

#include "tap/learned/pipe_trial.h"

struct pipe_queue_findings {
    struct pipe_offsets out_queue, in_queue; /* in a pipe */
    struct pipe_offsets has_message;         /* in a conflating queue */
    uintptr_t vtable;                        /* 0: not known yet */
};

void pipe_queue_expect_all(struct pipe_queue_findings *ret_findings);

/* Runs a conflating trial and removes from the findings what it contradicts. Returns NULL, or why
 * it failed. */
const char *pipe_queue_observe(struct pipe_lab *lab, struct pipe_trial *trial, uint32_t vector,
                               struct pipe_queue_findings *findings);

#endif
