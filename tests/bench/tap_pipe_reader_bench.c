/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What one round of reading queues costs, and what of a core ten rounds a second are. Target:
 * under 0.5 % with 100 sockets, the segment's rounds not counted.
 */
#include "queues/pipe_accounts.h"
#include "queues/queue_ages.h"
#include "tap/learned/pipe_calibration.h"

#include "support/linked_library.h"

#include <stdint.h>
#include <time.h>
#include <zmq.h>

#define N_ROUNDS 200

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Pairs of PUSH and PULL that hold a few messages each. */
static void open_pairs(void *context, struct pipe_target *targets, int n, bool is_inproc)
{
    const struct library *zmq = linked_library();
    for (int i = 0; i < n; i += 2) {
        char address[64];
        size_t size = sizeof(address);
        void *push = zmq->socket(context, ZMQ_PUSH), *pull = zmq->socket(context, ZMQ_PULL);
        int linger = 0;
        zmq->setsockopt(push, ZMQ_LINGER, &linger, sizeof(linger));
        if (is_inproc)
            snprintf(address, sizeof(address), "inproc://%d", i);
        else
            snprintf(address, sizeof(address), "tcp://127.0.0.1:*");
        zmq->bind(push, address);
        zmq->getsockopt(push, ZMQ_LAST_ENDPOINT, address, &size);
        zmq->connect(pull, address);
        for (int j = 0; j < 10; j++)
            zmq->send(push, "x", 1, 0);
        targets[i].socket = push;
        targets[i + 1].socket = pull;
    }
}

/* With `ages`, which may be NULL, how long messages wait as well. */
static void measure(const struct pipe_layout *layout, int n, bool is_inproc,
                    struct queue_ages *ages)
{
    static struct pipe_target targets[1000];
    static uint64_t costs[N_ROUNDS];
    struct pipe_reader *reader;
    void *context = linked_library()->ctx_new();
    for (int i = 0; i < n; i++)
        targets[i] = (struct pipe_target){
            .layout = layout, .context = context, .n_io_threads = 1, .ages = ages};
    open_pairs(context, targets, n, is_inproc);
    if (pipe_reader_new(&reader) < 0)
        abort();
    uint64_t least_ns = UINT64_MAX, sum_ns = 0;
    for (int i = 0; i < N_ROUNDS; i++) {
        uint64_t begin_ns = now_ns();
        if (ages)
            queue_ages_begin_round(ages);
        pipe_reader_sample(reader, targets, (size_t)n);
        costs[i] = now_ns() - begin_ns;
        least_ns = costs[i] < least_ns ? costs[i] : least_ns;
        sum_ns += costs[i];
    }
    int n_valid = 0;
    for (int i = 0; i < n; i++) {
        n_valid += targets[i].sample.is_valid;
        linked_library()->close((void *)(uintptr_t)targets[i].socket);
    }
    printf("%-24s %7d %7d %12.1f %12.1f %9.3f\n",
           ages        ? "inproc, with ages"
           : is_inproc ? "inproc"
                       : "tcp",
           n, n_valid, (double)least_ns / 1e3, (double)sum_ns / N_ROUNDS / 1e3,
           (double)sum_ns / N_ROUNDS / 1e8 * 100);
    pipe_reader_destroy(&reader);
    linked_library()->ctx_term(context);
}

int main(void)
{
    struct pipe_layout layout;
    pipe_layout_calibrate(linked_library(), &layout);
    if (!layout.is_known) {
        printf("not calibrated: %s\n", layout.reason);
        return 77;
    }
    printf("%-24s %7s %7s %12s %12s %9s\n", "sockets", "number", "valid", "least us", "mean us",
           "% of core");
    struct queue_ages *ages;
    if (queue_ages_new(&ages) < 0)
        return 1;
    measure(&layout, 2, true, NULL);
    measure(&layout, 100, true, NULL);
    measure(&layout, 100, true, ages);
    measure(&layout, 100, false, NULL);
    measure(&layout, 1000, true, NULL);
    measure(&layout, 1000, true, ages);
    queue_ages_destroy(&ages);
    return 0;
}
