/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/thread.h"

#include "base/clock.h"
#include "tap/events/monitor.h"
#include "tap/guard.h"
#include "tap/hooks/limits.h"
#include "tap/losses/endings.h"
#include "tap/queues/sampler.h"

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE (512 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t files = PTHREAD_MUTEX_INITIALIZER; /* held while a file may be open */
static pthread_cond_t published = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static struct segment_writer *writer;
static bool is_running;
static uintptr_t generation; /* a thread of an older one ends */
static int wake_fd = -1;
static uint64_t n_asked, n_done; /* rounds, asked for and published */
static int filter_mode = -1;     /* of system calls, when the first thread was made */
static bool is_quiet;

/* A program that puts a filter on all its threads later on may well be killed for the files that
 * the tap opens: a sandbox. The tap opens none from then on; what it counted so far stays. */
static bool must_be_quiet(void)
{
    if (!is_quiet && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != filter_mode)
        __atomic_store_n(&is_quiet, true, __ATOMIC_RELAXED);
    return is_quiet;
}

static void wake(void)
{
    uint64_t one = 1;
    if (wake_fd >= 0 && write(wake_fd, &one, sizeof(one)) < 0)
        return; /* the counter is full: it is awake */
}

static int ms_until(uint64_t deadline_ns)
{
    uint64_t now = clock_monotonic_ns();
    if (now >= deadline_ns)
        return 0;
    return (int)((deadline_ns - now + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

struct interval {
    uint64_t now_ns, elapsed_ns;
};

static void look(struct registry_socket *socket, void *data)
{
    const struct interval *interval = data;
    events_show_peers(socket);
    blocking_sample(socket, interval->now_ns, interval->elapsed_ns);
}

static void look_at_all(void)
{
    static uint64_t last_ns;
    uint64_t now = clock_monotonic_ns();
    struct interval interval = {now, now - last_ns};
    if (last_ns == 0 || interval.elapsed_ns >= CLOCK_NS_PER_SECOND)
        interval.elapsed_ns = 0;
    last_ns = now;
    registry_lock_inside();
    registry_each_socket(look, &interval);
    registry_unlock_inside();
}

static void write_segment(void)
{
    pthread_mutex_lock(&files);
    segment_writer_publish(writer);
    pthread_mutex_unlock(&files);
}

static void sample(void (*look_at)(void))
{
    pthread_mutex_lock(&files);
    look_at();
    pthread_mutex_unlock(&files);
}

static void publish(void)
{
    pthread_mutex_lock(&lock);
    uint64_t asked = n_asked;
    pthread_mutex_unlock(&lock);

    monitor_drain_all();
    look_at_all();
    if (!must_be_quiet())
        write_segment();

    pthread_mutex_lock(&lock);
    n_done = asked;
    pthread_cond_broadcast(&published);
    pthread_mutex_unlock(&lock);
}

/* True when the thread shall end. */
static bool wait_for_work(uint64_t deadline_ns, uintptr_t own_generation)
{
    static struct pollfd fds[MONITOR_MAX_FDS + 1];
    pthread_mutex_lock(&lock);
    fds[0] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
    pthread_mutex_unlock(&lock);
    size_t n = 1 + monitor_fds(fds + 1, MONITOR_MAX_FDS);
    if (poll(fds, n, ms_until(deadline_ns)) > 0)
        monitor_drain_all();
    pthread_mutex_lock(&lock);
    /* With the lock: what was shed is by now a descriptor of the program's. */
    uint64_t count;
    while (wake_fd >= 0 && (fds[0].revents & POLLIN) && read(wake_fd, &count, sizeof(count)) > 0)
        continue;
    bool is_last = generation != own_generation;
    pthread_mutex_unlock(&lock);
    return is_last;
}

/* A queue may be gone soon. Looks out of turn cost at most 1/20 of a core. */
static void look_out_of_turn(void)
{
    static uint64_t pause_until_ns;
    uint64_t now = clock_monotonic_ns();
    if (now < pause_until_ns || now < endings_next_look_ns() || must_be_quiet())
        return;
    sample(sampler_look);
    uint64_t end = clock_monotonic_ns();
    pause_until_ns = end + (end - now) * 20;
}

static bool is_asked_to_publish(void)
{
    pthread_mutex_lock(&lock);
    bool is_asked = n_asked != n_done;
    pthread_mutex_unlock(&lock);
    return is_asked;
}

static void *run(void *own_generation)
{
    uint64_t tick = clock_monotonic_ns();
    bool is_last = false;
    pthread_setname_np(pthread_self(), "zmqtap");
    while (!is_last) {
        if (!must_be_quiet()) {
            if (limits_are_descriptors_short())
                limits_shed();
            sample(sampler_round);
        }
        publish();
        tick += THREAD_TICK_MS * CLOCK_NS_PER_MS;
        while (!is_last && !is_asked_to_publish() && clock_monotonic_ns() < tick) {
            look_out_of_turn();
            uint64_t next = endings_next_look_ns();
            is_last = wait_for_work(next < tick && next > 0 ? next : tick,
                                    (uintptr_t)own_generation);
        }
        if (clock_monotonic_ns() > tick + CLOCK_NS_PER_SECOND)
            tick = clock_monotonic_ns(); /* was stopped for a while: no burst of ticks */
    }
    if (!must_be_quiet())
        sample(sampler_look);
    publish();
    return NULL;
}

static int create(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    int error = pthread_create(&thread, &attributes, run, (void *)generation);
    if (error == EINVAL) /* the program's thread-local data alone is larger */
        error = pthread_create(&thread, NULL, run, (void *)generation);
    pthread_attr_destroy(&attributes);
    return -error;
}

int thread_start(struct segment_writer *new_writer)
{
    struct guard guard;
    int error = 0;
    guard_lock(&guard, &lock);
    if (!is_running) {
        writer = new_writer;
        if (filter_mode < 0)
            filter_mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        error = create(); /* inherits the guard's mask: no signal is for this thread */
        is_running = error == 0;
    }
    guard_unlock(&guard, &lock);
    return error;
}

static struct timespec deadline_after_ms(uint64_t ms)
{
    uint64_t ns = clock_monotonic_ns() + ms * CLOCK_NS_PER_MS;
    return (struct timespec){.tv_sec = (time_t)(ns / CLOCK_NS_PER_SECOND),
                             .tv_nsec = (long)(ns % CLOCK_NS_PER_SECOND)};
}

void thread_wake(void)
{
    struct guard guard;
    guard_lock(&guard, &lock);
    if (is_running)
        wake();
    guard_unlock(&guard, &lock);
}

void thread_publish(void)
{
    struct guard guard;
    struct timespec deadline = deadline_after_ms(THREAD_PATIENCE_MS);
    guard_lock(&guard, &lock);
    if (is_running) {
        uint64_t wanted = ++n_asked;
        wake();
        while (n_done < wanted &&
               pthread_cond_clockwait(&published, &lock, CLOCK_MONOTONIC, &deadline) == 0)
            continue;
    }
    guard_unlock(&guard, &lock);
}

void thread_stop(void)
{
    struct guard guard;
    struct timespec deadline = deadline_after_ms(THREAD_PATIENCE_MS);
    guard_lock(&guard, &lock);
    bool was_running = is_running;
    is_running = false;
    generation++;
    wake();
    guard_unlock(&guard, &lock);

    guard_enter(&guard);
    if (was_running && pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &deadline) != 0)
        pthread_detach(thread);
    else if (was_running && wake_fd >= 0)
        close(wake_fd);
    guard_leave(&guard);
}

bool thread_shed(void)
{
    struct guard guard;
    guard_lock(&guard, &lock);
    bool has_shed = wake_fd >= 0;
    if (has_shed)
        close(wake_fd);
    wake_fd = -1;
    guard_unlock(&guard, &lock);
    return has_shed;
}

bool thread_hold_files(struct guard *guard)
{
    struct timespec deadline = deadline_after_ms(THREAD_PATIENCE_MS);
    guard_enter(guard);
    if (pthread_mutex_clocklock(&files, CLOCK_MONOTONIC, &deadline) == 0)
        return true;
    guard_leave(guard);
    return false;
}

void thread_release_files(const struct guard *guard)
{
    guard_unlock(guard, &files);
}

bool thread_may_open_files(void)
{
    return !__atomic_load_n(&is_quiet, __ATOMIC_RELAXED) &&
           prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == filter_mode;
}

bool thread_is_running(void)
{
    return __atomic_load_n(&is_running, __ATOMIC_RELAXED);
}

void thread_forked(void)
{
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    files = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    published = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    is_running = false;
    wake_fd = -1;
    filter_mode = -1;
    is_quiet = false;
}
