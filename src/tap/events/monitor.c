/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/monitor.h"

#include "tap/events/direct.h"
#include "tap/events/fake_socket.h"
#include "tap/events/hub.h"
#include "tap/ground/capability.h"
#include "tap/learned/learned.h"
#include "tap/learned/pipe_lab.h"

#include <zmq.h>

static bool has_hubs; /* of one library or more */

static bool is_direct(const struct library *library)
{
    return learned_monitor_of(library) == LEARNED_MONITOR_DIRECT;
}

bool monitor_has_sockets(const struct library *library)
{
    return learned_monitor_of(library) == LEARNED_MONITOR_HUB;
}

/* What libzmq keeps in errno while it raises an event is seen in that thread alone. */
static void report_kind(enum learned_monitor kind)
{
    struct guard guard;
    bool is_heard = kind == LEARNED_MONITOR_DIRECT;
    registry_lock(&guard);
    capability_set(SEGMENT_CAPABILITY_OVERSIZED,
                   is_heard ? SEGMENT_CAPABILITY_ON : SEGMENT_CAPABILITY_OFF,
                   is_heard ? "" : "libzmq calls itself past the tap");
    registry_unlock(&guard);
}

static void try_library(const struct library *library, void *context, void *handle)
{
    enum learned_monitor kind = direct_try(library, context, handle) ? LEARNED_MONITOR_DIRECT
                                                                     : LEARNED_MONITOR_HUB;
    if (kind == LEARNED_MONITOR_HUB) {
        hub_start();
        __atomic_store_n(&has_hubs, true, __ATOMIC_RELAXED);
    }
    learned_set_monitor(library, kind);
}

static void try_in_lab(const struct library *library)
{
    struct pipe_lab lab;
    if (pipe_lab_open(library, &lab) != NULL)
        return;
    void *socket = pipe_lab_socket(&lab, ZMQ_PAIR, 1, 1);
    if (socket)
        try_library(library, lab.context, socket);
    pipe_lab_close_socket(&lab, &socket);
    pipe_lab_close(&lab);
}

void monitor_add_library(const struct library *library)
{
    if (learned_monitor_of(library) == LEARNED_MONITOR_UNTRIED)
        try_in_lab(library);
    if (learned_monitor_of(library) != LEARNED_MONITOR_UNTRIED)
        report_kind(learned_monitor_of(library));
}

static void note_attached(bool is_attached)
{
    struct guard guard;
    registry_lock(&guard);
    if (is_attached)
        capability_set(SEGMENT_CAPABILITY_EVENTS, SEGMENT_CAPABILITY_ON, "");
    else
        capability_set(SEGMENT_CAPABILITY_EVENTS, SEGMENT_CAPABILITY_BOUND,
                       "some sockets have no monitor: descriptors");
    registry_unlock(&guard);
}

void monitor_attach(struct registry_socket *socket)
{
    if (learned_monitor_of(socket->library) == LEARNED_MONITOR_UNTRIED) {
        try_library(socket->library, socket->context->handle, socket->handle);
        report_kind(learned_monitor_of(socket->library));
    }
    note_attached(is_direct(socket->library) ? direct_attach(socket) : hub_attach(socket));
}

void monitor_reset(struct registry_socket *socket)
{
    fake_socket_reset(socket);
}

void monitor_close_socket(struct registry_socket *socket)
{
    if (is_direct(socket->library))
        direct_close_socket(socket);
    else
        hub_close_socket(socket);
}

int monitor_request(struct registry_socket *socket, const struct monitor_request *request)
{
    return is_direct(socket->library) ? direct_request(socket, request)
                                      : hub_request(socket, request);
}

void monitor_end_call(struct registry_socket *socket)
{
    if (!is_direct(socket->library))
        hub_drain_context(socket->context);
}

void monitor_begin_context(struct registry_context *context)
{
    hub_begin_context(context);
}

void monitor_drain_context(struct registry_context *context)
{
    if (__atomic_load_n(&has_hubs, __ATOMIC_RELAXED))
        hub_drain_context(context);
}

void monitor_drain_all(void)
{
    hub_drain_all();
}

bool monitor_is_urgent(void)
{
    return hub_is_urgent();
}

bool monitor_needs_rounds(void)
{
    for (size_t i = 0; i < LIBRARY_MAX; i++) {
        if (monitor_has_sockets(&library_list[i]))
            return true;
    }
    return false;
}

int monitor_wait_for_closed(struct registry_context *context)
{
    return is_direct(context->library) ? 0 : hub_wait_for_closed(context);
}

void monitor_end_context(struct registry_context *context)
{
    if (!is_direct(context->library))
        hub_end_context(context);
}

bool monitor_shed(void)
{
    return hub_shed();
}

void monitor_forked(void)
{
    hub_forked();
    fake_socket_forked();
}
