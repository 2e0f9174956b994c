/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: zmq_socket_monitor is called in the program's zmq_socket, before the program has the
 * handle; no other thread can use the socket then, and no event comes before the consumer is
 * connected. The monitor is never taken off again while the socket lives, but for the program's
 * own wish for events of version 2 and where descriptors run out: libzmq blocks its I/O thread,
 * or its reaper, on a monitor whose consumer has gone. For the same reason the consumer is closed
 * only when its context is shut down, where libzmq gives up instead of waiting, or when no socket
 * has a monitor any more.
 *
 * (libzmq 4.2.5 to 4.3.5, socket_base.cpp: monitor, monitor_event, stop_monitor.)
 */
#include "tap/events/monitor_state.h"

#include "tap/hooks/hooks.h"
#include "tap/tap.h"
#include "tap/thread.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define BATCH      64
#define ALL_EVENTS 0xffff /* of version 1; -1 is refused since 4.3.2 */

struct lock monitor_lock;
struct monitor_hub monitor_hubs[REGISTRY_MAX_CONTEXTS];
struct monitor_entry monitor_entries[REGISTRY_MAX_SOCKETS];
uint32_t monitor_n_pending;

static uint32_t last_ticket;
static bool has_shed; /* the program needs its descriptors */

struct monitor_entry *monitor_entry_of(const struct registry_socket *socket)
{
    return &monitor_entries[socket->index];
}

