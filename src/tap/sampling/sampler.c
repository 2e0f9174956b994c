/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a round lists the open sockets with the registry's lock held, reads their pipes without
 * it, and writes the words with it again, for those sockets that are still the same. So the
 * program waits for the lock no longer than one pass over a list takes, and no word of a lane is
 * written that has gone to another socket meanwhile.
 */
#include "tap/sampling/sampler.h"

#include "base/clock.h"
#include "queues/queue_ages.h"
#include "tap/events/events.h"
#include "tap/ground/capability.h"
#include "tap/ground/tables.h"
#include "tap/learned/learned.h"
#include "tap/losses/endings.h"
#include "tap/sampling/pipe_words.h"
#include "tap/sampling/proxies.h"

#include <time.h>

#define MAX_COUNTS      65536u
#define FEW_SOCKETS     16u /* in a round that needs no measure of its time */
#define ROUNDS_PER_LOOK 10u
#define MAX_INVALID     10u /* rounds without a valid sample before a socket's depth is unknown */

/* What is remembered of the socket in an entry of the registry. */
static struct memory {
    uint32_t serial;
    uint32_t lane; /* that n_sent_seen and n_received_seen are of */
    uint64_t n_sent_seen, n_received_seen;
    struct pipe_memo memo;
    uint32_t n_invalid;
    uint64_t sampled_ns; /* 0: never */
    uint64_t last_sent_ns, last_received_ns;
    uint64_t n_conflated;      /* in the last sample */
    uint64_t n_conflated_told; /* of these counted, as far as the pipes of now go */
    uint32_t n_pipes;
} * memories;

TABLES_ROW(memories, REGISTRY_MAX_SOCKETS);

static struct round {
    struct pipe_target targets[REGISTRY_MAX_SOCKETS + ENDINGS_MAX_CLOSED]; /* open ones first */
    struct registry_socket *sockets[REGISTRY_MAX_SOCKETS];
    uint32_t serials[REGISTRY_MAX_SOCKETS];
    uintptr_t followed[REGISTRY_MAX_SOCKETS]; /* ids; 0: hooks count its messages */
    size_t n;
    uint64_t realtime_ns;
} * round_now;

TABLES_ROW(round_now, 1);

/* Of the followed sockets' pipes; beyond it, they are not all seen in a round. */
static struct pipe_count *counts;
static struct pipe_ledger ledger;

TABLES_ROW(counts, MAX_COUNTS);

static struct segment_header *header; /* NULL: not started */
static struct pipe_reader *reader;
static struct queue_ages *ages; /* NULL: there was no memory, they are not known */
static uint64_t pause_until_ns;
static uint64_t last_cost_ns;
static bool has_moved;   /* since sampler_has_moved was asked */
static bool is_at_rest;  /* as far as this round has come */
static bool was_at_rest; /* after the round before */

void sampler_start(struct segment_header *new_header)
{
    ledger = (struct pipe_ledger){.counts = counts, .capacity = MAX_COUNTS};
    __atomic_store_n(&header, new_header, __ATOMIC_RELEASE);
}

/* A process has one answer: off if any of its libraries is not understood. */
void sampler_add_library(const struct library *library)
{
    const struct pipe_layout *layout = &learned_of(library)->pipes;
    const char *reason = layout->is_known ? NULL : layout->reason;
    if (!reason && !reader && pipe_reader_new(&reader) < 0)
        reason = "no memory";
    if (!reason && !ages)
        queue_ages_new(&ages);
    capability_set_on_unless(SEGMENT_CAPABILITY_QUEUE_DEPTH, reason);
    capability_set(SEGMENT_CAPABILITY_ENDINGS,
                   reason ? SEGMENT_CAPABILITY_OFF : SEGMENT_CAPABILITY_BOUND,
                   reason ? reason : "at least: what was seen, and surely not read since");
}

/*
 * A round
 */
static struct memory *memory_of(const struct registry_socket *socket)
{
    struct memory *memory = &memories[socket->index];
    bool is_new = memory->serial != socket->serial;
    if (is_new)
        *memory = (struct memory){.serial = socket->serial};
    if (is_new || memory->lane != socket->lane) {
        memory->lane = socket->lane;
        memory->n_sent_seen = socket->n_sent_before;
        memory->n_received_seen = socket->n_received_before;
    }
    return memory;
}

/* The time of the last message, to a round: a clock on the message path would cost too much. */
static void note_time(const uint64_t *count, uint64_t *n_seen, uint64_t *gauge, uint64_t *last_ns)
{
    uint64_t n = segment_word_get(count);
    if (n != *n_seen) {
        *last_ns = round_now->realtime_ns;
        has_moved = true;
    }
    *n_seen = n;
    if (*last_ns != 0)
        segment_word_set(gauge, *last_ns);
}

static void note_times(struct registry_socket *socket, struct memory *memory)
{
    uint64_t *words = socket->words;
    note_time(&words[SEGMENT_SENT_MESSAGES], &memory->n_sent_seen, &words[SEGMENT_LAST_SENT_NS],
              &memory->last_sent_ns);
    note_time(&words[SEGMENT_RECEIVED_MESSAGES], &memory->n_received_seen,
              &words[SEGMENT_LAST_RECEIVED_NS], &memory->last_received_ns);
}

