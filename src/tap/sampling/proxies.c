/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a thread is in one proxy at a time, and names it by a number under a key of its own. A
 * thread that ends in the call, or jumps out of it, does not come back from it: then the key's
 * destructor ends the proxy, or the thread's next one does. A proxy all of whose sockets are closed
 * is gone by itself; nobody has a pointer to it.
 */
#include "tap/sampling/proxies.h"

#include "tap/counting/publish.h"
#include "tap/ground/thread_state.h"
#include "tap/learned/learned.h"

#include <stdlib.h>
#include <zmq.h>

struct member {
    struct registry_socket *socket; /* NULL: there is none, or it has another role already */
    uint32_t serial;                /* the socket may be closed, and its entry used again */
    struct followed followed;
    uint64_t n_sent, n_received; /* that are in its lane */
};

struct proxy {
    uintptr_t id;
    struct member members[PROXY_N_ROLES];
    bool is_attached; /* no proxy: its one member is attached */
    bool is_echo;     /* frontend and backend are one socket */
    struct proxy *next;
};

static struct followed *followed[REGISTRY_MAX_SOCKETS]; /* by socket; NULL: hooks count it */
static struct proxy *first;                             /* under the registry's lock */
static uintptr_t last_id;
static pthread_key_t own_key; /* of the thread that is in it: its id */
static pthread_once_t has_key = PTHREAD_ONCE_INIT;
static bool is_key_there;

static bool is_open(const struct member *member)
{
    const struct registry_socket *socket = member->socket;
    return socket && socket->is_used && socket->slot && socket->serial == member->serial;
}

/*
 * Counting, with the registry's lock held
 */

/* Whether each message that the socket takes is written to one pipe. */
static bool is_written_once(const struct registry_socket *socket)
{
    int type = socket->type;
    return type == ZMQ_PAIR || type == ZMQ_PUSH || type == ZMQ_DEALER || type == ZMQ_REQ;
}

/* Whether the socket reads what it does not hand to its program: a subscription known already. */
static bool is_reading_for_itself(const struct registry_socket *socket)
{
    return socket->type == ZMQ_XPUB || socket->type == ZMQ_PUB;
}

/* Messages that went from one to the other; 0 where that is not known. */
static uint64_t count_between(const struct member *from, const struct member *to)
{
    if (to->socket && is_written_once(to->socket))
        return to->followed.n_written;
    if (from->socket && !is_reading_for_itself(from->socket))
        return from->followed.n_read;
    return 0;
}

static void count(struct member *member, uint32_t word, uint64_t *n_counted, uint64_t n)
{
    if (is_open(member) && n > *n_counted) /* other threads may use a socket of a shared type */
        __atomic_fetch_add(&member->socket->words[word], n - *n_counted, __ATOMIC_RELAXED);
    if (n > *n_counted)
        *n_counted = n;
}

static void count_both(struct member *member, uint64_t n_sent, uint64_t n_received)
{
    count(member, SEGMENT_SENT_MESSAGES, &member->n_sent, n_sent);
    count(member, SEGMENT_RECEIVED_MESSAGES, &member->n_received, n_received);
}

/* Nothing else tells how many messages were sent where one goes to several peers. */
static void settle_attached(struct member *member)
{
    if (!is_open(member))
        return;
    int type = member->socket->type;
    bool is_distributing = type == ZMQ_PUB || type == ZMQ_XPUB || type == ZMQ_XSUB;
    count_both(member, is_distributing ? 0 : member->followed.n_written,
               is_reading_for_itself(member->socket) ? 0 : member->followed.n_read);
}

static void settle(struct proxy *proxy)
{
    if (proxy->is_attached) {
        settle_attached(&proxy->members[0]);
        return;
    }
    struct member *frontend = &proxy->members[PROXY_FRONTEND];
    struct member *backend = &proxy->members[PROXY_BACKEND];
    struct member *capture = &proxy->members[PROXY_CAPTURE];
    struct member *control = &proxy->members[PROXY_CONTROL];
    uint64_t there = count_between(frontend, proxy->is_echo ? frontend : backend);
    uint64_t back = proxy->is_echo ? 0 : count_between(backend, frontend);
    if (proxy->is_echo)
        count_both(frontend, there, there);
    else
        count_both(frontend, back, there);
    count_both(backend, there, back);
    count_both(control, control->followed.n_written, control->followed.n_read);
    if (capture->socket && is_written_once(capture->socket))
        count_both(capture, capture->followed.n_written, 0);
    else
        count_both(capture, there + back + control->followed.n_read, 0);
}

static bool is_over(const struct proxy *proxy)
{
    bool is_any_open = false;
    for (int i = 0; i < PROXY_N_ROLES; i++)
        is_any_open = is_any_open || is_open(&proxy->members[i]);
    return !is_any_open;
}

