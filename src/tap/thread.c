/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: each kind of request to the thread has a word of its own, and the requester wakes it
 * (thread_state.h). Whoever waits for the thread waits on `n_done`, which it raises after each
 * round.
 *
 * Work that allocates has a thread of its own, which is gone when the work is done: glibc looks
 * into a file of /proc when a thread ends whose heap is to shrink, and by then the program may have
 * sandboxed itself.
 */
#include "tap/thread.h"

#include "base/clock.h"
#include "tap/counting/watched.h"
#include "tap/events/monitor.h"
#include "tap/ground/library.h"
#include "tap/ground/sandbox.h"
#include "tap/losses/endings.h"
#include "tap/parts.h"
#include "tap/report.h"
#include "tap/sampling/sampler.h"

#include <signal.h>

#define STACK_SIZE       (512 * 1024)
#define N_STILL          20u /* rounds in which nothing moved, before they are fewer */
#define N_BEFORE_REST    30u /* and before the thread tries to rest */
#define WORK_PATIENCE_NS (30 * CLOCK_NS_PER_SECOND)

static struct lock lock; /* the fields below */
static pthread_t thread;
static struct segment_writer *writer;
static uintptr_t generation; /* a thread of an older one ends */
static uint32_t n_done;      /* grows with each round */
static uint32_t n_waiting;   /* threads that wait for it to grow */
static uint32_t n_asked;     /* rounds that were asked for */
static uint32_t n_answered;  /* the last that was asked for before the last round */
static uintptr_t ended;      /* generation of the thread that ended last, + 1 */

static void announce_round(void)
{
    __atomic_fetch_add(&n_done, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&n_waiting, __ATOMIC_SEQ_CST) > 0)
        lock_wake_word(&n_done);
}

/*
 * The thread
 */
static void tick_sockets(void)
{
    static uint64_t last_ns;
    uint64_t now = clock_monotonic_ns();
    uint64_t elapsed = last_ns != 0 ? now - last_ns : 0;
    last_ns = now;
    registry_lock_inside();
    parts_tick(now, elapsed < 2 * CLOCK_NS_PER_SECOND ? elapsed : 0);
    registry_unlock_inside();
}

/* What may make system calls that libzmq does not make. */
static void run_unless_sandboxed(void (*function)(void))
{
    thread_state_begin_round();
    if (!sandbox_is_closed())
        function();
    thread_state_end_round();
}

static void write_segment(void)
{
    struct segment_writer *now = __atomic_load_n(&writer, __ATOMIC_ACQUIRE);
    if (now)
        report_round(segment_writer_publish(now));
}

/* Where no round is allowed. */
static void show_life(void)
{
    sampler_blind_round("it set seccomp or no_new_privs; run it without the tap");
    struct segment_writer *now = __atomic_load_n(&writer, __ATOMIC_ACQUIRE);
    if (now)
        segment_writer_beat(now);
}

static void publish(void)
{
    uint32_t asked = __atomic_load_n(&n_asked, __ATOMIC_ACQUIRE);
    monitor_drain_all();
    tick_sockets();
    run_unless_sandboxed(write_segment);
    if (sandbox_is_closed())
        show_life();
    __atomic_store_n(&n_answered, asked, __ATOMIC_RELEASE);
    announce_round();
}

static bool is_asked_to_publish(void)
{
    return __atomic_load_n(&n_asked, __ATOMIC_ACQUIRE) !=
           __atomic_load_n(&n_answered, __ATOMIC_RELAXED);
}

/* A queue may soon be gone. Early samples cost at most 1/20 of a core. */
static void read_queues_early(void)
{
    static uint64_t pause_until_ns;
    uint64_t now = clock_monotonic_ns();
    if (now < pause_until_ns || now < endings_next_round_ns())
        return;
    run_unless_sandboxed(sampler_sample_endings);
    uint64_t end = clock_monotonic_ns();
    pause_until_ns = end + (end - now) * 20;
}

