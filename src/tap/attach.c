/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: an attached socket is in the registry like one that was made through the hooks, with two
 * differences. Its messages are counted from its pipes' accounts, so should a hook see one after
 * all, that counts nowhere. And it has no monitor: the tap could not take its own end of one away
 * when the program terminates the context, which would then wait for ever.
 */
#include "tap/counting/options.h"
#include "tap/events/monitor.h"
#include "tap/learned/learned.h"
#include "tap/learned/pipe_trial.h"
#include "tap/parts.h"
#include "tap/registry/registry.h"
#include "tap/tap.h"
#include "tap/zmqtap.h"

#include <errno.h>
#include <zmq.h>

#define EXPORT __attribute__((visibility("default")))
EXPORT int zmqtap_attach(void *handle, const struct zmqtap_symbol *symbols);
EXPORT int zmqtap_detach(void *handle);
EXPORT int zmqtap_name(void *handle, const char *name);
EXPORT int zmqtap_interface(void);

static int fail(int error)
{
    errno = error;
    return -1;
}

/* Every object of libzmq begins with a pointer into the copy that it is of. */
static struct library *library_of_socket(void *handle, const struct zmqtap_symbol *symbols)
{
    return symbols ? library_of_symbols(symbols) : library_of_address(*(void **)handle);
}

/* What is asked of libzmq, before any lock. */
struct found {
    void *context;
    int type, n_io_threads, max_sockets;
    char endpoint[760];
};

static int find_out(const struct library *library, void *handle, struct found *ret)
{
    size_t size = sizeof(ret->type);
    if (library->getsockopt(handle, ZMQ_TYPE, &ret->type, &size) != 0)
        return -1;
    size = sizeof(ret->endpoint);
    if (library->getsockopt(handle, ZMQ_LAST_ENDPOINT, ret->endpoint, &size) != 0)
        ret->endpoint[0] = '\0';
    const struct pipe_layout *layout = learned_pipes_of(library);
    if (!layout)
        return fail(ENOTSUP);
    ret->context = (void *)pipe_pointer_at(handle, layout->context);
    ret->n_io_threads = library->ctx_get(ret->context, ZMQ_IO_THREADS);
    ret->max_sockets = library->ctx_get(ret->context, ZMQ_MAX_SOCKETS);
    return 0;
}

static struct registry_context *open_context(struct library *library, const struct found *found,
                                             bool *ret_is_new)
{
    struct registry_context *context = registry_find_context(found->context);
    *ret_is_new = !context;
    if (context)
        return context;
    context = registry_add_context(found->context, library);
    if (context) {
        context->is_attached = true;
        context->has_started = true;
        context->n_io_threads = found->n_io_threads;
        context->max_sockets = found->max_sockets;
        context->limit = found->max_sockets;
    }
    return context;
}

static struct registry_socket *open_socket(struct library *library, void *handle,
                                           const struct found *found)
{
    struct guard guard;
    bool is_new;
    registry_lock(&guard);
    struct registry_context *context = open_context(library, found, &is_new);
    registry_unlock(&guard);
    if (context && is_new)
        monitor_begin_context(context);

    registry_lock(&guard);
    struct registry_socket *socket = context ? registry_attach_socket(context, handle, found->type)
                                             : NULL;
    if (socket && found->endpoint[0])
        registry_place_socket(socket, found->endpoint);
    registry_unlock(&guard);
    return socket;
}

/* The last socket's context goes with it: its end is seen by no hook. */
static void close_socket(struct registry_socket *socket)
{
    struct guard guard;
    struct registry_context *context = socket->context;
    parts_detaching(socket);
    monitor_close_socket(socket);
    registry_lock(&guard);
    bool is_last = context->is_attached && context->n_sockets == 0;
    if (is_last)
        registry_remove_context(context);
    registry_unlock(&guard);
    if (is_last)
        tap_context_ended();
}

int zmqtap_attach(void *handle, const struct zmqtap_symbol *symbols)
{
    struct found found;
    if (!handle)
        return fail(ENOTSOCK);
    const struct registry_slot *slot = registry_find(handle);
    if (slot && !slot->socket->is_attached)
        return 0;
    if (slot)
        close_socket(slot->socket);

    struct library *library = library_of_socket(handle, symbols);
    if (!library || !library->is_complete)
        return fail(symbols ? EINVAL : ENOSYS);
    if (!tap_is_enabled() || !tap_start(library))
        return fail(ENOTSUP);
    struct registry_socket *socket = NULL;
    int rc = find_out(library, handle, &found);
    if (rc == 0) {
        socket = open_socket(library, handle, &found);
        rc = socket ? 0 : fail(EMFILE);
    }
    if (socket) {
        parts_attached(socket);
    } else {
        int error = errno;
        tap_context_ended(); /* the thread may have been started for it alone */
        errno = error;
    }
    return rc;
}

int zmqtap_detach(void *handle)
{
    const struct registry_slot *slot = handle ? registry_find(handle) : NULL;
    if (!slot)
        return fail(ENOTSOCK);
    if (slot->socket->is_attached)
        close_socket(slot->socket);
    return 0;
}

int zmqtap_name(void *handle, const char *name)
{
    struct guard guard;
    const struct registry_slot *slot = handle ? registry_find(handle) : NULL;
    if (!slot)
        return fail(ENOTSOCK);
    registry_lock(&guard);
    registry_name_socket(slot->socket, name ? name : "");
    registry_unlock(&guard);
    options_read_all(slot->socket);
    return 0;
}

int zmqtap_interface(void)
{
    return ZMQTAP_INTERFACE;
}
