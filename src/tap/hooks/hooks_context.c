/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/limits.h"
#include "tap/events/monitor.h"
#include "tap/ground/own_work.h"
#include "tap/hooks/hooks.h"
#include "tap/tap.h"

#include <string.h>

struct registry_context *hooks_find_context(const void *handle)
{
    struct guard guard;
    tap_check_process();
    registry_lock(&guard);
    struct registry_context *context = registry_find_context(handle);
    registry_unlock(&guard);
    return context;
}

static void add_context(void *handle, struct library *library)
{
    struct guard guard;
    int error = errno;
    if (!handle)
        return;
    tap_begin_use();
    registry_lock(&guard);
    struct registry_context *context = registry_add_context(handle, library);
    registry_unlock(&guard);
    if (context)
        monitor_begin_context(context);
    errno = error;
}

/* A copy whose function makes a context may have asked dlsym() for another one's: then it is known
 * already as one of the first. */
static _Thread_local bool is_making;

static void *make_context(struct library *library)
{
    is_making = true;
    void *handle = library->ctx_new();
    is_making = false;
    add_context(handle, library);
    return handle;
}

/* For a tap that is off, only what the call needs is looked up, and nothing is stored. */
static void *new_context(const void *caller)
{
    tap_check_process();
    struct library *library = tap_is_enabled() ? library_of_caller(caller) : NULL;
    return library ? make_context(library) : HOOK_PASS(caller, ctx_new, NULL);
}

void *zmq_ctx_new(void)
{
    return new_context(HOOK_CALLER);
}

static int set_option(void *handle, int option, int value, const void *caller)
{
    struct registry_context *context = hooks_find_context(handle);
    if (!context)
        return HOOK_COUNT_FAILURE(-1, HOOK_PASS(caller, ctx_set, -1, handle, option, value));
    int rc = HOOK_COUNT_FAILURE(-1, limits_set_option(context, option, value));
    if (rc == 0 && option == ZMQ_MAX_SOCKETS)
        limits_set_max_sockets(context, value);
    return rc;
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
        set_option(handle, ZMQ_IO_THREADS, io_threads, HOOK_CALLER);
    return handle;
}

/* A context that the tap made for itself is not the program's either in a copy that asks for
 * another one's functions. */
static struct library *library_to_follow(const void *own)
{
    tap_check_process();
    bool is_programs = tap_is_enabled() && !is_making && own_work_depth == 0;
    struct library *library = is_programs ? library_of_address(own) : NULL;
    return library && library->is_complete ? library : NULL;
}

void *hooks_new_context(void *(*own)(void))
{
    struct library *library = library_to_follow((const void *)own);
    return library ? make_context(library) : own();
}

void *hooks_init_context(void *(*own)(int n_io_threads), int n_io_threads)
{
    struct library *library = n_io_threads < 0 ? NULL : library_to_follow((const void *)own);
    if (!library)
        return own(n_io_threads);
    void *handle = make_context(library);
    if (handle)
        set_option(handle, ZMQ_IO_THREADS, n_io_threads, (const void *)own);
    return handle;
}

/* Where the tap has sockets in the context: libzmq waits until every socket is closed, those of the
 * tap too. They are closed at the shutdown, which is the first step of ending a context. The events
 * of sockets that the program has closed are read before that, which takes no longer than ending
 * the context would. */
static int prepare_end(struct registry_context *context)
{
    struct guard guard;
    registry_lock(&guard);
    bool was_ending = context->is_ending;
    bool is_closed = context->n_sockets == 0 && !context->has_untracked;
    context->is_ending = true;
    registry_unlock(&guard);
    if (was_ending)
        return 0;

    int rc = 0;
    if (is_closed)
        rc = monitor_wait_for_closed(context);
    else
        monitor_drain_context(context);
    int error = errno;
    context->library->ctx_shutdown(context->handle);
    monitor_end_context(context);
    errno = error;
    return rc;
}

static int end_context(void *handle, const void *caller)
{
    struct guard guard;
    struct registry_context *context = hooks_find_context(handle);
    if (!context)
        return HOOK_COUNT_FAILURE(-1, HOOK_PASS(caller, ctx_term, -1, handle));
    bool has_started = context->has_started;
    uint32_t serial = context->serial;
    if (has_started && monitor_has_sockets(context->library) && prepare_end(context) != 0)
        return -1;
    int rc = context->library->ctx_term(handle);
    if (rc != 0)
        return rc;

    registry_lock(&guard);
    if (context->serial == serial) /* else another thread's new context has its handle already */
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
    struct guard guard;
    struct registry_context *context = hooks_find_context(handle);
    if (!context)
        return HOOK_COUNT_FAILURE(-1, HOOK_PASS(HOOK_CALLER, ctx_shutdown, -1, handle));
    if (!context->has_started || !monitor_has_sockets(context->library))
        return context->library->ctx_shutdown(handle);
    registry_lock(&guard);
    context->is_ending = true;
    registry_unlock(&guard);
    monitor_drain_context(context);
    int rc = context->library->ctx_shutdown(handle);
    monitor_end_context(context);
    return rc;
}

int zmq_ctx_set(void *handle, int option, int value)
{
    return set_option(handle, option, value, HOOK_CALLER);
}

int zmq_ctx_get(void *handle, int option)
{
    struct registry_context *context = hooks_find_context(handle);
    if (!context)
        return HOOK_PASS(HOOK_CALLER, ctx_get, -1, handle, option);
    return option == ZMQ_MAX_SOCKETS && context->is_limited
               ? context->max_sockets
               : context->library->ctx_get(handle, option);
}

int zmq_ctx_set_ext(void *handle, int option, const void *value, size_t size)
{
    struct registry_context *context = library_inside ? NULL : hooks_find_context(handle);
    if (!context || !context->library->ctx_set_ext)
        return HOOK_PASS(HOOK_CALLER, ctx_set_ext, -1, handle, option, value, size);
    int rc = context->library->ctx_set_ext(handle, option, value, size);
    int number;
    if (rc == 0 && option == ZMQ_MAX_SOCKETS && size == sizeof(number)) {
        memcpy(&number, value, sizeof(number));
        limits_set_max_sockets(context, number);
    }
    return rc;
}

int zmq_ctx_get_ext(void *handle, int option, void *ret_value, size_t *size)
{
    struct registry_context *context = hooks_find_context(handle);
    if (!context || !context->library->ctx_get_ext)
        return HOOK_PASS(HOOK_CALLER, ctx_get_ext, -1, handle, option, ret_value, size);
    int rc = context->library->ctx_get_ext(handle, option, ret_value, size);
    if (rc == 0 && option == ZMQ_MAX_SOCKETS && context->is_limited)
        memcpy(ret_value, &context->max_sockets, sizeof(context->max_sockets));
    return rc;
}