static bool is_conflating(const struct registry_socket *socket)
{
    return segment_word_get(&socket->words[SEGMENT_OPTION_CONFLATE]) == 1;
}

static void list_target(struct registry_socket *socket, void *unused)
{
    (void)unused;
    struct round *round = round_now;
    struct memory *memory = memory_of(socket);
    note_times(socket, memory);
    const struct pipe_layout *layout = learned_pipes_of(socket->library);
    if (!layout)
        return;
    round->sockets[round->n] = socket;
    round->serials[round->n] = socket->serial;
    round->followed[round->n] = proxies_id_of(socket);
    if (round->followed[round->n] || socket->is_shared)
        is_at_rest = false;
    round->targets[round->n] = (struct pipe_target){
        .layout = layout,
        .socket = socket->handle,
        .context = socket->context->handle,
        .n_io_threads = socket->context->n_io_threads,
        .memo = memory->memo,
        .ledger = round->followed[round->n] ? &ledger : NULL,
        .ages = is_conflating(socket) ? NULL : ages,
    };
    endings_prepare(socket, &round->targets[round->n]);
    round->n++;
}

/* The counts and the flag of a queue are read a moment apart, so a message may be taken for
 * replaced that waits: what two samples agree on is counted. A pipe that is gone takes its count
 * along. */
static void note_conflated(struct registry_socket *socket, struct memory *memory,
                           const struct pipe_sample *sample)
{
    uint64_t n = sample->n_conflated;
    uint64_t n_sure = n < memory->n_conflated ? n : memory->n_conflated;
    if (sample->n_pipes < memory->n_pipes)
        memory->n_conflated_told = n_sure < memory->n_conflated_told ? n_sure
                                                                     : memory->n_conflated_told;
    if (n_sure > memory->n_conflated_told) {
        segment_word_add(&socket->words[SEGMENT_CONFLATED], n_sure - memory->n_conflated_told);
        memory->n_conflated_told = n_sure;
    }
    memory->n_conflated = n;
    memory->n_pipes = sample->n_pipes;
}

static void note_movement(const uint64_t *words, const struct pipe_sample *sample)
{
    if (segment_word_get(&words[SEGMENT_SEND_QUEUE]) != sample->send_queue ||
        segment_word_get(&words[SEGMENT_RECEIVE_QUEUE]) != sample->receive_queue ||
        segment_word_get(&words[SEGMENT_PIPES]) != sample->n_pipes)
        has_moved = true;
}

/* So that the time in which nothing moves weighs as much as any other. */
static uint32_t n_intervals_of(uint64_t elapsed_ns)
{
    uint32_t most = was_at_rest ? SAMPLER_REST_INTERVALS : SAMPLER_MAX_INTERVALS;
    uint64_t n = (elapsed_ns / CLOCK_NS_PER_MS + SAMPLER_INTERVAL_MS / 2) / SAMPLER_INTERVAL_MS;
    if (n < 1)
        return 1;
    return n < most ? (uint32_t)n : most;
}

/* A queue that fills up after a rest has been full since the thread was roused. */
static uint64_t time_as_sampled(uint64_t elapsed_ns)
{
    uint64_t interval_ns = SAMPLER_INTERVAL_MS * CLOCK_NS_PER_MS;
    return was_at_rest && elapsed_ns > interval_ns ? interval_ns : elapsed_ns;
}

static void note_sample(struct registry_socket *socket, const struct pipe_target *target,
                        uint64_t now_ns)
{
    const struct pipe_sample *sample = &target->sample;
    struct memory *memory = memory_of(socket);
    memory->memo = target->memo;
    if (!sample->is_valid || sample->send_queue != 0 || sample->receive_queue != 0)
        is_at_rest = false;
    if (!sample->is_valid) {
        if (++memory->n_invalid == MAX_INVALID)
            pipe_words_forget(socket->words);
        return;
    }
    memory->n_invalid = 0;
    events_set_inproc_peers(socket, sample->n_inproc);
    uint64_t elapsed_ns = memory->sampled_ns ? now_ns - memory->sampled_ns : 0;
    note_movement(socket->words, sample);
    pipe_words_update(socket->words, sample, time_as_sampled(elapsed_ns),
                      n_intervals_of(elapsed_ns));
    memory->sampled_ns = now_ns;
    note_conflated(socket, memory, sample);
}

static bool is_the_same(const struct round *round, size_t i)
{
    const struct registry_socket *socket = round->sockets[i];
    return socket->is_used && socket->slot && socket->serial == round->serials[i];
}

/* Whether the socket is followed by the same proxy since before the round. */
static bool is_followed(const struct round *round, size_t i)
{
    return round->followed[i] != 0 && is_the_same(round, i) &&
           proxies_id_of(round->sockets[i]) == round->followed[i] &&
           round->targets[i].sample.is_valid;
}

