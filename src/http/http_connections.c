/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_connections.h"

#include "base/condition.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define LOOKS        16u          /* at those that may have moved, to let one in */
#define MOVING_LARGE 4u           /* times max_large, which may be under way if all move */
#define UNSENT_MAX   (256 * 1024) /* bytes that the kernel keeps for who does not take them */

/*
 * Design. One list for each state, the one that has not moved for longest first, as connections
 * enter at the end: so whoever has to go stands at the head, and nothing is searched. Who takes an
 * answer is known from the kernel, and asked only of those that would have to go. Shutting down
 * is shutdown(2) on the descriptor; the HTTP library then sees the end of the stream and closes. It
 * tells us before it does, under the lock of ours, so the descriptor is still that connection's.
 */

enum state { REQUEST, IDLE, ANSWER, LARGE_ANSWER, N_TIMED, WORK = N_TIMED, SHUT, N_STATES };

struct http_connection {
    struct http_connections *all;
    struct http_connection *before, *after; /* in its state's list */
    uint64_t since_ns;                      /* in the state */
    uint64_t moved_ns;                      /* last, within it */
    uint64_t taken;                         /* see taken_bytes() */
    uint64_t received;                      /* see shows_request(); 0: not looked at */
    enum state state;
    int fd;
};

struct list {
    struct http_connection *first, *last;
    unsigned n;
};

struct http_connections {
    struct http_connections_options options;
    pthread_mutex_t lock;
    pthread_cond_t is_stopping_now;
    pthread_t thread;
    struct list lists[N_STATES];
    bool is_stopping;
};

/* With the lock held. */

static void unlink_connection(struct http_connection *connection)
{
    struct list *list = &connection->all->lists[connection->state];
    *(connection->before ? &connection->before->after : &list->first) = connection->after;
    *(connection->after ? &connection->after->before : &list->last) = connection->before;
    list->n--;
}

static void link_connection(struct http_connection *connection, enum state state)
{
    struct list *list = &connection->all->lists[state];
    connection->state = state;
    connection->moved_ns = clock_monotonic_ns();
    connection->before = list->last;
    connection->after = NULL;
    *(list->last ? &list->last->after : &list->first) = connection;
    list->last = connection;
    list->n++;
}

static void shut(struct http_connection *connection, enum http_limit limit)
{
    unlink_connection(connection);
    link_connection(connection, SHUT);
    http_stats_add(&connection->all->options.stats->limits[limit], 1);
    shutdown(connection->fd, SHUT_RDWR);
}

/* What the other side has taken so far; of a unix socket, what it has not. */
static uint64_t taken_bytes(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    int left;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        size >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
        return info.tcpi_bytes_acked;
    return ioctl(fd, SIOCOUTQ, &left) == 0 ? (uint64_t)left : 0;
}

/* Whether it has taken some of its answer since it was looked at before. */
static bool has_moved(struct http_connection *connection)
{
    uint64_t taken = taken_bytes(connection->fd);
    if (taken == connection->taken)
        return false;
    connection->taken = taken;
    unlink_connection(connection);
    link_connection(connection, connection->state);
    return true;
}

/* Who has not moved for longest. Those that take their answer are put behind the others, but only
 * so many: in a crowd that takes a byte now and then one has to go. */
static struct http_connection *find_slowest(struct http_connections *self, enum state state)
{
    const struct list *list = &self->lists[state];
    for (unsigned n = 0; n < LOOKS && state >= ANSWER && list->n && has_moved(list->first); n++)
        continue;
    return list->first;
}

static enum state find_crowded(const struct http_connections *self)
{
    enum state crowded = 0;
    for (enum state state = 1; state < N_TIMED; state++) {
        if (self->lists[state].n > self->lists[crowded].n)
            crowded = state;
    }
    return crowded;
}

static void make_room(struct http_connections *self)
{
    unsigned n = 0;
    for (enum state state = 0; state < SHUT; state++)
        n += self->lists[state].n;
    if (n <= self->options.max_open)
        return;
    struct http_connection *slowest = find_slowest(self, find_crowded(self));
    if (slowest)
        shut(slowest, HTTP_LIMIT_CONNECTIONS);
}

static void shut_stalled(struct http_connections *self)
{
    const struct list *large = &self->lists[LARGE_ANSWER];
    uint64_t now_ns = clock_monotonic_ns();
    while (large->n > self->options.max_large * MOVING_LARGE)
        shut(find_slowest(self, LARGE_ANSWER), HTTP_LIMIT_ANSWERS);
    while (large->n > self->options.max_large &&
           large->first->moved_ns + HTTP_STALL_MS * CLOCK_NS_PER_MS < now_ns) {
        if (!has_moved(large->first))
            shut(large->first, HTTP_LIMIT_ANSWERS);
    }
}

