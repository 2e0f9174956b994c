/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: each turn of the loop waits in epoll for descriptors, the next due time or a wake-up,
 * then takes the lock and does, in this order: the descriptors, the monitors' events, answers of
 * the resolver, what is due, and last the commands. Only commands free endpoints, so that nothing
 * later in a turn meets one that is gone. A stream with more input than one turn gives it, or
 * more events than one turn takes, makes the next wait a poll.
 *
 * The due times of at most PROBE_ACTOR_ENDPOINTS_MAX endpoints are looked through in every turn,
 * which costs less than keeping them in order would.
 */
#include "collectors/probe/probe_actor.h"

#include "base/condition.h"
#include "collectors/probe/probe_attempt.h"
#include "collectors/probe/probe_link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_TURN  64
#define MONITOR_PER_TURN 1000
#define WAIT_MAX_MS      60000

/* What epoll's data points to for the actor's own descriptors. */
static char wake_mark, events_mark, pipe_mark;

struct probe_actor {
    zactor_t *actor;
    zsock_t *pipe; /* in the actor's thread */
    pthread_mutex_t lock;
    pthread_cond_t change; /* commands done, a one-time endpoint done, cancelled */
    struct probe_inbox inbox;
    struct probe_loop loop;
    struct probe_endpoint *endpoints, **last;
    uint64_t n_posted, n_done; /* commands */
    bool is_busy, is_ending, is_cancelled;
    int start_error;
    struct probe_shared *shared;
};

static void add_endpoint(struct probe_actor *self, struct probe_endpoint *endpoint)
{
    uint64_t now_ns = self->loop.now_ns;
    endpoint->next = NULL;
    *self->last = endpoint;
    self->last = &endpoint->next;
    probe_endpoint_start(endpoint, &self->loop,
                         endpoint->is_once ? now_ns
                                           : probe_shared_take_start(self->shared, now_ns));
}

static void drop(struct probe_actor *self, struct probe_endpoint *endpoint)
{
    struct probe_endpoint **link = &self->endpoints;
    while (*link && *link != endpoint)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = endpoint->next;
    if (self->last == &endpoint->next)
        self->last = link;
    probe_endpoint_stop(endpoint, &self->loop);
    probe_endpoint_destroy(&endpoint);
}

static void retarget(struct probe_actor *self, const struct probe_command *command)
{
    struct probe_endpoint *endpoint = command->endpoint;
    struct exporter_config *config = command->config;
    if (!probe_endpoint_retarget(endpoint, config, command->definition)) {
        probe_endpoint_stop(endpoint, &self->loop);
        probe_endpoint_start(endpoint, &self->loop,
                             probe_shared_take_start(self->shared, self->loop.now_ns));
    }
    exporter_config_unref(&config);
}

static void run_commands(struct probe_actor *self)
{
    struct probe_command *command = probe_inbox_take_commands(&self->inbox);
    while (command) {
        struct probe_command *next = command->next;
        if (command->kind == PROBE_COMMAND_ADD)
            add_endpoint(self, command->endpoint);
        else if (command->kind == PROBE_COMMAND_REMOVE)
            drop(self, command->endpoint);
        else
            retarget(self, command);
        free(command);
        self->n_done++;
        command = next;
    }
}

static struct probe_endpoint *find_by_serial(const struct probe_actor *self, uint64_t serial)
{
    struct probe_endpoint *endpoint = self->endpoints;
    while (endpoint && endpoint->socket.serial != serial)
        endpoint = endpoint->next;
    return endpoint;
}

static void run_monitors(struct probe_actor *self)
{
    uint64_t serial;
    uint16_t event;
    uint32_t value;
    for (int i = 0; i < MONITOR_PER_TURN; i++) {
        if (!probe_socket_next_event(self->loop.events, &serial, &event, &value))
            return;
        struct probe_endpoint *endpoint = find_by_serial(self, serial);
        if (endpoint)
            probe_endpoint_apply(endpoint, &self->loop,
                                 probe_link_on_event(endpoint, &self->loop, event, value));
    }
    self->is_busy = true;
}