static bool set_int(const struct library *library, void *socket, int option, int value)
{
    return library->setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static int fd_of(const struct library *library, void *socket)
{
    int fd;
    size_t size = sizeof(fd);
    return library->getsockopt(socket, ZMQ_FD, &fd, &size) == 0 ? fd : -1;
}

static void open_hub(struct monitor_hub *hub, struct registry_context *context)
{
    const struct library *library = context->library;
    void *consumer = library->socket(context->handle, ZMQ_ROUTER);
    if (!consumer)
        return;
    int fd = fd_of(library, consumer);
    if (fd < 0 || !set_int(library, consumer, ZMQ_RCVHWM, 0) ||
        !set_int(library, consumer, ZMQ_LINGER, 0)) {
        library->close(consumer);
        return;
    }
    *hub = (struct monitor_hub){
        .context = context, .library = library, .consumer = consumer, .fd = fd};
}

static int start_monitor(const struct library *library, void *handle, const char *address,
                         const struct monitor_request *wanted)
{
    hooks_inside = library;
    int rc = wanted->version == 1 ? library->socket_monitor(handle, address, (int)wanted->events)
                                  : library->socket_monitor_versioned(
                                        handle, address, wanted->events, wanted->version, ZMQ_PAIR);
    hooks_inside = NULL;
    return rc;
}

static void stop_monitor(const struct library *library, void *handle)
{
    hooks_inside = library;
    library->socket_monitor(handle, NULL, 0);
    hooks_inside = NULL;
}

/* Replaces what monitor the socket had. */
static bool attach(struct monitor_hub *hub, struct registry_socket *socket,
                   const struct monitor_request *wanted)
{
    const struct library *library = hub->library;
    struct monitor_entry *entry = monitor_entry_of(socket);
    struct monitor_id id = {.tag = MONITOR_ID_TAG, .index = socket->index};
    char address[64];

    if (++last_ticket == 0)
        last_ticket = 1;
    id.ticket = last_ticket;
    snprintf(address, sizeof(address), "inproc://.zmqtap-%u-%u", socket->index, id.ticket);
    hub->n_attached -= entry->ticket != 0;
    entry->ticket = 0;
    if (start_monitor(library, socket->handle, address, wanted) != 0)
        return false;
    if (library->setsockopt(hub->consumer, ZMQ_CONNECT_ROUTING_ID, &id, sizeof(id)) != 0 ||
        library->connect(hub->consumer, address) != 0) {
        stop_monitor(library, socket->handle);
        return false;
    }
    hub->n_attached++;
    socket->has_events = true;
    entry->ticket = id.ticket;
    entry->version = wanted->version;
    return true;
}

/* A monitor costs a descriptor: they are the program's first. Beyond half of its limit the tap
 * takes none. */
static bool may_take_descriptors(const struct registry_socket *socket)
{
    struct rlimit limit;
    int fd = fd_of(socket->library, socket->handle);
    return !has_shed && getrlimit(RLIMIT_NOFILE, &limit) == 0 && fd < (int)(limit.rlim_cur / 2);
}

/* After a call on the consumer in this thread its descriptor says nothing to the other. */
static bool has_news(const struct monitor_hub *hub)
{
    int events = 0;
    size_t size = sizeof(events);
    return hub->library->getsockopt(hub->consumer, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLIN);
}

void monitor_attach(struct registry_socket *socket)
{
    const struct monitor_request wanted = {.events = ALL_EVENTS, .version = 1};
    struct guard guard;
    bool is_attached = false, is_new = false, is_waiting = false;
    guard_lock(&guard, &monitor_lock);
    int error = errno;
    struct monitor_hub *hub = monitor_hub_of(socket->context);
    monitor_entries[socket->index] = (struct monitor_entry){0};
    if (!hub->is_over && thread_is_running() && may_take_descriptors(socket)) {
        is_new = !hub->consumer;
        if (is_new)
            open_hub(hub, socket->context);
        is_attached = hub->consumer && attach(hub, socket, &wanted);
        is_waiting = is_attached && (is_new || has_news(hub));
    }
    errno = error;
    guard_unlock(&guard, &monitor_lock);
    if (is_waiting)
        thread_wake();
    tap_note_events(is_attached);
}

bool monitor_is_attached(const struct registry_socket *socket)
{
    return __atomic_load_n(&monitor_entry_of(socket)->ticket, __ATOMIC_RELAXED) != 0;
}

void monitor_finish_entry(struct monitor_hub *hub, struct registry_socket *socket)
{
    struct monitor_entry *entry = monitor_entry_of(socket);
    monitor_forwarder_close(&entry->forwarder);
    hub->n_attached -= entry->ticket != 0;
    entry->ticket = 0;
    if (!entry->is_closing)
        return;
    entry->is_closing = false;
    hub->n_closing--;
    registry_lock_inside();
    registry_free_socket(socket);
    registry_unlock_inside();
}

void monitor_close_socket(struct registry_socket *socket)
{
    struct guard guard;
    guard_lock(&guard, &monitor_lock);
    struct monitor_entry *entry = monitor_entry_of(socket);
    registry_lock_inside();
    registry_close_socket(socket);
    if (entry->ticket == 0)
        registry_free_socket(socket);
    registry_unlock_inside();
    if (entry->ticket != 0) {
        entry->is_closing = true;
        monitor_hub_of(socket->context)->n_closing++;
    }
    guard_unlock(&guard, &monitor_lock);
}

/* The program's monitor needs events in another form than ours has now. */
static bool reattach(struct monitor_hub *hub, struct registry_socket *socket,
                     const struct monitor_request *request)
{
    const struct monitor_request wanted = {
        .version = request->version,
        .events = request->version == 1 ? ALL_EVENTS : request->events | ALL_EVENTS,
    };
    while (monitor_read(hub, BATCH))
        continue;
    return attach(hub, socket, &wanted);
}

int monitor_request(struct registry_socket *socket, const struct monitor_request *request)
{
    struct guard guard;
    guard_lock(&guard, &monitor_lock);
    struct monitor_entry *entry = monitor_entry_of(socket);
    struct monitor_hub *hub = monitor_hub_of(socket->context);
    int rc = 0;

    while (monitor_read(hub, BATCH)) /* what was raised before the request is of the old one */
        continue;
    if (entry->forwarder.socket)
        monitor_forwarder_stop(&entry->forwarder, entry->version);
    if (request->address && (entry->version != request->version || request->events >> 16) &&
        !reattach(hub, socket, request))
        rc = -1;
    if (rc == 0 && request->address)
        rc = monitor_forwarder_open(&entry->forwarder, socket->context, request);
    int error = errno;
    guard_unlock(&guard, &monitor_lock);
    if (request->address)
        thread_wake(); /* there is one descriptor more to wait for */
    errno = error;
    return rc;
}

static void stop_for_good(struct registry_socket *socket, void *data)
{
    bool *has_stopped = data;
    struct monitor_entry *entry = monitor_entry_of(socket);
    if (entry->ticket == 0 || entry->forwarder.socket)
        return;
    stop_monitor(socket->library, socket->handle);
    monitor_hub_of(socket->context)->n_attached--;
    entry->ticket = 0;
    *has_stopped = true;
}

/* Those of sockets that the program has closed cannot be taken off, and those that it wants
 * itself must not be; their consumer stays until their last event. */
bool monitor_shed(void)
{
    struct guard guard;
    bool has_stopped = false;
    guard_lock(&guard, &monitor_lock);
    int error = errno;
    has_shed = true;
    registry_each_socket(stop_for_good, &has_stopped);
    for (size_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        struct monitor_hub *hub = &monitor_hubs[i];
        while (monitor_read(hub, BATCH))
            continue;
        if (!hub->consumer || hub->n_attached > 0)
            continue;
        monitor_close_hub(hub);
        has_stopped = true;
    }
    errno = error;
    guard_unlock(&guard, &monitor_lock);
    return has_stopped;
}

void monitor_forked(void)
{
    monitor_lock = LOCK_INIT;
    has_shed = false;
    memset(monitor_hubs, 0, sizeof(monitor_hubs));
    for (uint32_t i = 0; registry_socket_at(i); i++) {
        monitor_forwarder_forget(&monitor_entries[i].forwarder);
        monitor_entries[i] = (struct monitor_entry){0};
    }
    monitor_n_pending = 0;
}
