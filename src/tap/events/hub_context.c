/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/hub.h"

#include "base/clock.h"
#include "tap/events/hub_state.h"

#include <time.h>

#define BATCH       64 /* events between two looks at the lock */
#define MAX_WAIT_NS (2 * CLOCK_NS_PER_SECOND)
#define PAUSE_NS    1000000

struct hub *hub_of(const struct registry_context *context)
{
    return &hubs[context->index];
}

/* Its entry stays as it is while the hubs' lock is held, if it is used and its monitor has not
 * raised its last event. */
struct registry_socket *hub_socket_at(uint32_t index)
{
    registry_lock_inside();
    struct registry_socket *socket = registry_socket_at(index);
    registry_unlock_inside();
    return socket;
}

bool hub_is_urgent(void)
{
    return __atomic_load_n(&hub_n_forwarders, __ATOMIC_RELAXED) > 0;
}

static void drain(struct hub *hub)
{
    bool is_more = true;
    while (is_more) {
        lock_acquire(&hub_lock);
        is_more = hub_read(hub, BATCH);
        lock_release(&hub_lock);
    }
}

static void flush_forwarders(void)
{
    for (size_t i = 0; hub_n_forwarders > 0 && i < REGISTRY_MAX_SOCKETS; i++) {
        if (hub_entries[i].forwarder.first)
            hub_forwarder_flush(&hub_entries[i].forwarder);
    }
}

void hub_drain_all(void)
{
    if (!__atomic_load_n(&hub_has_any, __ATOMIC_RELAXED))
        return;
    for (size_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        if (__atomic_load_n(&hubs[i].consumer, __ATOMIC_RELAXED))
            drain(&hubs[i]);
    }
    lock_acquire(&hub_lock);
    flush_forwarders();
    lock_release(&hub_lock);
}

void hub_drain_context(struct registry_context *context)
{
    struct guard guard;
    guard_lock(&guard, &hub_lock);
    int error = errno;
    while (hub_read(hub_of(context), BATCH))
        continue;
    flush_forwarders();
    errno = error;
    guard_unlock(&guard, &hub_lock);
}

static bool has_closing(struct hub *hub)
{
    struct guard guard;
    guard_lock(&guard, &hub_lock);
    while (hub_read(hub, BATCH))
        continue;
    bool has = hub->consumer && hub->n_closing > 0;
    guard_unlock(&guard, &hub_lock);
    return has;
}

/* A signal ends the wait as it would end libzmq's. */
int hub_wait_for_closed(struct registry_context *context)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    uint64_t deadline = clock_monotonic_ns() + MAX_WAIT_NS;
    int rc = 0;
    while (rc == 0 && has_closing(hub_of(context)) && clock_monotonic_ns() < deadline)
        rc = nanosleep(&pause, NULL);
    return rc;
}

void hub_close(struct hub *hub)
{
    if (!hub->consumer)
        return;
    hub->library->close(hub->consumer);
    __atomic_store_n(&hub->consumer, NULL, __ATOMIC_RELAXED);
    hub->is_over = true;
    struct registry_socket *socket;
    for (uint32_t i = 0; (socket = hub_socket_at(i)); i++) {
        registry_lock_inside();
        bool is_its = socket->is_used && socket->context == hub->context;
        registry_unlock_inside();
        if (is_its)
            hub_finish_entry(hub, socket);
    }
}

void hub_end_context(struct registry_context *context)
{
    struct guard guard;
    struct hub *hub = hub_of(context);
    guard_lock(&guard, &hub_lock);
    int error = errno;
    hub_close(hub);
    hub->is_over = true;
    errno = error;
    guard_unlock(&guard, &hub_lock);
}

/* Whether there is a consumer is asked without the lock. */
void hub_begin_context(struct registry_context *context)
{
    struct guard guard;
    guard_lock(&guard, &hub_lock);
    struct hub *hub = hub_of(context);
    __atomic_store_n(&hub->consumer, NULL, __ATOMIC_RELAXED);
    hub->n_attached = hub->n_closing = 0;
    hub->is_over = false;
    guard_unlock(&guard, &hub_lock);
}
