/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/in_use.h"
#include "tap/counting/options.h"
#include "tap/events/events.h"
#include "tap/events/fake_socket.h"
#include "tap/events/limits.h"
#include "tap/events/monitor.h"
#include "tap/hooks/hooks.h"
#include "tap/parts.h"
#include "tap/tap.h"

static void register_socket(struct registry_context *context, void *handle, int type)
{
    struct guard guard;
    struct registry_slot *stale = registry_find(handle);
    if (stale) /* closed without passing a hook */
        monitor_close_socket(stale->socket);

    registry_lock(&guard);
    if (!context->has_started) {
        context->n_io_threads = context->library->ctx_get(context->handle, ZMQ_IO_THREADS);
        if (!context->is_limited)
            context->max_sockets = context->library->ctx_get(context->handle, ZMQ_MAX_SOCKETS);
        context->limit = context->max_sockets;
        __atomic_store_n(&context->has_started, true, __ATOMIC_RELEASE);
    }
    struct registry_socket *socket = registry_open_socket(context, handle, type);
    registry_unlock(&guard);
    if (socket)
        parts_opened(socket);
}

/* Before a context's first socket, when libzmq takes its limit. The thread may have been started
 * for nothing. */
static void *make_first_socket(struct registry_context *context, int type, bool *ret_is_started)
{
    *ret_is_started = tap_start(context->library);
    if (*ret_is_started)
        limits_begin_context(context);
    void *handle = limits_make_socket(context, type);
    if (!handle && *ret_is_started)
        tap_context_ended();
    return handle;
}

void *zmq_socket(void *context_handle, int type)
{
    if (fake_socket_is_wanted(context_handle))
        return fake_socket_make();
    struct registry_context *context = library_inside ? NULL : hooks_find_context(context_handle);
    if (!context)
        return HOOK_COUNT_FAILURE(NULL, HOOK_PASS(HOOK_CALLER, socket, NULL, context_handle, type));

    bool is_started = false;
    bool is_first = !__atomic_load_n(&context->has_started, __ATOMIC_ACQUIRE);
    void *handle = is_first ? make_first_socket(context, type, &is_started)
                            : limits_make_socket(context, type);
    int error = errno;
    if (handle && (is_started || tap_start(context->library)))
        register_socket(context, handle, type);
    errno = error;
    if (!handle)
        api_errors_count_process();
    return handle;
}

/* The handle is forgotten first: once it is closed, another thread's new socket may have it. */
int zmq_close(void *handle)
{
    struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return fake_socket_is(handle) ? fake_socket_close(handle)
                                      : HOOK_PASS_SOCKET(handle, HOOK_CALLER, close, -1, handle);
    struct registry_context *context = slot->socket->context;
    const struct library *library = slot->socket->library;
    in_use_check(slot->socket);
    parts_closing(slot->socket);
    monitor_close_socket(slot->socket);
    int rc = library->close(handle);
    monitor_drain_context(context);
    return rc;
}

int zmq_setsockopt(void *handle, int option, const void *value, size_t size)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return fake_socket_is(handle) ? fake_socket_setsockopt(handle, option, value, size)
                                      : HOOK_PASS_SOCKET(handle, HOOK_CALLER, setsockopt, -1,
                                                         handle, option, value, size);
    in_use_check(slot->socket);
    int rc = slot->socket->library->setsockopt(handle, option, value, size);
    if (rc == 0) {
        const struct registry_option changed = {option, value, size};
        parts_option_changed(slot->socket, &changed);
    } else {
        api_errors_count(slot);
    }
    return rc;
}

/* A socket is placed by the first endpoint that libzmq takes: events are held back while the call
 * is under way. Returns how many binds had failed. */
static uint32_t begin_bind(const struct registry_socket *socket, const char *endpoint)
{
    struct guard guard;
    int unused;
    tap_make_room();
    registry_lock(&guard);
    events_begin_bind(socket, endpoint);
    uint32_t n_failures = events_bind_failures(socket, &unused);
    registry_unlock(&guard);
    return n_failures;
}

static void begin_connect(const struct registry_socket *socket, const char *endpoint)
{
    struct guard guard;
    tap_make_room();
    registry_lock(&guard);
    events_begin_connect(socket, endpoint);
    registry_unlock(&guard);
}

