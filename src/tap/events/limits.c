/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/limits.h"

#include "tap/events/monitor.h"
#include "tap/ground/thread_state.h"

#include <errno.h>
#include <time.h>
#include <zmq.h>

#define MAX_RAISED     4000 /* sockets; all of them are tracked, so that they can be counted */
#define SPARE          64   /* the consumer, monitors of closed sockets, the program's monitors */
#define RETRIES        300  /* in a row, without the reaper having closed one socket */
#define RETRY_PAUSE_NS 1000000

static struct lock lock; /* before the registry's */

int limits_set_option(struct registry_context *context, int option, int value)
{
    library_inside = context->library;
    int rc = context->library->ctx_set(context->handle, option, value);
    library_inside = NULL;
    return rc;
}

static void raise_limit(struct registry_context *context, int value)
{
    struct guard guard;
    bool is_raised = value <= MAX_RAISED &&
                     limits_set_option(context, ZMQ_MAX_SOCKETS, 2 * value + SPARE) == 0;
    registry_lock(&guard);
    context->max_sockets = value;
    if (!context->has_started)
        context->has_headroom = is_raised;
    context->is_limited = true;
    registry_unlock(&guard);
}

void limits_set_max_sockets(struct registry_context *context, int value)
{
    struct guard guard;
    int error = errno;
    guard_lock(&guard, &lock);
    if (context->is_limited)
        raise_limit(context, value);
    else
        context->max_sockets = value;
    guard_unlock(&guard, &lock);
    errno = error;
}

void limits_begin_context(struct registry_context *context)
{
    struct guard guard;
    int error = errno;
    if (!monitor_has_sockets(context->library))
        return;
    guard_lock(&guard, &lock);
    if (!context->is_limited)
        raise_limit(context, context->library->ctx_get(context->handle, ZMQ_MAX_SOCKETS));
    guard_unlock(&guard, &lock);
    errno = error;
}

static bool is_at_limit(struct registry_context *context)
{
    struct guard guard;
    registry_lock(&guard);
    int limit = context->has_started ? context->limit : context->max_sockets;
    bool is_at_it = context->has_headroom && !context->has_untracked && !context->is_ending &&
                    context->n_sockets >= (uint32_t)limit;
    registry_unlock(&guard);
    return is_at_it;
}

static bool is_out(void)
{
    return errno == EMFILE || errno == ENFILE;
}

/* Sockets of the tap may still be with libzmq's reaper. */
static bool is_reaping;

/* Gives back the descriptors of all monitors, for good; false where there were none. */
static bool shed(void)
{
    bool has_shed = monitor_shed();
    if (has_shed)
        __atomic_store_n(&is_reaping, true, __ATOMIC_RELAXED);
    return has_shed;
}

/* libzmq's reaper closes the tap's sockets one by one: descriptors and places are free a little
 * later, and a program that is told too early that there are none would find some later on. */
static void *retry(const struct registry_context *context, int type)
{
    const struct timespec pause = {.tv_nsec = RETRY_PAUSE_NS};
    void *handle = NULL;
    for (int i = 0; i < RETRIES && !handle; i++) {
        nanosleep(&pause, NULL);
        handle = context->library->socket(context->handle, type);
        if (!handle && !is_out())
            break;
    }
    return handle;
}

/* The last descriptor may be one that the tap's thread has for a moment. */
static void *make_without_files(const struct registry_context *context, int type)
{
    struct guard guard;
    if (!thread_state_hold_rounds(&guard))
        return NULL;
    void *handle = context->library->socket(context->handle, type);
    thread_state_release_rounds(&guard);
    return handle;
}

void *limits_make_socket(struct registry_context *context, int type)
{
    if (is_at_limit(context)) {
        errno = EMFILE;
        return NULL;
    }
    void *handle = context->library->socket(context->handle, type);
    if (!handle && is_out()) {
        shed();
        if (__atomic_load_n(&is_reaping, __ATOMIC_RELAXED))
            handle = retry(context, type);
        if (!handle && is_out())
            __atomic_store_n(&is_reaping, false, __ATOMIC_RELAXED);
    }
    if (!handle && is_out())
        handle = make_without_files(context, type);
    return handle;
}

void limits_forked(void)
{
    lock = LOCK_INIT;
}