static void run_answers(struct probe_actor *self)
{
    struct probe_answer *answer;
    while ((answer = probe_inbox_take_answer(&self->inbox)))
        probe_endpoint_apply(answer->endpoint, &self->loop,
                             probe_attempt_on_answer(answer->endpoint, &self->loop));
}

static void run_due(struct probe_actor *self)
{
    for (struct probe_endpoint *i = self->endpoints; i; i = i->next) {
        if (i->due_ns <= self->loop.now_ns)
            probe_endpoint_on_due(i, &self->loop);
        if (i->is_busy)
            probe_endpoint_apply(i, &self->loop, probe_link_on_ready(i, &self->loop));
        self->is_busy |= i->is_busy;
    }
}

/* The actor's own pipe: CZMQ asks it to end. Its descriptor only tells of what comes after the
 * pipe was found empty, so it is looked at in every turn. */
static void run_pipe(struct probe_actor *self)
{
    while (zsock_events(self->pipe) & ZMQ_POLLIN) {
        char *command = zstr_recv_nowait(self->pipe);
        if (!command)
            return;
        self->is_ending |= streq(command, "$TERM");
        zstr_free(&command);
    }
}

static void run_descriptor(struct probe_actor *self, const struct epoll_event *event)
{
    const struct probe_source *source = event->data.ptr;
    if (event->data.ptr == &wake_mark)
        probe_inbox_clear(&self->inbox);
    else if (event->data.ptr == &pipe_mark || event->data.ptr == &events_mark)
        return; /* looked at in every turn */
    else if (source->is_client)
        probe_endpoint_apply(source->endpoint, &self->loop,
                             probe_attempt_on_ready(source->endpoint, &self->loop));
    else
        probe_endpoint_apply(source->endpoint, &self->loop,
                             probe_link_on_ready(source->endpoint, &self->loop));
}

static int wait_ms(struct probe_actor *self)
{
    uint64_t due_ns = PROBE_NEVER;
    /* Events may have come in while the ROUTER did something else; its descriptor tells once. */
    if (self->is_busy || zsock_events(self->loop.events) & ZMQ_POLLIN)
        return 0;
    for (const struct probe_endpoint *i = self->endpoints; i; i = i->next)
        due_ns = i->due_ns < due_ns ? i->due_ns : due_ns;
    uint64_t now = clock_monotonic_ns();
    if (due_ns <= now)
        return 0;
    uint64_t ms = (due_ns - now) / CLOCK_NS_PER_MS + 1; /* not before it is due */
    return ms > WAIT_MAX_MS ? WAIT_MAX_MS : (int)ms;
}

static void turn(struct probe_actor *self)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int n = epoll_wait(self->loop.epoll_fd, events, EVENTS_PER_TURN, wait_ms(self));
    pthread_mutex_lock(&self->lock);
    self->loop.now_ns = clock_monotonic_ns();
    self->is_busy = false;
    for (int i = 0; i < n; i++)
        run_descriptor(self, &events[i]);
    run_pipe(self);
    run_monitors(self);
    run_answers(self);
    run_due(self);
    run_commands(self);
    pthread_cond_broadcast(&self->change);
    pthread_mutex_unlock(&self->lock);
}

