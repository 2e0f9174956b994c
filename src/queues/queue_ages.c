/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a history is a list of stretches, each of the messages up to a number and the times
 * between which they were first seen. A sample that shows more written adds one without length.
 * When there is no room, two neighbours become one: those for which its length is the smallest
 * part of its age, so that stretches grow longer the older they are, and an idle time between two
 * bursts is not smoothed over as long as others are cheaper. Within a stretch, messages are taken
 * to have come evenly. The first stretch is never merged: it has the message that is asked for.
 *
 * Histories are found by the writing end's address, by linear probing. A place is never emptied
 * but taken over when its queue was not seen for some rounds, so nothing has to be swept, and
 * queues that are empty cost nothing at all.
 */
#include "queues/queue_ages.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define N_STRETCHES 64u
#define MAX_PROBES  64u
#define N_PATIENT   3u /* rounds for which a queue that is not seen is remembered */

struct stretch {
    uint64_t n_last; /* number of its last message */
    uint64_t begin_ns, end_ns;
};

struct history {
    uintptr_t reader;
    uint64_t n_written, n_read; /* of the last sample */
    uint64_t n_before;          /* number of the last message before the first stretch */
    uint32_t n;
    struct stretch stretches[N_STRETCHES];
};

/* Apart from the histories, so that a search touches little. */
struct place {
    uintptr_t writer; /* 0: it was never taken */
    uint32_t round;   /* in which it was noted last */
};

struct queue_ages {
    uint32_t round;
    struct place places[QUEUE_AGES_MAX_QUEUES];
    struct history histories[QUEUE_AGES_MAX_QUEUES];
};

int queue_ages_new(struct queue_ages **ret_ages)
{
    struct queue_ages *self = calloc(1, sizeof(*self)); /* touched as far as it is used */
    if (!self)
        return -ENOMEM;
    *ret_ages = self;
    return 0;
}

void queue_ages_destroy(struct queue_ages **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void queue_ages_begin_round(struct queue_ages *self)
{
    self->round++;
}

void queue_ages_forget(struct queue_ages *self)
{
    memset(self->places, 0, sizeof(self->places));
}

/*
 * Places
 */
static bool is_fresh(const struct queue_ages *self, const struct place *place)
{
    return place->writer != 0 && self->round - place->round <= N_PATIENT;
}

/* The queue's place, or one that it can take; NULL: there is none. */
static struct place *find_place(struct queue_ages *self, uintptr_t writer)
{
    uint64_t hash = (uint64_t)(writer >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    struct place *usable = NULL;
    for (size_t i = 0; i < MAX_PROBES; i++) {
        struct place *place = &self->places[((hash >> 32) + i) % QUEUE_AGES_MAX_QUEUES];
        if (place->writer == writer)
            return place;
        if (!usable && !is_fresh(self, place))
            usable = place;
        if (place->writer == 0)
            break;
    }
    return usable;
}

/* Whether the history is of the queue that was seen now, and not of one that was there before.
 * Fewer messages written is also what libzmq shows when it takes unread ones back. */
static bool is_same(const struct history *history, const struct queue_account *account)
{
    return history->reader == account->reader && history->n_written <= account->n_written &&
           history->n_read <= account->n_read;
}

static struct history *recall(struct queue_ages *self, const struct queue_account *account)
{
    struct place *place = find_place(self, account->writer);
    if (!place)
        return NULL;
    struct history *history = &self->histories[place - self->places];
    if (place->writer != account->writer || !is_fresh(self, place) || !is_same(history, account)) {
        place->writer = account->writer;
        history->reader = account->reader;
        history->n = 0;
    }
    place->round = self->round;
    return history;
}

/*
 * A history
 */

/* Forgets what was read. */
static void drop_read(struct history *self, uint64_t n_read)
{
    uint32_t n = 0;
    while (n < self->n && self->stretches[n].n_last <= n_read)
        n++;
    if (n == 0)
        return;
    self->n_before = self->stretches[n - 1].n_last;
    self->n -= n;
    memmove(self->stretches, self->stretches + n, self->n * sizeof(*self->stretches));
}

/* Merges the two neighbours that would be the shortest for their age. */
static void make_room(struct history *self, uint64_t now_ns)
{
    uint32_t best = 1;
    double least = 2;
    for (uint32_t i = 1; i + 1 < self->n; i++) {
        const struct stretch *first = &self->stretches[i], *second = first + 1;
        double length = (double)(second->end_ns - first->begin_ns);
        double ratio = length / ((double)(now_ns - first->begin_ns) + 1);
        if (ratio < least) {
            least = ratio;
            best = i;
        }
    }
    self->stretches[best + 1].begin_ns = self->stretches[best].begin_ns;
    self->n--;
    memmove(self->stretches + best, self->stretches + best + 1,
            (self->n - best) * sizeof(*self->stretches));
}

static void append(struct history *self, const struct queue_account *account)
{
    if (self->n == 0)
        self->n_before = account->n_read;
    else if (self->stretches[self->n - 1].n_last == account->n_written)
        return;
    if (self->n == N_STRETCHES)
        make_room(self, account->read_ns);
    self->stretches[self->n++] = (struct stretch){
        .n_last = account->n_written, .begin_ns = account->read_ns, .end_ns = account->read_ns};
}

/* When the message was seen first that is the next to be read. */
static uint64_t first_seen_ns(const struct history *self)
{
    const struct stretch *stretch = &self->stretches[0];
    uint64_t length_ns = stretch->end_ns - stretch->begin_ns;
    uint64_t n = stretch->n_last - self->n_before, i = self->n_read - self->n_before;
    if (length_ns == 0 || n < 2)
        return stretch->end_ns;
    return stretch->begin_ns + (uint64_t)((double)length_ns * ((double)i / (double)(n - 1)));
}

uint64_t queue_ages_note(struct queue_ages *self, const struct queue_account *account)
{
    struct history *history = recall(self, account);
    if (!history)
        return PIPE_UNKNOWN;
    drop_read(history, account->n_read);
    append(history, account);
    history->n_written = account->n_written;
    history->n_read = account->n_read;
    uint64_t seen_ns = first_seen_ns(history);
    return account->read_ns > seen_ns ? account->read_ns - seen_ns : 0;
}
