/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/monitor_state.h"

#include "base/clock.h"

#include <poll.h>
#include <zmq.h>

#define BATCH       64 /* events between two looks at the lock */
#define MAX_WAIT_NS (2 * CLOCK_NS_PER_SECOND)
#define WAIT_MS     20

struct monitor_hub *monitor_hub_of(const struct registry_context *context)
{
    return &monitor_hubs[context->index];
}

bool monitor_is_urgent(void)
{
    return __atomic_load_n(&monitor_n_pending, __ATOMIC_RELAXED) > 0;
}

static void drain(struct monitor_hub *hub)
{
    bool is_more = true;
    while (is_more) {
        lock_acquire(&monitor_lock);
        is_more = !hub->is_waited && monitor_read(hub, BATCH);
        lock_release(&monitor_lock);
    }
}

static void flush_forwarders(void)
{
    lock_acquire(&monitor_lock);
    for (size_t i = 0; monitor_n_pending > 0 && i < REGISTRY_MAX_SOCKETS; i++) {
        if (monitor_entries[i].forwarder.first)
            monitor_forwarder_flush(&monitor_entries[i].forwarder);
    }
    lock_release(&monitor_lock);
}

void monitor_drain_all(void)
{
    for (size_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        if (__atomic_load_n(&monitor_hubs[i].consumer, __ATOMIC_RELAXED))
            drain(&monitor_hubs[i]);
    }
    flush_forwarders();
}

void monitor_drain_context(struct registry_context *context)
{
    struct guard guard;
    guard_lock(&guard, &monitor_lock);
    int error = errno;
    while (monitor_read(monitor_hub_of(context), BATCH))
        continue;
    errno = error;
    guard_unlock(&guard, &monitor_lock);
}

static bool begin_wait(struct monitor_hub *hub, int *ret_fd)
{
    struct guard guard;
    guard_lock(&guard, &monitor_lock);
    while (monitor_read(hub, BATCH))
        continue;
    hub->is_waited = hub->consumer && hub->n_closing > 0;
    *ret_fd = hub->fd;
    bool is_waited = hub->is_waited;
    guard_unlock(&guard, &monitor_lock);
    return is_waited;
}

/* The thread of the program reads the events here, so that it need not wait for another one. It
 * is not in the guard while it waits: a signal ends the wait as it would end libzmq's. */
int monitor_wait_for_closed(struct registry_context *context)
{
    struct monitor_hub *hub = monitor_hub_of(context);
    uint64_t deadline = clock_monotonic_ns() + MAX_WAIT_NS;
    int rc = 0, fd;
    while (rc >= 0 && begin_wait(hub, &fd) && clock_monotonic_ns() < deadline) {
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        rc = poll(&wanted, 1, WAIT_MS);
    }
    return rc < 0 ? -1 : 0;
}

void monitor_close_hub(struct monitor_hub *hub)
{
    if (!hub->consumer)
        return;
    hub->library->close(hub->consumer);
    __atomic_store_n(&hub->consumer, NULL, __ATOMIC_RELAXED);
    hub->is_over = true;
    hub->is_waited = false;
    for (uint32_t i = 0; i < REGISTRY_MAX_SOCKETS; i++) {
        struct registry_socket *socket = registry_socket_at(i);
        if (!socket)
            break;
        if (socket->is_used && socket->context == hub->context)
            monitor_finish_entry(hub, socket);
    }
}

void monitor_end_context(struct registry_context *context)
{
    struct guard guard;
    struct monitor_hub *hub = monitor_hub_of(context);
    guard_lock(&guard, &monitor_lock);
    int error = errno;
    monitor_close_hub(hub);
    hub->is_over = true;
    errno = error;
    guard_unlock(&guard, &monitor_lock);
}

void monitor_begin_context(struct registry_context *context)
{
    struct guard guard;
    guard_lock(&guard, &monitor_lock);
    *monitor_hub_of(context) = (struct monitor_hub){.fd = -1};
    guard_unlock(&guard, &monitor_lock);
}