static uint64_t next_deadline(uint64_t tick_ns)
{
    uint64_t next = endings_next_round_ns();
    if (next < tick_ns && next > 0)
        tick_ns = next;
    if (monitor_is_urgent()) {
        uint64_t soon = clock_monotonic_ns() + MONITOR_URGENT_MS * CLOCK_NS_PER_MS;
        tick_ns = soon < tick_ns ? soon : tick_ns;
    }
    return tick_ns;
}

static bool is_over(uintptr_t own_generation)
{
    return __atomic_load_n(&generation, __ATOMIC_ACQUIRE) != own_generation;
}

/*
 * How long until the next round. Waking up is most of what the tap costs a process that is idle.
 */
static struct pace {
    uint32_t n_still; /* rounds since something moved */
    bool is_resting;  /* until the next round, or until it is roused */
} pace;

/* Before a round, so that what happens after a socket was looked at rouses the thread. */
static void begin_rest(void)
{
    pace.is_resting = pace.n_still >= N_BEFORE_REST;
    thread_state_set_resting(pace.is_resting);
}

/* A file that is not mapped has to be written for what was counted, and sockets of the tap's own
 * (monitor.h) have to be read. */
static bool may_rest(void)
{
    const struct segment_writer *now = __atomic_load_n(&writer, __ATOMIC_ACQUIRE);
    return sampler_is_at_rest() && !monitor_needs_rounds() && now &&
           segment_writer_closes_quietly(now);
}

static uint64_t n_intervals_until_next(void)
{
    bool has_moved = sampler_has_moved(), has_calls = watched_has_calls();
    pace.n_still = has_moved ? 0 : pace.n_still + 1;
    if (pace.is_resting && !has_moved && !has_calls && may_rest())
        return SAMPLER_REST_INTERVALS;
    if (pace.is_resting) {
        pace = (struct pace){.n_still = has_moved ? 0 : N_STILL};
        thread_state_set_resting(false);
    }
    return pace.n_still < N_STILL ? 1 : SAMPLER_MAX_INTERVALS;
}

static bool is_roused(void)
{
    return pace.is_resting && !thread_state_is_resting();
}

/* Until the tick, or until a round is asked for, or the end. */
static void wait_for_tick(uint64_t tick_ns, uintptr_t own_generation)
{
    uint32_t seen = thread_state_n_woken();
    while (!is_over(own_generation) && !is_asked_to_publish() && !is_roused() &&
           clock_monotonic_ns() < tick_ns) {
        read_queues_early();
        thread_state_wait(seen, next_deadline(tick_ns));
        seen = thread_state_n_woken();
        monitor_drain_all();
    }
}

/* Returns when the round now is. */
static uint64_t end_rest(uint64_t tick_ns)
{
    if (!is_roused())
        return tick_ns;
    pace = (struct pace){0};
    return clock_monotonic_ns();
}

static void *run(void *own_generation)
{
    uint64_t tick = clock_monotonic_ns();
    pthread_setname_np(pthread_self(), "zmqtap");
    pace = (struct pace){0};
    do {
        begin_rest();
        run_unless_sandboxed(library_pin);
        run_unless_sandboxed(sampler_round);
        publish();
        tick += n_intervals_until_next() * SAMPLER_INTERVAL_MS * CLOCK_NS_PER_MS;
        wait_for_tick(tick, (uintptr_t)own_generation);
        tick = end_rest(tick);
        if (clock_monotonic_ns() > tick + CLOCK_NS_PER_SECOND)
            tick = clock_monotonic_ns(); /* was stopped for a while: no burst of ticks */
    } while (!is_over((uintptr_t)own_generation));
    thread_state_set_resting(false);
    run_unless_sandboxed(sampler_sample_endings);
    publish();
    __atomic_store_n(&ended, (uintptr_t)own_generation + 1, __ATOMIC_RELEASE);
    announce_round();
    return NULL;
}

/*
 * The program's threads
 */
/* No signal is for the tap's threads, which inherit the mask. libzmq makes the same calls here. */
static int create(pthread_t *ret_thread, void *(*function)(void *), void *data)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int error = pthread_create(ret_thread, &attributes, function, data);
    if (error == EINVAL) /* the program's thread-local data alone is larger */
        error = pthread_create(ret_thread, NULL, function, data);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

