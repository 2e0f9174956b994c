/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/resolver.h"

#include "base/condition.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_S     10
#define HOST_MAX   256
#define STACK_SIZE ((size_t)512 << 10) /* glibc's resolver keeps its answers on the stack */

struct resolver_request {
    struct resolver_request *next;
    char host[HOST_MAX];
    uint16_t port;
    bool is_slow, is_running, is_abandoned, is_done;
    resolver_done done;
    void *owner;
};

struct resolver {
    resolver_lookup lookup;
    pthread_mutex_t lock;
    pthread_cond_t work, change; /* for the threads; for abandon and destroy */
    struct resolver_request *first, **last;
    unsigned n_requests, n_queued; /* all; those that no thread has taken */
    unsigned n_threads, n_idle, n_slow_running;
    bool is_ending;
    bool is_left; /* destroy gave up: the last thread frees */
};

static void look_up(const char *host, uint16_t port, struct resolver_answer *ret)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char service[8];
    (void)snprintf(service, sizeof(service), "%u", port);
    ret->error = getaddrinfo(host, service, &hints, &list);
    for (const struct addrinfo *i = list; i && ret->n_addresses < RESOLVER_MAX_ADDRESSES;
         i = i->ai_next) {
        if (i->ai_addrlen > sizeof(struct sockaddr_storage))
            continue;
        struct resolver_address *address = &ret->addresses[ret->n_addresses++];
        memcpy(&address->address, i->ai_addr, i->ai_addrlen);
        address->size = i->ai_addrlen;
    }
    if (list)
        freeaddrinfo(list);
    if (!ret->error && !ret->n_addresses)
        ret->error = EAI_NONAME;
}

int resolver_parse_literal(const char *host, uint16_t port, struct resolver_address *ret)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[8];
    (void)snprintf(service, sizeof(service), "%u", port);
    int error = getaddrinfo(host, service, &hints, &list);
    if (error)
        return error;
    memcpy(&ret->address, list->ai_addr, list->ai_addrlen);
    ret->size = list->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

static void free_resolver(struct resolver *self)
{
    while (self->first) {
        struct resolver_request *request = self->first;
        self->first = request->next;
        free(request);
    }
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->work);
    pthread_cond_destroy(&self->change);
    free(self);
}

/* Takes the first request that may run now out of the queue. The lock is held. */
static struct resolver_request *take_request(struct resolver *self)
{
    for (struct resolver_request **link = &self->first; *link; link = &(*link)->next) {
        struct resolver_request *request = *link;
        if (request->is_slow && self->n_slow_running >= RESOLVER_MAX_SLOW)
            continue;
        *link = request->next;
        if (self->last == &request->next)
            self->last = link;
        request->is_running = true;
        self->n_queued--;
        self->n_slow_running += request->is_slow;
        return request;
    }
    return NULL;
}

/* Looks one up with the lock released, and delivers. */
static void run_request(struct resolver *self, struct resolver_request *request)
{
    struct resolver_answer answer = {0};
    pthread_mutex_unlock(&self->lock);
    uint64_t start = clock_monotonic_ns();
    self->lookup(request->host, request->port, &answer);
    answer.was_slow = clock_monotonic_ns() - start > RESOLVER_SLOW_MS * CLOCK_NS_PER_MS;
    pthread_mutex_lock(&self->lock);

    self->n_slow_running -= request->is_slow;
    self->n_requests--;
    if (request->is_abandoned) {
        free(request);
    } else {
        /* With the lock held, so that abandon() cannot come in between. */
        request->done(request->owner, &answer);
        request->is_done = true;
    }
    pthread_cond_broadcast(&self->work);
}

/* False: it was idle for long enough. The lock is held. */
static bool wait_for_work(struct resolver *self)
{
    self->n_idle++;
    int r = condition_wait_until(&self->work, &self->lock,
                                 clock_monotonic_ns() + IDLE_S * CLOCK_NS_PER_SECOND);
    self->n_idle--;
    return r != ETIMEDOUT;
}

static void *thread_main(void *argument)
{
    struct resolver *self = argument;
    pthread_setname_np(pthread_self(), "probe-resolver");
    pthread_mutex_lock(&self->lock);
    for (;;) {
        struct resolver_request *request = self->is_ending ? NULL : take_request(self);
        if (request)
            run_request(self, request);
        else if (self->is_ending || !wait_for_work(self))
            break;
    }
    self->n_threads--;
    bool is_last = self->is_left && self->n_threads == 0;
    pthread_cond_broadcast(&self->change);
    pthread_mutex_unlock(&self->lock);
    if (is_last)
        free_resolver(self);
    return NULL;
}

/* The lock is held. Detached: a thread in a lookup cannot be joined in bounded time. */
static int start_thread(struct resolver *self)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int r = pthread_create(&thread, &attributes, thread_main, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (r)
        return -EAGAIN;
    self->n_threads++;
    return 0;
}

int resolver_new(resolver_lookup lookup, struct resolver **ret)
{
    struct resolver *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->lookup = lookup ? lookup : look_up;
    self->last = &self->first;
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->work);
    condition_init(&self->change);
    *ret = self;
    return 0;
}

static int enqueue(struct resolver *self, struct resolver_request *request)
{
    if (self->n_requests >= RESOLVER_MAX_REQUESTS)
        return -ENOBUFS;
    bool needs_thread = self->n_queued >= self->n_idle && self->n_threads < RESOLVER_MAX_THREADS;
    if (needs_thread && start_thread(self) < 0 && self->n_threads == 0)
        return -EAGAIN;
    *self->last = request;
    self->last = &request->next;
    self->n_queued++;
    self->n_requests++;
    pthread_cond_signal(&self->work);
    return 0;
}

int resolver_submit(struct resolver *self, const char *host, uint16_t port, bool is_slow,
                    resolver_done done, void *owner, struct resolver_request **ret)
{
    struct resolver_request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    (void)snprintf(request->host, sizeof(request->host), "%s", host);
    request->port = port;
    request->is_slow = is_slow;
    request->done = done;
    request->owner = owner;
    pthread_mutex_lock(&self->lock);
    int r = enqueue(self, request);
    pthread_mutex_unlock(&self->lock);
    if (r < 0)
        free(request);
    else
        *ret = request;
    return r;
}

static void remove_queued(struct resolver *self, struct resolver_request *request)
{
    struct resolver_request **link = &self->first;
    while (*link != request)
        link = &(*link)->next;
    *link = request->next;
    if (self->last == &request->next)
        self->last = link;
    self->n_queued--;
    self->n_requests--;
    free(request);
}

void resolver_abandon(struct resolver *self, struct resolver_request **request_p)
{
    struct resolver_request *request = *request_p;
    *request_p = NULL;
    if (!request)
        return;
    pthread_mutex_lock(&self->lock);
    if (request->is_done)
        free(request);
    else if (request->is_running)
        request->is_abandoned = true;
    else
        remove_queued(self, request);
    pthread_mutex_unlock(&self->lock);
}

void resolver_destroy(struct resolver **self_p)
{
    struct resolver *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    uint64_t until_ns = clock_monotonic_ns() + RESOLVER_PATIENCE_MS * CLOCK_NS_PER_MS;
    pthread_mutex_lock(&self->lock);
    self->is_ending = true;
    pthread_cond_broadcast(&self->work);
    int r = 0;
    while (self->n_threads > 0 && r == 0)
        r = condition_wait_until(&self->change, &self->lock, until_ns);
    self->is_left = self->n_threads > 0;
    bool is_left = self->is_left;
    pthread_mutex_unlock(&self->lock);
    if (!is_left)
        free_resolver(self);
}
