/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/blocking.h"

#include "base/clock.h"
#include "tap/ground/capability.h"
#include "tap/learned/learned.h"
#include "tap/learned/pipe_trial.h"
#include "tap/registry/registry.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define SHORT_NS (300 * CLOCK_NS_PER_MS) /* between two ticks, where the thread does not rest */

static struct wait {
    uint64_t since_ns; /* 0: not waiting; the part of the wait before it is counted */
    bool is_without_peer;
    bool was_receiving;   /* at the last tick */
    uint32_t n_waiting;   /* threads in a send */
    uint32_t n_receiving; /* threads in a receive, of a socket that several may use */
} waits[REGISTRY_MAX_SOCKETS];

static struct wait *wait_of(const struct registry_socket *socket)
{
    return &waits[socket->index];
}

void blocking_reset(struct registry_socket *socket)
{
    *wait_of(socket) = (struct wait){0};
}

/* In the thread that uses the socket: nobody else changes its vector of pipes. The pipe of a peer
 * that has gone stays in it until all that he had sent is read. Where several threads use the
 * socket another may free a pipe, so none is looked at. */
static bool has_no_queue(const struct registry_socket *socket)
{
    const struct pipe_layout *layout = learned_pipes_of(socket->library);
    if (!layout)
        return false;
    uintptr_t vector[2]; /* begin and end */
    memcpy(vector, (const char *)socket->handle + layout->pipes, sizeof(vector));
    if (socket->is_shared)
        return vector[0] == vector[1];
    for (const uintptr_t *at = (const uintptr_t *)vector[0]; at < (const uintptr_t *)vector[1];
         at++) {
        if (pipe_u32_at((const unsigned char *)*at, layout->state) == PIPE_STATE_ACTIVE)
            return false;
    }
    return true;
}

static void add_wait(struct registry_socket *socket, uint64_t since_ns, uint64_t until_ns)
{
    bool is_without_peer = __atomic_load_n(&wait_of(socket)->is_without_peer, __ATOMIC_RELAXED);
    uint32_t word = is_without_peer ? SEGMENT_SEND_BLOCKED_NO_PEER_NS : SEGMENT_SEND_BLOCKED_NS;
    if (since_ns != 0 && until_ns > since_ns)
        __atomic_fetch_add(&socket->words[word], until_ns - since_ns, __ATOMIC_RELAXED);
}

static void begin_wait(struct registry_socket *socket)
{
    int error = errno;
    struct wait *wait = wait_of(socket);
    if (__atomic_fetch_add(&wait->n_waiting, 1, __ATOMIC_ACQ_REL) == 0) {
        __atomic_store_n(&wait->is_without_peer, has_no_queue(socket), __ATOMIC_RELAXED);
        __atomic_store_n(&wait->since_ns, clock_monotonic_ns(), __ATOMIC_RELEASE);
    }
    errno = error;
}

static void end_wait(struct registry_socket *socket)
{
    int error = errno;
    struct wait *wait = wait_of(socket);
    if (__atomic_fetch_sub(&wait->n_waiting, 1, __ATOMIC_ACQ_REL) == 1) {
        uint64_t since = __atomic_exchange_n(&wait->since_ns, 0, __ATOMIC_ACQ_REL);
        add_wait(socket, since, clock_monotonic_ns());
    }
    errno = error;
}

static void escape_wait(void *socket)
{
    end_wait(socket);
}

void blocking_begin_call(struct blocking_call *call, struct registry_socket *socket)
{
    begin_wait(socket);
    escape_begin(&call->escape, escape_wait, socket);
    in_use_begin_call(&call->in_use, socket);
}

void blocking_end_call(struct blocking_call *call, struct registry_socket *socket)
{
    in_use_end_call(&call->in_use);
    escape_end(&call->escape);
    end_wait(socket);
}

void blocking_refused(struct registry_socket *socket)
{
    uint32_t word = has_no_queue(socket) ? SEGMENT_SEND_WOULD_BLOCK_NO_PEER
                                         : SEGMENT_SEND_WOULD_BLOCK;
    __atomic_fetch_add(&socket->words[word], 1, __ATOMIC_RELAXED);
}

/* Of the time since the last tick, that in a receive. It is taken to have been as it is now; after
 * a rest as it was before, for the program would have ended that by a call: or half of the time
 * where it only came back. */
static uint64_t time_receiving(struct wait *wait, bool is_receiving, uint64_t elapsed_ns)
{
    bool was_receiving = wait->was_receiving;
    wait->was_receiving = is_receiving;
    if (elapsed_ns <= SHORT_NS)
        return is_receiving ? elapsed_ns : 0;
    if (!was_receiving)
        return 0;
    return is_receiving ? elapsed_ns : elapsed_ns / 2;
}

void blocking_tick(struct registry_socket *socket, uint64_t now_ns, uint64_t elapsed_ns)
{
    uint64_t since = __atomic_load_n(&wait_of(socket)->since_ns, __ATOMIC_ACQUIRE);
    if (since != 0 && since < now_ns &&
        __atomic_compare_exchange_n(&wait_of(socket)->since_ns, &since, now_ns, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        add_wait(socket, since, now_ns);
    bool is_receiving = socket->is_shared
                            ? __atomic_load_n(&wait_of(socket)->n_receiving, __ATOMIC_RELAXED) > 0
                            : __atomic_load_n(&socket->slot->is_receiving, __ATOMIC_RELAXED);
    uint64_t receiving_ns = time_receiving(wait_of(socket), is_receiving, elapsed_ns);
    if (receiving_ns > 0)
        segment_word_add(&socket->words[SEGMENT_RECEIVE_BLOCKED_NS], receiving_ns);
}

void blocking_begin_receive(const struct registry_socket *socket)
{
    __atomic_fetch_add(&wait_of(socket)->n_receiving, 1, __ATOMIC_RELAXED);
}

void blocking_end_receive(const struct registry_socket *socket)
{
    __atomic_fetch_sub(&wait_of(socket)->n_receiving, 1, __ATOMIC_RELAXED);
}

/* A timeout of zero is a wish not to wait. In the middle of a message the new flags wait for its
 * end: see blocking.h. */
static void set_frames(struct registry_socket *socket)
{
    struct registry_slot *slot = socket->slot;
    bool may_wait = segment_word_get(&socket->words[SEGMENT_OPTION_SNDTIMEO]) != 0;
    slot->first_frame = (struct registry_frame){.wait_flags = may_wait ? ZMQ_DONTWAIT : 0,
                                                .whole_below = ZMQ_SNDMORE};
    if (slot->frame.whole_below != 0)
        slot->frame = slot->first_frame;
}

void blocking_option_changed(struct registry_socket *socket, const struct registry_option *option)
{
    (void)option; /* its value is in the words by now */
    set_frames(socket);
}

void blocking_opened(struct registry_socket *socket)
{
    set_frames(socket);
    socket->slot->frame = socket->slot->first_frame;
}

void blocking_add_library(const struct library *library)
{
    if (learned_pipes_of(library))
        capability_set(SEGMENT_CAPABILITY_BLOCKING, SEGMENT_CAPABILITY_ON, "");
    else
        capability_set(SEGMENT_CAPABILITY_BLOCKING, SEGMENT_CAPABILITY_BOUND,
                       "no peer is not told from full queues");
}