static int watch(struct probe_actor *self, int fd, void *mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};
    return epoll_ctl(self->loop.epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* The ROUTER is made and used by this thread alone. */
static int open_loop(struct probe_actor *self)
{
    int r = probe_socket_events_new(&self->loop.events);
    if (r == 0)
        r = watch(self, zsock_fd(self->loop.events), &events_mark);
    if (r == 0)
        r = watch(self, zsock_fd(self->pipe), &pipe_mark);
    return r == 0 ? watch(self, self->inbox.wake_fd, &wake_mark) : r;
}

static void close_loop(struct probe_actor *self)
{
    pthread_mutex_lock(&self->lock);
    run_commands(self);
    while (self->endpoints)
        drop(self, self->endpoints);
    pthread_cond_broadcast(&self->change);
    pthread_mutex_unlock(&self->lock);
    zsock_destroy(&self->loop.events);
}

static void actor_main(zsock_t *pipe, void *argument)
{
    struct probe_actor *self = argument;
    pthread_setname_np(pthread_self(), "probe-actor");
    self->pipe = pipe;
    int r = open_loop(self);
    __atomic_store_n(&self->start_error, r, __ATOMIC_RELEASE); /* read when the signal has come */
    zsock_signal(pipe, 0);
    run_pipe(self);
    while (r == 0 && !self->is_ending)
        turn(self);
    close_loop(self);
}

static int init(struct probe_actor *self, struct probe_shared *shared)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int r = epoll_fd < 0 ? -errno : probe_inbox_init(&self->inbox);
    if (r < 0) {
        if (epoll_fd >= 0)
            close(epoll_fd);
        return r;
    }
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->change);
    self->last = &self->endpoints;
    self->shared = shared;
    self->loop = (struct probe_loop){.epoll_fd = epoll_fd,
                                     .resolver = shared->resolver,
                                     .inbox = &self->inbox,
                                     .now_ns = clock_monotonic_ns(),
                                     .random = (unsigned)clock_monotonic_ns()};
    return 0;
}

static void finish(struct probe_actor *self)
{
    close(self->loop.epoll_fd);
    probe_inbox_finish(&self->inbox);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->change);
    free(self);
}

int probe_actor_new(struct probe_shared *shared, struct probe_actor **ret)
{
    struct probe_actor *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    int r = init(self, shared);
    if (r < 0) {
        free(self);
        return r;
    }
    self->actor = zactor_new(actor_main, self);
    if (!self->actor) {
        finish(self);
        return -EAGAIN;
    }
    r = __atomic_load_n(&self->start_error, __ATOMIC_ACQUIRE);
    if (r < 0)
        probe_actor_destroy(&self);
    else
        *ret = self;
    return r;
}

void probe_actor_destroy(struct probe_actor **self_p)
{
    struct probe_actor *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    zactor_destroy(&self->actor);
    finish(self);
}

void probe_actor_post(struct probe_actor *self, struct probe_command *command)
{
    pthread_mutex_lock(&self->lock);
    self->n_posted++;
    pthread_mutex_unlock(&self->lock);
    probe_inbox_post(&self->inbox, command);
}

void probe_actor_wait(struct probe_actor *self)
{
    pthread_mutex_lock(&self->lock);
    uint64_t target = self->n_posted;
    while (self->n_done < target)
        pthread_cond_wait(&self->change, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

bool probe_actor_wait_done(struct probe_actor *self, const struct probe_endpoint *endpoint,
                           uint64_t deadline_ns)
{
    int r = 0;
    pthread_mutex_lock(&self->lock);
    while (!endpoint->is_done && !self->is_cancelled && r == 0)
        r = condition_wait_until(&self->change, &self->lock, deadline_ns);
    bool is_done = endpoint->is_done;
    pthread_mutex_unlock(&self->lock);
    return is_done;
}

void probe_actor_cancel(struct probe_actor *self)
{
    pthread_mutex_lock(&self->lock);
    self->is_cancelled = true;
    pthread_cond_broadcast(&self->change);
    pthread_mutex_unlock(&self->lock);
}

const struct probe_endpoint *probe_actor_lock(struct probe_actor *self)
{
    pthread_mutex_lock(&self->lock);
    return self->endpoints;
}

void probe_actor_unlock(struct probe_actor *self)
{
    pthread_mutex_unlock(&self->lock);
}
