/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: watched are the functions below which libzmq is called, and which nobody else changes: of
 * a publisher the hook (publish.c changes the others), else libzmq's own (route.c changes the
 * hooks). They are changed one at a time under a call that may be using them, and any mixture of
 * them does the same.
 */
#include "tap/counting/watched.h"

#include "tap/counting/closed.h"
#include "tap/counting/in_use.h"
#include "tap/counting/message.h"
#include "tap/ground/thread_state.h"

/* For each tick. Where several threads were seen, perhaps with a lock between them, calls that do
 * not wait are to meet by chance. */
#define FEW_CALLS  4u
#define MANY_CALLS 1000u

static struct watch {
    uint32_t n_left;      /* calls, until the plain functions are put back */
    uint32_t last_thread; /* that was seen; 0: none */
    bool has_threads;     /* several were */
    bool is_changing;
} watches[REGISTRY_MAX_SOCKETS];

static bool has_calls; /* seen by ticks since watched_has_calls was asked */

static struct watch *watch_of(const struct registry_socket *socket)
{
    return &watches[socket->index];
}

static void set_functions(struct registry_slot *slot, const struct message_functions *functions)
{
    struct watch *watch = watch_of(slot->socket);
    if (__atomic_exchange_n(&watch->is_changing, true, __ATOMIC_ACQUIRE))
        return; /* another thread is at it */
    if (message_is_publisher(slot)) {
        __atomic_store_n(&slot->send_hook, functions->send_hook, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->msg_send_hook, functions->msg_send_hook, __ATOMIC_RELAXED);
    } else {
        __atomic_store_n(&slot->send, functions->send, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->msg_send, functions->msg_send, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&slot->recv, functions->recv, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->msg_recv, functions->msg_recv, __ATOMIC_RELAXED);
    __atomic_store_n(&watch->is_changing, false, __ATOMIC_RELEASE);
}

static void begin(struct in_use_call *call, const struct registry_slot *slot)
{
    thread_state_rouse();
    in_use_begin_call(call, slot->socket);
}

static uint32_t calls_of(const struct watch *watch)
{
    return __atomic_load_n(&watch->has_threads, __ATOMIC_RELAXED) ? MANY_CALLS : FEW_CALLS;
}

static void note_thread(struct watch *watch, uint32_t thread)
{
    uint32_t last = __atomic_exchange_n(&watch->last_thread, thread, __ATOMIC_RELAXED);
    if (last != thread && last != 0)
        __atomic_store_n(&watch->has_threads, true, __ATOMIC_RELAXED);
}

static int end(struct in_use_call *call, struct registry_slot *slot, int rc)
{
    const struct registry_socket *socket = call->socket;
    struct watch *watch = watch_of(socket);
    uint32_t thread = call->thread;
    in_use_end_call(call);
    if (thread == 0 || slot->socket != socket)
        return rc;
    note_thread(watch, thread);
    uint32_t n_left = __atomic_load_n(&watch->n_left, __ATOMIC_RELAXED);
    if (n_left > 0)
        __atomic_store_n(&watch->n_left, n_left - 1, __ATOMIC_RELAXED);
    if (n_left <= 1 && !in_use_is_taken(socket)) {
        struct message_functions plain = message_functions_of(slot);
        set_functions(slot, &plain);
        __atomic_store_n(&watch->n_left, 0, __ATOMIC_RELAXED); /* a tick may have come between */
    }
    return rc;
}

static int end_receive(struct in_use_call *call, struct registry_slot *slot, int rc)
{
    if (rc >= 0)
        segment_word_set(&slot->words[SEGMENT_RECEIVER], in_use_this_thread());
    return end(call, slot, rc);
}

static int watched_send(void *handle, const void *buffer, size_t size, int flags)
{
    struct registry_slot *slot = registry_find(handle);
    struct in_use_call call;
    if (!slot)
        return closed_send(handle, buffer, size, flags);
    begin(&call, slot);
    int rc = message_functions_of(slot).send(handle, buffer, size, flags);
    return end(&call, slot, rc);
}

static int watched_msg_send(struct tap_message *message, void *handle, int flags)
{
    struct registry_slot *slot = registry_find(handle);
    struct in_use_call call;
    if (!slot)
        return closed_msg_send(message, handle, flags);
    begin(&call, slot);
    int rc = message_functions_of(slot).msg_send(message, handle, flags);
    return end(&call, slot, rc);
}

static int watched_receive(void *handle, void *buffer, size_t size, int flags)
{
    struct registry_slot *slot = registry_find(handle);
    struct in_use_call call;
    if (!slot)
        return closed_receive(handle, buffer, size, flags);
    begin(&call, slot);
    int rc = message_functions_of(slot).recv(handle, buffer, size, flags);
    return end_receive(&call, slot, rc);
}

static int watched_msg_receive(struct tap_message *message, void *handle, int flags)
{
    struct registry_slot *slot = registry_find(handle);
    struct in_use_call call;
    if (!slot)
        return closed_msg_receive(message, handle, flags);
    begin(&call, slot);
    int rc = message_functions_of(slot).msg_recv(message, handle, flags);
    return end_receive(&call, slot, rc);
}

static int watched_publish(void *handle, const void *buffer, size_t size, int flags,
                           struct registry_slot *slot)
{
    struct in_use_call call;
    begin(&call, slot);
    int rc = message_functions_of(slot).send_hook(handle, buffer, size, flags, slot);
    return end(&call, slot, rc);
}

static int watched_msg_publish(struct tap_message *message, void *handle, int flags,
                               struct registry_slot *slot)
{
    struct in_use_call call;
    begin(&call, slot);
    int rc = message_functions_of(slot).msg_send_hook(message, handle, flags, slot);
    return end(&call, slot, rc);
}

static void watch(struct registry_slot *slot)
{
    static const struct message_functions functions = {
        .send_hook = watched_publish,
        .msg_send_hook = watched_msg_publish,
        .send = watched_send,
        .msg_send = watched_msg_send,
        .recv = watched_receive,
        .msg_recv = watched_msg_receive,
    };
    set_functions(slot, &functions);
}

void watched_reset(struct registry_socket *socket)
{
    struct watch *watch_now = watch_of(socket);
    in_use_reset(socket);
    __atomic_store_n(&watch_now->n_left, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&watch_now->last_thread, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&watch_now->has_threads, false, __ATOMIC_RELAXED);
}

void watched_opened(struct registry_socket *socket)
{
    if (socket->is_shared)
        return;
    __atomic_store_n(&watch_of(socket)->n_left, FEW_CALLS, __ATOMIC_RELAXED);
    watch(socket->slot);
}

void watched_tick(struct registry_socket *socket, uint64_t now_ns, uint64_t elapsed_ns)
{
    struct registry_slot *slot = socket->slot;
    struct watch *watch_now = watch_of(socket);
    (void)now_ns;
    (void)elapsed_ns;
    uint32_t n_calls = calls_of(watch_now);
    bool is_watched = !socket->is_shared && !socket->is_attached;
    if (is_watched && __atomic_load_n(&watch_now->n_left, __ATOMIC_RELAXED) == n_calls)
        return;
    has_calls = true;
    if (!is_watched)
        return;
    if (__atomic_load_n(&slot->recv, __ATOMIC_RELAXED) != watched_receive)
        watch(slot);
    __atomic_store_n(&watch_now->n_left, n_calls, __ATOMIC_RELAXED);
}

bool watched_has_calls(void)
{
    bool has = has_calls;
    has_calls = false;
    return has;
}
