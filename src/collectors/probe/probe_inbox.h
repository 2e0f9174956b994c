/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_inbox - what other threads leave for an actor: answers of the resolver and commands.
 *
 * A lock of its own, held for a few instructions and never while another one is taken, so that a
 * resolver's thread may deliver while the actor waits for the resolver.
 *
 * Thread:  any.   Blocks: no.   Owns: the eventfd.
 */
#ifndef COLLECTORS_PROBE_PROBE_INBOX_H
#define COLLECTORS_PROBE_PROBE_INBOX_H

#include "collectors/probe/resolver.h"

#include <pthread.h>

struct probe_command;
struct probe_endpoint;

/* Embedded in who asked; the inbox's lock is over it while a request is out. */
struct probe_answer {
    struct resolver_answer answer;
    struct probe_inbox *inbox;
    struct probe_endpoint *endpoint;
    struct probe_answer *next; /* while it is in the inbox */
    bool is_queued;
};

struct probe_inbox {
    pthread_mutex_t lock;
    struct probe_answer *answers;
    struct probe_command *commands, **last_command;
    int wake_fd; /* readable when there is something */
};

int probe_inbox_init(struct probe_inbox *self);
void probe_inbox_finish(struct probe_inbox *self);

/* A resolver_done; the owner is a struct probe_answer. */
void probe_inbox_deliver(void *owner, const struct resolver_answer *answer);

/* Takes a delivered answer out again, if it is there: its owner does not want it any more. */
void probe_inbox_withdraw(struct probe_inbox *self, struct probe_answer *answer);

/* The next answer, or NULL. */
struct probe_answer *probe_inbox_take_answer(struct probe_inbox *self);

/* Commands in order. The list is linked by `next`. */
void probe_inbox_post(struct probe_inbox *self, struct probe_command *command);
struct probe_command *probe_inbox_take_commands(struct probe_inbox *self);

/* Wakes the actor. */
void probe_inbox_wake(struct probe_inbox *self);

/* After waking up: takes back the wake-ups so far. */
void probe_inbox_clear(struct probe_inbox *self);

#endif