static void destroy(struct proxy *proxy)
{
    for (int i = 0; i < PROXY_N_ROLES; i++)
        followed_finish(&proxy->members[i].followed);
    free(proxy);
}

void proxies_settle(void)
{
    for (struct proxy **at = &first; *at;) {
        struct proxy *proxy = *at;
        settle(proxy);
        if (is_over(proxy)) {
            *at = proxy->next;
            destroy(proxy);
        } else {
            at = &proxy->next;
        }
    }
}

void proxies_note(struct registry_socket *socket, const struct pipe_count *count)
{
    followed_note(followed[socket->index], count);
}

void proxies_end_round(struct registry_socket *socket)
{
    followed_end_round(followed[socket->index]);
}

/*
 * Begin and end
 */
static void follow_member(struct member *member, struct registry_socket *socket)
{
    const struct pipe_layout *layout = learned_pipes_of(socket->library);
    if (!layout || followed[socket->index])
        return;
    *member = (struct member){.socket = socket, .serial = socket->serial};
    followed_begin(&member->followed, layout, socket->handle);
    member->followed.id = ++last_id;
    followed[socket->index] = &member->followed;
}

static struct proxy *take_from_list(uintptr_t id)
{
    for (struct proxy **at = &first; *at; at = &(*at)->next) {
        struct proxy *proxy = *at;
        if (proxy->id != id)
            continue;
        *at = proxy->next;
        return proxy;
    }
    return NULL;
}

/* The lock keeps a zmq_close by another thread from freeing the socket meanwhile: its hook takes
 * the lock before libzmq is called. */
static void unfollow_member(struct member *member)
{
    if (!is_open(member))
        return;
    followed_update(&member->followed, learned_pipes_of(member->socket->library),
                    member->socket->handle);
    followed[member->socket->index] = NULL;
    publish_resume(member->socket);
}

static void end(void *id)
{
    struct guard guard;
    registry_lock(&guard);
    struct proxy *proxy = take_from_list((uintptr_t)id);
    for (int i = 0; proxy && i < PROXY_N_ROLES; i++)
        unfollow_member(&proxy->members[i]);
    if (proxy) {
        settle(proxy);
        destroy(proxy);
    }
    registry_unlock(&guard);
}

static void make_key(void)
{
    is_key_there = pthread_key_create(&own_key, end) == 0;
}

void proxies_end(void)
{
    int error = errno;
    void *id = is_key_there ? pthread_getspecific(own_key) : NULL;
    if (id) {
        pthread_setspecific(own_key, NULL);
        end(id);
    }
    errno = error;
}

static void begin(struct proxy *self, struct registry_socket *const sockets[PROXY_N_ROLES])
{
    struct guard guard;
    registry_lock(&guard);
    uintptr_t id = ++last_id;
    self->id = id;
    self->is_echo = sockets[PROXY_FRONTEND] == sockets[PROXY_BACKEND];
    for (int i = 0; i < PROXY_N_ROLES; i++) {
        if (!sockets[i])
            continue;
        segment_word_add(&sockets[i]->words[SEGMENT_PROXIED], 1);
        follow_member(&self->members[i], sockets[i]);
    }
    self->next = first;
    first = self;
    registry_unlock(&guard);
    if (pthread_setspecific(own_key, (void *)id) != 0)
        end((void *)id);
}

void proxies_begin(struct registry_socket *const sockets[PROXY_N_ROLES])
{
    int error = errno;
    thread_state_rouse();
    pthread_once(&has_key, make_key);
    proxies_end(); /* one that the thread jumped out of */
    struct proxy *self = is_key_there ? calloc(1, sizeof(*self)) : NULL;
    if (self)
        begin(self, sockets);
    errno = error;
}

void proxies_attach(struct registry_socket *socket)
{
    struct guard guard;
    int error = errno;
    struct proxy *self = calloc(1, sizeof(*self));
    registry_lock(&guard);
    if (self) {
        self->id = ++last_id;
        self->is_attached = true;
        follow_member(&self->members[0], socket);
        self->next = first;
        first = self;
    }
    registry_unlock(&guard);
    errno = error;
}

void proxies_detach(struct registry_socket *socket)
{
    struct guard guard;
    uintptr_t id = 0;
    registry_lock(&guard);
    for (const struct proxy *proxy = first; proxy; proxy = proxy->next) {
        if (proxy->is_attached && proxy->members[0].socket == socket && is_open(&proxy->members[0]))
            id = proxy->id;
    }
    registry_unlock(&guard);
    if (id != 0)
        end((void *)id);
}

uintptr_t proxies_id_of(const struct registry_socket *socket)
{
    const struct followed *its = followed[socket->index];
    return its ? its->id : 0;
}

void proxies_reset(struct registry_socket *socket)
{
    followed[socket->index] = NULL;
}

void proxies_forked(void)
{
    first = NULL; /* its memory is the parent's thread's, which is not here */
}
