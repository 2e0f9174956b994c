/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: what libzmq refuses, it refuses here too, in its own words: a request that the tap's
 * forwarder could not serve as libzmq does is given to libzmq, which looks at all arguments before
 * it touches the monitor it has. Only a request that libzmq would take is served by the tap.
 */
#include "tap/events/monitor.h"
#include "tap/hooks/hooks.h"

#include <string.h>

/* From this version on, events beyond 16 bits are refused in version 1. */
#define FIRST_CHECKED_EVENTS 40302

static bool is_taken_by_libzmq(const struct library *library, const struct monitor_request *request)
{
    const char *address = request->address;
    bool is_type_known = request->type == ZMQ_PAIR || request->type == ZMQ_PUB ||
                         request->type == ZMQ_PUSH;
    if (library->version_number >= FIRST_CHECKED_EVENTS && request->version == 1 &&
        request->events >> 16 != 0)
        return false;
    if (!address)
        return true;
    return is_type_known && (request->version == 1 || request->version == 2) &&
           strncmp(address, "inproc://", 9) == 0 && address[9] != '\0';
}

static int pass_monitor(const struct library *library, void *handle, const char *address,
                        int events)
{
    hooks_inside = library;
    int rc = library->socket_monitor(handle, address, events);
    hooks_inside = NULL;
    return rc;
}

int zmq_socket_monitor(void *handle, const char *address, int events)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot) {
        hooks_inside = library_of_handle(handle);
        int rc = HOOK_PASS_SOCKET(handle, HOOK_CALLER, socket_monitor, -1, handle, address, events);
        hooks_inside = NULL;
        return rc;
    }
    const struct monitor_request request = {
        .address = address, .events = (uint64_t)events, .version = 1, .type = ZMQ_PAIR};
    if (!monitor_is_attached(slot->socket) || !is_taken_by_libzmq(slot->socket->library, &request))
        return pass_monitor(slot->socket->library, handle, address, events);
    return monitor_request(slot->socket, &request);
}

int zmq_socket_monitor_versioned(void *handle, const char *address, uint64_t events, int version,
                                 int type)
{
    const struct registry_slot *slot = registry_find(handle);
    const struct monitor_request request = {
        .address = address, .events = events, .version = version, .type = type};
    bool is_ours = !hooks_inside && slot && slot->socket->library->socket_monitor_versioned &&
                   monitor_is_attached(slot->socket) &&
                   is_taken_by_libzmq(slot->socket->library, &request);
    if (is_ours)
        return monitor_request(slot->socket, &request);
    const struct library *was_inside = hooks_inside;
    hooks_inside = library_of_handle(handle);
    int rc = slot && slot->socket->library->socket_monitor_versioned
                 ? slot->socket->library->socket_monitor_versioned(handle, address, events, version,
                                                                   type)
                 : HOOK_PASS_SOCKET(handle, HOOK_CALLER, socket_monitor_versioned, -1, handle,
                                    address, events, version, type);
    hooks_inside = was_inside;
    return rc;
}
