/* SPDX-License-Identifier: MPL-2.0 */
/* tap_sampled - what a sampler has around it, played: queues, proxies, time. With tap_played. */
#ifndef TESTS_SUPPORT_TAP_SAMPLED_H
#define TESTS_SUPPORT_TAP_SAMPLED_H

#include "queues/pipe_accounts.h"
#include "support/tap_played.h"
#include "tap/learned/learned.h"

struct tap_sampled {
    struct registry_socket *a, *b; /* the program's */
    struct segment_header *header;
    struct learned learned;
    uint64_t monotonic_ns, realtime_ns, cpu_ns, round_cpu_ns;
    const char *blind;             /* why no memory can be read */
    bool has_no_memory;            /* for a reader */
    struct pipe_sample samples[2]; /* of a and b */
    struct pipe_target seen[2];    /* as they were to be sampled */
    void (*meanwhile)(void);       /* while queues are read */
    size_t n_targets, n_closed, n_prepared;
    unsigned n_reads, n_settled, n_inproc, n_forked, n_forgotten, n_age_rounds;
    struct pipe_count ledger_now[4]; /* of a's pipes */
    size_t n_ledger;
    bool is_short;
    uintptr_t proxy_id; /* of the proxy that a is in */
    unsigned n_noted, n_ended_rounds, n_proxy_settled;
};
extern struct tap_sampled sampled;
extern unsigned tap_sampled_n_readers, tap_sampled_n_ages; /* that were made in all */

/* a is a PUSH that holds 7, b a PULL that holds 8; of the library unless the test adds it. */
void tap_sampled_begin(bool has_library);
void tap_sampled_end(void);

#endif
