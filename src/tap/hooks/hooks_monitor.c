/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/monitor.h"
#include "tap/hooks/hooks.h"

static int count_failure(const struct registry_slot *slot, int rc)
{
    if (rc != 0)
        api_errors_count(slot);
    return rc;
}

int zmq_socket_monitor(void *handle, const char *address, int events)
{
    const struct registry_slot *slot = registry_find(handle);
    if (slot) {
        const struct monitor_request request = {
            .address = address, .events = (uint64_t)events, .version = 1, .type = ZMQ_PAIR};
        return count_failure(slot, monitor_request(slot->socket, &request));
    }
    const struct library *was_inside = library_inside;
    library_inside = library_of_handle(handle);
    int rc = HOOK_PASS_SOCKET(handle, HOOK_CALLER, socket_monitor, -1, handle, address, events);
    library_inside = was_inside;
    return rc;
}

/* zmq_socket_monitor of a build with drafts calls it by its exported name. */
int zmq_socket_monitor_versioned(void *handle, const char *address, uint64_t events, int version,
                                 int type)
{
    const struct registry_slot *slot = registry_find(handle);
    const struct monitor_request request = {.address = address,
                                            .events = events,
                                            .version = version,
                                            .type = type,
                                            .is_versioned = true};
    if (slot && !library_inside && slot->socket->library->socket_monitor_versioned)
        return count_failure(slot, monitor_request(slot->socket, &request));
    const struct library *was_inside = library_inside;
    library_inside = library_of_handle(handle);
    int rc = HOOK_PASS_SOCKET(handle, HOOK_CALLER, socket_monitor_versioned, -1, handle, address,
                              events, version, type);
    library_inside = was_inside;
    return rc;
}