static void move(struct http_connection *connection, enum state state)
{
    if (!connection)
        return;
    struct http_connections *self = connection->all;
    pthread_mutex_lock(&self->lock);
    if (connection->state != SHUT) {
        bool is_new = connection->state != state;
        unlink_connection(connection);
        link_connection(connection, state);
        if (is_new)
            connection->since_ns = connection->moved_ns;
        connection->received = 0;
        shut_stalled(self);
    }
    pthread_mutex_unlock(&self->lock);
}

/* Whether bytes have come since it is idle: they are a request's, of which the library tells only
 * when its first line is whole. Of a unix socket nothing is known before. */
static bool shows_request(struct http_connection *connection)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);
    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
        return false;
    uint64_t before = connection->received;
    connection->received = info.tcpi_bytes_received;
    return before && before != connection->received;
}

static void find_requests(struct http_connections *self)
{
    struct http_connection *next;
    for (struct http_connection *i = self->lists[IDLE].first; i; i = next) {
        next = i->after;
        if (!shows_request(i))
            continue;
        unlink_connection(i);
        link_connection(i, REQUEST);
        i->since_ns = i->moved_ns;
    }
}

static void shut_slow(struct http_connections *self)
{
    const struct http_patience *patience = &self->options.patience;
    const struct {
        unsigned seconds;
        enum http_limit limit;
    } rules[N_TIMED] = {
        [REQUEST] = {patience->request_s, HTTP_LIMIT_REQUEST_TIME},
        [IDLE] = {patience->idle_s, HTTP_LIMIT_IDLE_TIME},
        [ANSWER] = {patience->answer_s, HTTP_LIMIT_ANSWER_TIME},
        [LARGE_ANSWER] = {patience->answer_s, HTTP_LIMIT_ANSWER_TIME},
    };
    uint64_t now_ns = clock_monotonic_ns();
    for (int state = 0; state < N_TIMED; state++) {
        uint64_t limit_ns = rules[state].seconds * CLOCK_NS_PER_SECOND;
        struct http_connection *next;
        for (struct http_connection *i = self->lists[state].first; i; i = next) {
            next = i->after;
            if (now_ns - i->since_ns > limit_ns)
                shut(i, rules[state].limit);
        }
    }
    shut_stalled(self);
}

/* libmicrohttpd gets one event for a close and, if data came with it, handles only the data: then
 * it does not notice that the client has gone. */
static void shut_gone(struct http_connections *self)
{
    static const enum state waiting[] = {REQUEST, IDLE};
    char byte;
    for (size_t i = 0; i < sizeof(waiting) / sizeof(*waiting); i++) {
        struct http_connection *next;
        for (struct http_connection *j = self->lists[waiting[i]].first; j; j = next) {
            next = j->after;
            if (recv(j->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
                continue;
            unlink_connection(j);
            link_connection(j, SHUT);
            shutdown(j->fd, SHUT_RDWR);
        }
    }
}

static void *watch(void *arg)
{
    struct http_connections *self = arg;
    pthread_mutex_lock(&self->lock);
    while (!self->is_stopping) {
        find_requests(self);
        shut_slow(self);
        shut_gone(self);
        condition_wait_until(&self->is_stopping_now, &self->lock,
                             clock_monotonic_ns() + CLOCK_NS_PER_SECOND);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

int http_connections_new(const struct http_connections_options *options,
                         struct http_connections **ret_connections)
{
    struct http_connections *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->options = *options;
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->is_stopping_now);
    int r = -pthread_create(&self->thread, NULL, watch, self);
    if (r < 0) {
        free(self);
        return r;
    }
    pthread_setname_np(self->thread, "http watch");
    *ret_connections = self;
    return 0;
}

void http_connections_destroy(struct http_connections **self_p)
{
    struct http_connections *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    pthread_cond_signal(&self->is_stopping_now);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->is_stopping_now);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

struct http_connection *http_connection_opened(struct http_connections *self, int fd)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->all = self;
    connection->fd = fd;
    const int unsent = UNSENT_MAX; /* fails on a unix socket, whose buffer is small */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    http_stats_add(&self->options.stats->connections, 1);
    pthread_mutex_lock(&self->lock);
    link_connection(connection, REQUEST);
    connection->since_ns = connection->moved_ns;
    make_room(self);
    pthread_mutex_unlock(&self->lock);
    return connection;
}

void http_connection_closed(struct http_connection *connection)
{
    if (!connection)
        return;
    struct http_connections *self = connection->all;
    pthread_mutex_lock(&self->lock);
    unlink_connection(connection);
    pthread_mutex_unlock(&self->lock);
    http_stats_add(&self->options.stats->closed_connections, 1);
    free(connection);
}

void http_connection_begins(struct http_connection *connection)
{
    move(connection, REQUEST);
}

void http_connection_works(struct http_connection *connection)
{
    move(connection, WORK);
}

void http_connection_answers(struct http_connection *connection, size_t size)
{
    move(connection, size > HTTP_LARGE_ANSWER ? LARGE_ANSWER : ANSWER);
}

void http_connection_rests(struct http_connection *connection)
{
    move(connection, IDLE);
}
