/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/in_use.h"

static uint32_t users[REGISTRY_MAX_SOCKETS]; /* numbers of threads; 0: none */
static uint32_t n_threads;
static _Thread_local uint32_t this_thread;

static uint32_t *user_of(const struct registry_socket *socket)
{
    return &users[socket->index];
}

uint32_t in_use_this_thread(void)
{
    if (this_thread == 0)
        this_thread = __atomic_add_fetch(&n_threads, 1, __ATOMIC_RELAXED);
    return this_thread;
}

static void count(const struct registry_socket *socket)
{
    __atomic_fetch_add(&socket->words[SEGMENT_CONCURRENT_CALLS], 1, __ATOMIC_RELAXED);
}

/* Unless the socket's place has gone to another one meanwhile. */
static void release_socket(void *data)
{
    const struct in_use_call *call = data;
    uint32_t user = call->thread;
    __atomic_compare_exchange_n(user_of(call->socket), &user, 0, false, __ATOMIC_RELEASE,
                                __ATOMIC_RELAXED);
}

/* A call that a signal handler does within another one of its thread changes nothing. */
void in_use_begin_call(struct in_use_call *call, const struct registry_socket *socket)
{
    uint32_t user = 0, thread = in_use_this_thread();
    *call = (struct in_use_call){.socket = socket};
    if (socket->is_shared)
        return;
    if (__atomic_compare_exchange_n(user_of(socket), &user, thread, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        call->thread = thread;
        escape_begin(&call->escape, release_socket, call);
    } else if (user != thread) {
        count(socket);
    }
}

void in_use_end_call(struct in_use_call *call)
{
    if (call->thread == 0)
        return;
    escape_end(&call->escape);
    release_socket(call);
}

void in_use_check(const struct registry_socket *socket)
{
    uint32_t user = __atomic_load_n(user_of(socket), __ATOMIC_ACQUIRE);
    if (user != 0 && user != in_use_this_thread())
        count(socket);
}

bool in_use_is_taken(const struct registry_socket *socket)
{
    return __atomic_load_n(user_of(socket), __ATOMIC_RELAXED) != 0;
}

void in_use_reset(struct registry_socket *socket)
{
    __atomic_store_n(user_of(socket), 0, __ATOMIC_RELEASE);
}
