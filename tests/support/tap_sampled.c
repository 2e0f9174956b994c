/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_sampled.h"

#include "queues/queue_ages.h"
#include "tap/events/events.h"
#include "tap/ground/capability.h"
#include "tap/losses/endings.h"
#include "tap/sampling/proxies.h"
#include "tap/sampling/sampler.h"

#include "support/cmocka.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

struct tap_sampled sampled;
unsigned tap_sampled_n_readers, tap_sampled_n_ages;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    uint64_t ns = clock == CLOCK_MONOTONIC  ? sampled.monotonic_ns
                  : clock == CLOCK_REALTIME ? sampled.realtime_ns
                                            : sampled.cpu_ns;
    *ret = (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    return 0;
}

int pipe_reader_new(struct pipe_reader **ret_reader)
{
    if (sampled.has_no_memory)
        return -ENOMEM;
    tap_sampled_n_readers++;
    *ret_reader = (struct pipe_reader *)&sampled.samples;
    return 0;
}

void pipe_reader_forked(struct pipe_reader *self)
{
    assert_ptr_equal(self, &sampled.samples);
    sampled.n_forked++;
}

int queue_ages_new(struct queue_ages **ret_ages)
{
    tap_sampled_n_ages++;
    *ret_ages = (struct queue_ages *)&sampled.samples;
    return 0;
}

void queue_ages_begin_round(struct queue_ages *self)
{
    assert_ptr_equal(self, &sampled.samples);
    sampled.n_age_rounds++;
}

void queue_ages_forget(struct queue_ages *self)
{
    assert_ptr_equal(self, &sampled.samples);
    sampled.n_forgotten++;
}

const char *pipe_reader_sample(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    assert_ptr_equal(self, &sampled.samples);
    assert_int_equal(tap_played_lock_depth, 0);
    sampled.n_reads++;
    sampled.n_targets = n;
    sampled.cpu_ns += sampled.round_cpu_ns;
    if (sampled.blind)
        return sampled.blind;
    for (size_t i = 0; i < n; i++) {
        size_t which = targets[i].socket == sampled.a->handle ? 0 : 1;
        if (!targets[i].socket)
            continue; /* one that is closed */
        sampled.seen[which] = targets[i];
        targets[i].sample = sampled.samples[which];
        targets[i].memo.owner++;
        struct pipe_ledger *ledger = targets[i].ledger;
        for (size_t k = 0; ledger && k < sampled.n_ledger; k++) {
            sampled.ledger_now[k].target = &targets[i];
            ledger->counts[ledger->n++] = sampled.ledger_now[k];
            ledger->is_short = sampled.is_short;
        }
    }
    if (sampled.meanwhile)
        sampled.meanwhile();
    return NULL;
}

const struct learned *learned_of(const struct library *library)
{
    assert_ptr_equal(library, &tap_played);
    return &sampled.learned;
}

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    (void)library;
    return sampled.learned.pipes.is_known ? &sampled.learned.pipes : NULL;
}

void events_set_inproc_peers(const struct registry_socket *socket, uint32_t n)
{
    assert_int_equal(tap_played_lock_depth, 1);
    (void)socket;
    sampled.n_inproc += n;
}

void endings_begin_round(void)
{
    assert_int_equal(tap_played_lock_depth, 1);
}

void endings_prepare(struct registry_socket *socket, struct pipe_target *target)
{
    assert_ptr_equal(target->socket, socket->handle);
    sampled.n_prepared++;
}

size_t endings_add_closed(struct pipe_target *targets)
{
    assert_int_equal(tap_played_lock_depth, 1);
    memset(targets, 0, sampled.n_closed * sizeof(*targets));
    return sampled.n_closed;
}

void endings_settle(const struct pipe_target *targets, size_t n)
{
    assert_int_equal(n, sampled.n_targets);
    (void)targets;
    sampled.n_settled++;
}

uintptr_t proxies_id_of(const struct registry_socket *socket)
{
    return socket == sampled.a ? sampled.proxy_id : 0;
}

void proxies_note(struct registry_socket *socket, const struct pipe_count *count)
{
    assert_ptr_equal(socket, sampled.a);
    sampled.n_noted += (unsigned)count->n_read;
}

void proxies_end_round(struct registry_socket *socket)
{
    assert_ptr_equal(socket, sampled.a);
    sampled.n_ended_rounds++;
}

void proxies_settle(void)
{
    assert_int_equal(tap_played_lock_depth, 1);
    sampled.n_proxy_settled++;
}

void tap_sampled_begin(bool has_library)
{
    tap_played_begin();
    sampled = (struct tap_sampled){.learned = {.is_there = true, .pipes = {.is_known = true}},
                                   .monotonic_ns = sampled.monotonic_ns + UINT64_C(1000000000000),
                                   .realtime_ns = UINT64_C(5000000000),
                                   .cpu_ns = sampled.cpu_ns};
    sampled.header = tap_played_table->header;
    capability_start(sampled.header);
    sampler_forked();
    sampler_start(sampled.header);
    if (!has_library)
        return;
    sampler_add_library(&tap_played);
    sampled.n_forked = sampled.n_forgotten = 0;
    sampled.a = tap_played_open(ZMQ_PUSH);
    sampled.b = tap_played_open(ZMQ_PULL);
    sampled.samples[0] = (struct pipe_sample){.is_valid = true,
                                              .n_pipes = 1,
                                              .send_queue = 7,
                                              .send_fullest = PIPE_UNKNOWN,
                                              .receive_fullest = PIPE_UNKNOWN};
    sampled.samples[1] = (struct pipe_sample){.is_valid = true,
                                              .n_pipes = 2,
                                              .receive_queue = 8,
                                              .send_fullest = PIPE_UNKNOWN,
                                              .receive_fullest = PIPE_UNKNOWN};
    (void)sampler_has_moved();
}

void tap_sampled_end(void)
{
    sampler_forked();
    tap_played_end();
}
