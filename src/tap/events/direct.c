/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: every request of the program goes to libzmq with the program's own arguments, but for
 * the events, of which the tap needs more. So libzmq refuses what it refuses, in its own words,
 * and leaves the monitor that was there as it does. Where the socket then has no monitor, the tap
 * puts its own in place. The end of a monitor is the begin of the tap's, so that no event falls
 * between the two.
 */
#include "tap/events/direct.h"

#include "tap/events/fake_socket.h"

#include <errno.h>
#include <zmq.h>

#define ADDRESS    "inproc://.zmqtap" /* no socket is bound to it */
#define ALL_EVENTS UINT64_C(0xffff)   /* of version 1; -1 is refused since 4.3.2 */
#define ALL_CALLS                                                                                  \
    (FAKE_SOCKET_MADE | FAKE_SOCKET_OPTION_SET | FAKE_SOCKET_BOUND | FAKE_SOCKET_CLOSED)

/* From this version on, events beyond 16 bits are refused in version 1, also to end a monitor. */
#define FIRST_CHECKED_EVENTS 40302

static int call(struct fake_socket_request *request, void *handle, const char *address,
                uint64_t events)
{
    const struct library *library = request->library;
    const struct library *was_inside = library_inside;
    library_inside = library;
    fake_socket_begin(request);
    int rc = request->is_versioned ? library->socket_monitor_versioned(
                                         handle, address, events, request->version, request->type)
                                   : library->socket_monitor(handle, address, (int)events);
    fake_socket_end();
    library_inside = was_inside;
    return rc;
}

/* The first monitor has no events, so that nothing waits for a reader where libzmq makes a socket
 * of its own. Where it makes a fake, a second one is ended, which is an event. */
bool direct_try(const struct library *library, void *context, void *handle)
{
    struct fake_socket_request empty = {
        .library = library, .context = context, .type = ZMQ_PAIR, .version = 1};
    struct fake_socket_request full = empty;
    int error = errno;
    call(&empty, handle, ADDRESS, 0);
    call(&empty, handle, NULL, 0);
    if (empty.calls == ALL_CALLS) {
        call(&full, handle, ADDRESS, ALL_EVENTS);
        call(&full, handle, NULL, 0);
    }
    errno = error;
    return full.calls == ALL_CALLS && full.n_frames == 2;
}

static struct fake_socket_request own_request(struct registry_socket *socket)
{
    return (struct fake_socket_request){.library = socket->library,
                                        .context = socket->context->handle,
                                        .socket = socket,
                                        .type = ZMQ_PAIR,
                                        .version = 1};
}

bool direct_attach(struct registry_socket *socket)
{
    struct fake_socket_request own = own_request(socket);
    int error = errno;
    int rc = call(&own, socket->handle, ADDRESS, ALL_EVENTS);
    errno = error;
    return rc == 0;
}

void direct_close_socket(struct registry_socket *socket)
{
    struct guard guard;
    registry_lock(&guard);
    registry_close_socket(socket);
    if (!fake_socket_has_monitor(socket))
        registry_free_socket(socket);
    registry_unlock(&guard);
}

static bool has_monitor(const struct registry_socket *socket)
{
    struct guard guard;
    registry_lock(&guard);
    bool has = fake_socket_has_monitor(socket);
    registry_unlock(&guard);
    return has;
}

/* libzmq has said no before it touched the monitor, or it has none now for the tap's lack. */
static int end_monitor(struct registry_socket *socket)
{
    struct fake_socket_request own = own_request(socket);
    int rc = call(&own, socket->handle, ADDRESS, ALL_EVENTS);
    return own.calls & FAKE_SOCKET_MADE ? 0 : rc;
}

static bool is_end(const struct registry_socket *socket, const struct monitor_request *request)
{
    bool is_checked = request->version == 1 &&
                      socket->library->version_number >= FIRST_CHECKED_EVENTS;
    return !request->address && !(is_checked && request->events >> 16 != 0);
}

int direct_request(struct registry_socket *socket, const struct monitor_request *request)
{
    if (is_end(socket, request))
        return end_monitor(socket);
    struct fake_socket_request theirs = own_request(socket);
    theirs.has_target = true;
    theirs.mask = request->events;
    theirs.type = request->type;
    theirs.version = request->version;
    theirs.is_versioned = request->is_versioned;
    int rc = call(&theirs, socket->handle, request->address, request->events | ALL_EVENTS);
    if (rc != 0 && !has_monitor(socket))
        direct_attach(socket);
    return rc;
}