static void end_endpoint(struct registry_socket *socket, const char *endpoint, bool is_taken)
{
    struct guard guard;
    registry_lock(&guard);
    bool is_first = is_taken && !socket->is_placed;
    if (is_first)
        registry_place_socket(socket, endpoint);
    events_end_endpoint(socket);
    registry_unlock(&guard);
    if (is_first)
        options_read_all(socket);
}

/* Where the tap has a socket to which libzmq sends the event of the failure, sending it can change
 * errno before zmq_bind returns; the event has the one that the program would see (socket_base.cpp,
 * bind, 4.3.4). */
static void restore_bind_error(struct registry_socket *socket, uint32_t n_failures)
{
    struct guard guard;
    int error = errno, event_error;
    registry_lock(&guard);
    if (monitor_has_sockets(socket->library) &&
        events_bind_failures(socket, &event_error) != n_failures)
        error = event_error;
    registry_unlock(&guard);
    errno = error;
}

int zmq_bind(void *handle, const char *endpoint)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return fake_socket_is(handle)
                   ? fake_socket_bind(handle, endpoint)
                   : HOOK_PASS_SOCKET(handle, HOOK_CALLER, bind, -1, handle, endpoint);
    struct registry_socket *socket = slot->socket;
    in_use_check(socket);
    uint32_t n_failures = begin_bind(socket, endpoint);
    int rc = socket->library->bind(handle, endpoint);
    monitor_end_call(socket);
    if (rc != 0)
        restore_bind_error(socket, n_failures);
    end_endpoint(socket, endpoint, rc == 0);
    if (rc == 0)
        options_count_endpoint(socket, false, 1);
    else
        api_errors_count(slot);
    return rc;
}

int zmq_connect(void *handle, const char *endpoint)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return HOOK_PASS_SOCKET(handle, HOOK_CALLER, connect, -1, handle, endpoint);
    in_use_check(slot->socket);
    begin_connect(slot->socket, endpoint);
    int rc = slot->socket->library->connect(handle, endpoint);
    monitor_end_call(slot->socket);
    end_endpoint(slot->socket, endpoint, rc == 0);
    if (rc == 0)
        options_count_endpoint(slot->socket, true, 1);
    else
        api_errors_count(slot);
    return rc;
}

uint32_t zmq_connect_peer(void *handle, const char *endpoint)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot || !slot->socket->library->connect_peer)
        return HOOK_PASS_SOCKET(handle, HOOK_CALLER, connect_peer, 0, handle, endpoint);
    in_use_check(slot->socket);
    begin_connect(slot->socket, endpoint);
    uint32_t id = slot->socket->library->connect_peer(handle, endpoint);
    monitor_end_call(slot->socket);
    end_endpoint(slot->socket, endpoint, id != 0);
    if (id != 0)
        options_count_endpoint(slot->socket, true, 1);
    else
        api_errors_count(slot);
    return id;
}

/* libzmq raises no event for connections that the program ends. */
static void drop_endpoint(struct registry_socket *socket, const char *endpoint)
{
    struct guard guard;
    monitor_end_call(socket);
    registry_lock(&guard);
    events_drop_endpoint(socket, endpoint);
    registry_unlock(&guard);
}

int zmq_unbind(void *handle, const char *endpoint)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return HOOK_PASS_SOCKET(handle, HOOK_CALLER, unbind, -1, handle, endpoint);
    in_use_check(slot->socket);
    parts_begin_cut(slot->socket);
    int rc = slot->socket->library->unbind(handle, endpoint);
    parts_end_cut(slot->socket);
    if (rc == 0) {
        drop_endpoint(slot->socket, endpoint);
        options_count_endpoint(slot->socket, false, -1);
    } else {
        api_errors_count(slot);
    }
    return rc;
}

int zmq_disconnect(void *handle, const char *endpoint)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return HOOK_PASS_SOCKET(handle, HOOK_CALLER, disconnect, -1, handle, endpoint);
    in_use_check(slot->socket);
    parts_begin_cut(slot->socket);
    int rc = slot->socket->library->disconnect(handle, endpoint);
    parts_end_cut(slot->socket);
    if (rc == 0) {
        drop_endpoint(slot->socket, endpoint);
        options_count_endpoint(slot->socket, true, -1);
    } else {
        api_errors_count(slot);
    }
    return rc;
}
