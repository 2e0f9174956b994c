/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/hooks.h"
#include "tap/tap.h"

static void add_context(void *handle, struct library *library)
{
    struct guard guard;
    if (!handle || !library->is_complete || !tap_is_enabled())
        return;
    registry_lock(&guard);
    registry_add_context(handle, library);
    registry_unlock(&guard);
}

static void *new_context(const void *caller)
{
    struct library *library = library_of_caller(caller);
    if (!library) {
        errno = ENOSYS;
        return NULL;
    }
    void *handle = library->ctx_new();
    add_context(handle, library);
    return handle;
}

void *zmq_ctx_new(void)
{
    return new_context(HOOK_CALLER);
}

/* In libzmq this one calls zmq_ctx_new and zmq_ctx_set. */
void *zmq_init(int io_threads)
{
    if (io_threads < 0) {
        errno = EINVAL;
        return NULL;
    }
    void *handle = new_context(HOOK_CALLER);
    if (handle)
        zmq_ctx_set(handle, ZMQ_IO_THREADS, io_threads);
    return handle;
}

/* The library that made the context, or the caller's. */
static struct library *library_of_context(void *handle, const void *caller)
{
    struct guard guard;
    registry_lock(&guard);
    struct registry_context *context = registry_find_context(handle);
    struct library *library = context ? context->library : NULL;
    registry_unlock(&guard);
    return library ? library : library_of_caller(caller);
}

static int end_context(void *handle, const void *caller)
{
    struct guard guard;
    struct library *library = library_of_context(handle, caller);
    if (!library) {
        errno = ENOSYS;
        return -1;
    }
    int rc = library->ctx_term(handle);
    if (rc != 0)
        return rc;

    registry_lock(&guard);
    struct registry_context *context = registry_find_context(handle);
    bool has_started = context && context->has_started;
    if (context)
        registry_remove_context(context);
    registry_unlock(&guard);
    if (has_started)
        tap_context_ended();
    return 0;
}

int zmq_ctx_term(void *handle)
{
    return end_context(handle, HOOK_CALLER);
}

int zmq_ctx_destroy(void *handle)
{
    return end_context(handle, HOOK_CALLER);
}

int zmq_term(void *handle)
{
    return end_context(handle, HOOK_CALLER);
}

int zmq_ctx_shutdown(void *handle)
{
    struct library *library = library_of_context(handle, HOOK_CALLER);
    if (library)
        return library->ctx_shutdown(handle);
    errno = ENOSYS;
    return -1;
}

int zmq_ctx_set(void *handle, int option, int value)
{
    struct library *library = library_of_context(handle, HOOK_CALLER);
    if (library)
        return library->ctx_set(handle, option, value);
    errno = ENOSYS;
    return -1;
}

int zmq_ctx_get(void *handle, int option)
{
    struct library *library = library_of_context(handle, HOOK_CALLER);
    if (library)
        return library->ctx_get(handle, option);
    errno = ENOSYS;
    return -1;
}
