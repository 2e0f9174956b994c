/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/hooks.h"
#include "tap/tap.h"

_Thread_local bool hooks_is_inside;

static void *pass_socket(void *context, int type, const void *caller)
{
    struct library *library = library_of_caller(caller);
    if (library)
        return library->socket(context, type);
    errno = ENOSYS;
    return NULL;
}

static struct registry_context *find_context(const void *handle)
{
    struct guard guard;
    registry_lock(&guard);
    struct registry_context *context = registry_find_context(handle);
    registry_unlock(&guard);
    return context;
}

static void track(struct registry_context *context, void *handle, int type)
{
    struct guard guard;
    registry_lock(&guard);
    if (!context->has_started) {
        context->has_started = true;
        context->max_sockets = context->library->ctx_get(context->handle, ZMQ_MAX_SOCKETS);
        context->n_io_threads = context->library->ctx_get(context->handle, ZMQ_IO_THREADS);
    }
    registry_open_socket(context, handle, type);
    registry_unlock(&guard);
}

void *zmq_socket(void *context_handle, int type)
{
    struct registry_context *context = hooks_is_inside ? NULL : find_context(context_handle);
    if (!context)
        return pass_socket(context_handle, type, HOOK_CALLER);

    void *handle = context->library->socket(context_handle, type);
    int error = errno;
    if (handle && tap_start(context->library))
        track(context, handle, type);
    errno = error;
    return handle;
}

/* The handle is forgotten first: once it is closed, another thread's new socket may have it. */
int zmq_close(void *handle)
{
    struct guard guard;
    struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return HOOK_PASS(HOOK_CALLER, close, -1, handle);
    const struct library *library = slot->library;
    registry_lock(&guard);
    registry_close_socket(slot->socket);
    registry_unlock(&guard);
    return library->close(handle);
}

int zmq_setsockopt(void *handle, int option, const void *value, size_t size)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return HOOK_PASS(HOOK_CALLER, setsockopt, -1, handle, option, value, size);
    return slot->library->setsockopt(handle, option, value, size);
}

static void place(struct registry_slot *slot, const char *endpoint)
{
    struct guard guard;
    if (slot->socket->is_placed)
        return;
    registry_lock(&guard);
    registry_place_socket(slot->socket, endpoint);
    registry_unlock(&guard);
}

int zmq_bind(void *handle, const char *endpoint)
{
    struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return HOOK_PASS(HOOK_CALLER, bind, -1, handle, endpoint);
    int rc = slot->library->bind(handle, endpoint);
    if (rc == 0)
        place(slot, endpoint);
    return rc;
}

int zmq_connect(void *handle, const char *endpoint)
{
    struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return HOOK_PASS(HOOK_CALLER, connect, -1, handle, endpoint);
    int rc = slot->library->connect(handle, endpoint);
    if (rc == 0)
        place(slot, endpoint);
    return rc;
}