int thread_start(void)
{
    struct guard guard;
    int saved_errno = errno, error = 0;
    guard_lock(&guard, &lock);
    if (!thread_state_is_running()) {
        error = create(&thread, run, (void *)generation);
        thread_state_set_running(error == 0);
    }
    guard_unlock(&guard, &lock);
    errno = saved_errno;
    return error;
}

/* Waits until `is_true`, which is asked whenever `*word` has changed. */
static bool await(const uint32_t *word, bool (*is_true)(uintptr_t), uintptr_t argument,
                  uint64_t patience_ns)
{
    uint64_t deadline = clock_monotonic_ns() + patience_ns;
    bool is_so;
    __atomic_fetch_add(&n_waiting, 1, __ATOMIC_SEQ_CST);
    uint32_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    while (!(is_so = is_true(argument)) && clock_monotonic_ns() < deadline) {
        lock_wait_for_word(word, seen, deadline);
        seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    }
    __atomic_fetch_sub(&n_waiting, 1, __ATOMIC_SEQ_CST);
    return is_so;
}

static struct work {
    void (*function)(void *data);
    void *data;
    uint32_t is_done;
} work;

static void *run_work(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "zmqtap");
    work.function(work.data);
    __atomic_store_n(&work.is_done, 1, __ATOMIC_RELEASE);
    lock_wake_word(&work.is_done);
    return NULL;
}

static bool is_work_done(uintptr_t unused)
{
    (void)unused;
    return __atomic_load_n(&work.is_done, __ATOMIC_ACQUIRE) == 1;
}

int thread_run(void (*function)(void *data), void *data)
{
    struct guard guard;
    pthread_t worker;
    int saved_errno = errno;
    guard_disable_cancel(&guard);
    work = (struct work){.function = function, .data = data};
    int error = create(&worker, run_work, NULL);
    if (error == 0 && await(&work.is_done, is_work_done, 0, WORK_PATIENCE_NS))
        pthread_join(worker, NULL);
    else if (error == 0) {
        pthread_detach(worker);
        error = -ETIMEDOUT;
    }
    guard_restore_cancel(&guard);
    errno = saved_errno;
    return error;
}

bool thread_await_work(void)
{
    return !work.function ||
           await(&work.is_done, is_work_done, 0, THREAD_PATIENCE_MS * CLOCK_NS_PER_MS);
}

void thread_set_writer(struct segment_writer *new_writer)
{
    __atomic_store_n(&writer, new_writer, __ATOMIC_RELEASE);
}

static bool is_answered(uintptr_t asked)
{
    return (int32_t)(__atomic_load_n(&n_answered, __ATOMIC_ACQUIRE) - (uint32_t)asked) >= 0;
}

void thread_publish(void)
{
    struct guard guard;
    if (!thread_state_is_running())
        return;
    guard_disable_cancel(&guard);
    uint32_t asked = __atomic_add_fetch(&n_asked, 1, __ATOMIC_RELEASE);
    thread_state_wake();
    await(&n_done, is_answered, asked, THREAD_PATIENCE_MS * CLOCK_NS_PER_MS);
    guard_restore_cancel(&guard);
}

static bool has_ended(uintptr_t own_generation)
{
    return __atomic_load_n(&ended, __ATOMIC_ACQUIRE) == own_generation + 1;
}

void thread_stop(void)
{
    struct guard guard;
    guard_lock(&guard, &lock);
    bool was_running = thread_state_is_running();
    uintptr_t old = generation;
    if (was_running) {
        thread_state_set_running(false);
        __atomic_store_n(&generation, old + 1, __ATOMIC_RELEASE);
        thread_state_wake();
    }
    guard_unlock(&guard, &lock);
    if (!was_running)
        return;

    guard_disable_cancel(&guard);
    if (await(&n_done, has_ended, old, THREAD_PATIENCE_MS * CLOCK_NS_PER_MS))
        pthread_join(thread, NULL); /* it is about to end: nothing to wait for */
    else
        pthread_detach(thread);
    guard_restore_cancel(&guard);
}

void thread_forked(void)
{
    lock = LOCK_INIT;
    thread_state_forked();
    writer = NULL;
    work = (struct work){0};
    n_asked = n_answered;
    n_waiting = 0;
}