static void note_counts(const struct round *round)
{
    if (ledger.n > 0) /* what a proxy moves is known only from looks */
        has_moved = true;
    for (size_t i = 0; i < ledger.n; i++) {
        size_t target = (size_t)(counts[i].target - round->targets);
        if (is_followed(round, target))
            proxies_note(round->sockets[target], &counts[i]);
    }
    for (size_t i = 0; i < round->n && !ledger.is_short; i++) {
        if (is_followed(round, i))
            proxies_end_round(round->sockets[i]);
    }
    proxies_settle();
}

static void note_round(const struct round *round)
{
    uint64_t now_ns = clock_monotonic_ns();
    for (size_t i = 0; i < round->n; i++) {
        if (is_the_same(round, i))
            note_sample(round->sockets[i], &round->targets[i], now_ns);
        else
            is_at_rest = false;
    }
    note_counts(round);
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * CLOCK_NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

/* Returns how many targets there are, the sockets that are closed among them. */
static size_t list_targets(void)
{
    struct guard guard;
    round_now->n = 0;
    ledger.n = 0;
    ledger.is_short = false;
    round_now->realtime_ns = clock_realtime_ns();
    registry_lock(&guard);
    endings_begin_round();
    registry_each_socket(list_target, NULL);
    size_t n = round_now->n + endings_add_closed(round_now->targets + round_now->n);
    registry_unlock(&guard);
    return n;
}

static bool read_queues(size_t n)
{
    struct guard guard;
    if (ages)
        queue_ages_begin_round(ages);
    const char *reason = pipe_reader_sample(reader, round_now->targets, n);
    if (reason) {
        registry_lock(&guard);
        capability_set_on_unless(SEGMENT_CAPABILITY_QUEUE_DEPTH, reason);
        capability_set(SEGMENT_CAPABILITY_ENDINGS, SEGMENT_CAPABILITY_OFF, reason);
        registry_unlock(&guard);
        return false;
    }
    endings_settle(round_now->targets, n);
    return true;
}

static void sample_all(void)
{
    struct guard guard;
    size_t n = reader ? list_targets() : 0;
    if (n > round_now->n) /* of sockets that are closed */
        is_at_rest = false;
    if (n == 0)
        return;
    read_queues(n);
    registry_lock(&guard);
    note_round(round_now);
    segment_word_add(&header->samples, 1);
    registry_unlock(&guard);
}

/* Of the whole thread, which runs this; a new one begins at 0. */
static void note_cpu_time(uint64_t total_ns)
{
    static uint64_t known_ns;
    segment_word_add(&header->tap_cpu_ns, total_ns < known_ns ? total_ns : total_ns - known_ns);
    known_ns = total_ns;
}

void sampler_sample_endings(void)
{
    if (__atomic_load_n(&header, __ATOMIC_ACQUIRE) && reader)
        read_queues(list_targets());
}

/* The time of a round that is surely short is not measured: that would be a third of its cost. */
static bool is_short_round(void)
{
    static uint32_t n_rounds;
    return round_now->n <= FEW_SOCKETS && ++n_rounds % ROUNDS_PER_LOOK != 0;
}

void sampler_round(void)
{
    uint64_t now_ns = clock_monotonic_ns();
    was_at_rest = is_at_rest;
    is_at_rest = false;
    if (!__atomic_load_n(&header, __ATOMIC_ACQUIRE) || now_ns < pause_until_ns)
        return;
    is_at_rest = true;
    if (is_short_round()) {
        sample_all();
        return;
    }
    uint64_t begin_ns = thread_cpu_ns();
    sample_all();
    uint64_t end_ns = thread_cpu_ns();
    uint64_t cost_ns = end_ns - begin_ns;
    note_cpu_time(end_ns);
    /* One round can be slow for reasons of its own, as the first is, which touches new memory. */
    pause_until_ns = now_ns + (cost_ns < last_cost_ns ? cost_ns : last_cost_ns) * SAMPLER_PAUSE;
    last_cost_ns = cost_ns;
}

bool sampler_has_moved(void)
{
    bool has = has_moved;
    has_moved = false;
    return has;
}

bool sampler_is_at_rest(void)
{
    return is_at_rest;
}

static void note_without_queues(struct registry_socket *socket, void *unused)
{
    (void)unused;
    note_times(socket, memory_of(socket));
    pipe_words_forget(socket->words);
}

void sampler_blind_round(const char *reason)
{
    struct guard guard;
    if (!__atomic_load_n(&header, __ATOMIC_ACQUIRE))
        return;
    round_now->realtime_ns = clock_realtime_ns();
    is_at_rest = false;
    registry_lock(&guard);
    capability_set_on_unless(SEGMENT_CAPABILITY_QUEUE_DEPTH, reason);
    capability_set(SEGMENT_CAPABILITY_ENDINGS, SEGMENT_CAPABILITY_OFF, reason);
    registry_each_socket(note_without_queues, NULL);
    registry_unlock(&guard);
}

void sampler_forked(void)
{
    header = NULL;
    pause_until_ns = 0;
    if (reader)
        pipe_reader_forked(reader);
    if (ages)
        queue_ages_forget(ages);
}
