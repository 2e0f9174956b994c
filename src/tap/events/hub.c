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
#include "tap/events/hub.h"

#include "tap/events/events.h"
#include "tap/events/hub_state.h"
#include "tap/ground/own_work.h"
#include "tap/ground/tables.h"
#include "tap/ground/thread_state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

#define BATCH      64
#define ALL_EVENTS 0xffff /* of version 1; -1 is refused since 4.3.2 */

/* From this version on, events beyond 16 bits are refused in version 1. */
#define FIRST_CHECKED_EVENTS 40302

struct lock hub_lock;
struct hub hubs[REGISTRY_MAX_CONTEXTS];
bool hub_has_any;
struct hub_entry *hub_entries;
uint32_t hub_n_forwarders;

TABLES_ROW(hub_entries, REGISTRY_MAX_SOCKETS);

static uint32_t last_ticket;
static bool has_shed; /* the program needs its descriptors */
static int max_fd;    /* of a socket that gets a monitor, and more */

struct hub_entry *hub_entry_of(const struct registry_socket *socket)
{
    return &hub_entries[socket->index];
}

static bool set_int(const struct library *library, void *socket, int option, int value)
{
    return library->setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool is_attached(const struct registry_socket *socket)
{
    return __atomic_load_n(&hub_entry_of(socket)->ticket, __ATOMIC_RELAXED) != 0;
}

void hub_set_ticket(struct hub_entry *entry, uint32_t ticket)
{
    __atomic_store_n(&entry->ticket, ticket, __ATOMIC_RELAXED);
}

static void open_hub(struct hub *hub, struct registry_context *context)
{
    const struct library *library = context->library;
    own_work_begin();
    void *consumer = library->socket(context->handle, ZMQ_ROUTER);
    own_work_end();
    if (!consumer)
        return;
    if (!set_int(library, consumer, ZMQ_RCVHWM, 0) || !set_int(library, consumer, ZMQ_LINGER, 0)) {
        library->close(consumer);
        return;
    }
    hub->context = context;
    hub->library = library;
    __atomic_store_n(&hub->consumer, consumer, __ATOMIC_RELAXED);
    __atomic_store_n(&hub_has_any, true, __ATOMIC_RELAXED);
}

static int start_monitor(const struct library *library, void *handle, const char *address,
                         const struct monitor_request *wanted)
{
    library_inside = library;
    int rc = wanted->version == 1 ? library->socket_monitor(handle, address, (int)wanted->events)
                                  : library->socket_monitor_versioned(
                                        handle, address, wanted->events, wanted->version, ZMQ_PAIR);
    library_inside = NULL;
    return rc;
}

static void stop_monitor(const struct library *library, void *handle)
{
    library_inside = library;
    library->socket_monitor(handle, NULL, 0);
    library_inside = NULL;
}

/* Replaces what monitor the socket had. */
static bool attach(struct hub *hub, struct registry_socket *socket,
                   const struct monitor_request *wanted)
{
    const struct library *library = hub->library;
    struct hub_entry *entry = hub_entry_of(socket);
    struct hub_id id = {.tag = HUB_ID_TAG, .index = socket->index};
    char address[64];

    if (++last_ticket == 0)
        last_ticket = 1;
    id.ticket = last_ticket;
    snprintf(address, sizeof(address), "inproc://.zmqtap-%u-%u", socket->index, id.ticket);
    hub->n_attached -= entry->ticket != 0;
    hub_set_ticket(entry, 0);
    if (start_monitor(library, socket->handle, address, wanted) != 0)
        return false;
    if (library->setsockopt(hub->consumer, ZMQ_CONNECT_ROUTING_ID, &id, sizeof(id)) != 0 ||
        library->connect(hub->consumer, address) != 0) {
        stop_monitor(library, socket->handle);
        return false;
    }
    hub->n_attached++;
    registry_lock_inside();
    events_note_monitor(socket);
    registry_unlock_inside();
    hub_set_ticket(entry, id.ticket);
    entry->version = wanted->version;
    return true;
}

/* A monitor costs a descriptor: they are the program's first. Beyond half of what it may have when
 * it begins the tap takes none. */
static bool may_take_descriptors(const struct registry_socket *socket)
{
    int fd;
    size_t size = sizeof(fd);
    return !has_shed && socket->library->getsockopt(socket->handle, ZMQ_FD, &fd, &size) == 0 &&
           fd < max_fd;
}

void hub_start(void)
{
    struct rlimit limit;
    bool is_small = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 2 < INT_MAX;
    max_fd = is_small ? (int)(limit.rlim_cur / 2) : INT_MAX;
}

bool hub_attach(struct registry_socket *socket)
{
    const struct monitor_request wanted = {.events = ALL_EVENTS, .version = 1};
    struct guard guard;
    bool has_one = false;
    guard_lock(&guard, &hub_lock);
    int error = errno;
    struct hub *hub = hub_of(socket->context);
    hub_entries[socket->index] = (struct hub_entry){0};
    if (!hub->is_over && thread_state_is_running() && may_take_descriptors(socket)) {
        if (!hub->consumer)
            open_hub(hub, socket->context);
        has_one = hub->consumer && attach(hub, socket, &wanted);
    }
    errno = error;
    guard_unlock(&guard, &hub_lock);
    return has_one;
}

void hub_finish_entry(struct hub *hub, struct registry_socket *socket)
{
    struct hub_entry *entry = hub_entry_of(socket);
    hub_forwarder_close(&entry->forwarder);
    hub->n_attached -= entry->ticket != 0;
    hub_set_ticket(entry, 0);
    if (!entry->is_closing)
        return;
    entry->is_closing = false;
    hub->n_closing--;
    registry_lock_inside();
    registry_free_socket(socket);
    registry_unlock_inside();
}

void hub_close_socket(struct registry_socket *socket)
{
    struct guard guard;
    guard_lock(&guard, &hub_lock);
    struct hub_entry *entry = hub_entry_of(socket);
    registry_lock_inside();
    registry_close_socket(socket);
    if (entry->ticket == 0)
        registry_free_socket(socket);
    registry_unlock_inside();
    if (entry->ticket != 0) {
        entry->is_closing = true;
        hub_of(socket->context)->n_closing++;
    }
    guard_unlock(&guard, &hub_lock);
}

/* The program's monitor needs events in another form than ours has now. */
static bool reattach(struct hub *hub, struct registry_socket *socket,
                     const struct monitor_request *request)
{
    const struct monitor_request wanted = {
        .version = request->version,
        .events = request->version == 1 ? ALL_EVENTS : request->events | ALL_EVENTS,
    };
    while (hub_read(hub, BATCH))
        continue;
    return attach(hub, socket, &wanted);
}

/* What libzmq refuses before it touches the monitor that it has. */
static bool is_refused_at_once(const struct library *library, const struct monitor_request *request)
{
    const char *address = request->address;
    if (library->version_number >= FIRST_CHECKED_EVENTS && request->version == 1 &&
        request->events >> 16 != 0)
        return true;
    return address && (strncmp(address, "inproc://", 9) != 0 || address[9] == '\0');
}

/* And what it refuses afterwards. */
static bool is_type_known(int type)
{
    return type == ZMQ_PAIR || type == ZMQ_PUB || type == ZMQ_PUSH;
}

static int pass(struct registry_socket *socket, const struct monitor_request *request)
{
    const struct library *library = socket->library;
    library_inside = library;
    int rc = request->is_versioned
                 ? library->socket_monitor_versioned(socket->handle, request->address,
                                                     request->events, request->version,
                                                     request->type)
                 : library->socket_monitor(socket->handle, request->address, (int)request->events);
    library_inside = NULL;
    return rc;
}

static int begin_forwarder(struct registry_socket *socket, const struct monitor_request *request)
{
    struct hub_entry *entry = hub_entry_of(socket);
    struct monitor_request served = *request;
    if (!is_type_known(request->type)) {
        errno = EINVAL;
        return -1;
    }
    if (request->version != 1 && request->version != 2) { /* libzmq sends no event of it */
        served.version = 1;
        served.events = 0;
    }
    if ((entry->version != served.version || served.events >> 16) &&
        !reattach(hub_of(socket->context), socket, &served))
        return -1;
    return hub_forwarder_open(&entry->forwarder, socket->context, &served);
}

static int serve(struct registry_socket *socket, const struct monitor_request *request)
{
    struct guard guard;
    guard_lock(&guard, &hub_lock);
    struct hub_entry *entry = hub_entry_of(socket);

    while (hub_read(hub_of(socket->context), BATCH)) /* what was raised before is of the old one */
        continue;
    if (entry->forwarder.socket)
        hub_forwarder_stop(&entry->forwarder, entry->version);
    int rc = request->address ? begin_forwarder(socket, request) : 0;
    int error = errno;
    guard_unlock(&guard, &hub_lock);
    errno = error;
    return rc;
}

/* What libzmq refuses, it refuses here too, in its own words: a request that a forwarder could not
 * serve as libzmq does is given to libzmq. */
int hub_request(struct registry_socket *socket, const struct monitor_request *request)
{
    bool is_ours = is_attached(socket) && !is_refused_at_once(socket->library, request);
    return is_ours ? serve(socket, request) : pass(socket, request);
}

static bool stop_for_good(struct registry_socket *socket)
{
    struct hub_entry *entry = hub_entry_of(socket);
    registry_lock_inside();
    bool is_open = socket->is_used && socket->slot;
    registry_unlock_inside();
    if (!is_open || entry->ticket == 0 || entry->forwarder.socket)
        return false;
    stop_monitor(socket->library, socket->handle);
    hub_of(socket->context)->n_attached--;
    hub_set_ticket(entry, 0);
    return true;
}

/* Those of sockets that the program has closed cannot be taken off, and those that it wants
 * itself must not be; their consumer stays until their last event. */
bool hub_shed(void)
{
    struct guard guard;
    bool has_stopped = false;
    guard_lock(&guard, &hub_lock);
    int error = errno;
    has_shed = true;
    struct registry_socket *socket;
    for (uint32_t i = 0; (socket = hub_socket_at(i)); i++)
        has_stopped |= stop_for_good(socket);
    for (size_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        struct hub *hub = &hubs[i];
        while (hub_read(hub, BATCH))
            continue;
        if (!hub->consumer || hub->n_attached > 0)
            continue;
        hub_close(hub);
        has_stopped = true;
    }
    errno = error;
    guard_unlock(&guard, &hub_lock);
    return has_stopped;
}

void hub_forked(void)
{
    hub_lock = LOCK_INIT;
    has_shed = false;
    if (!hub_has_any)
        return;
    hub_has_any = false;
    memset(hubs, 0, sizeof(hubs));
    for (uint32_t i = 0; i < REGISTRY_MAX_SOCKETS; i++) {
        if (hub_entries[i].ticket == 0 && !hub_entries[i].forwarder.socket)
            continue;
        hub_forwarder_forget(&hub_entries[i].forwarder);
        hub_entries[i] = (struct hub_entry){0};
    }
    hub_n_forwarders = 0;
}
