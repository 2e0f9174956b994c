/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/oversized.h"

#include "tap/hooks/hooks.h"
#include "tap/queues/pipe_lab.h"
#include "tap/registry.h"

#include <string.h>
#include <zmq.h>

#define MAX_LIBRARIES 16
#define MAX_ENDS      64 /* that are told and not yet counted */

static const char *reasons[MAX_LIBRARIES]; /* why they cannot be heard */
static bool is_tried[MAX_LIBRARIES];
static int ends[MAX_ENDS];
static size_t n_ends;
static bool is_trying, has_heard; /* the trial's own event */

/* An event of version 1: kind and value, packed. */
static bool decode(const struct library *library, struct tap_message *message, uint16_t *ret_kind,
                   uint32_t *ret_value)
{
    if (library->msg_size(message) != sizeof(*ret_kind) + sizeof(*ret_value))
        return false;
    const unsigned char *bytes = library->msg_data(message);
    memcpy(ret_kind, bytes, sizeof(*ret_kind));
    memcpy(ret_value, bytes + sizeof(*ret_kind), sizeof(*ret_value));
    return true;
}

static void note(int fd)
{
    struct guard guard;
    registry_lock(&guard);
    if (n_ends == MAX_ENDS)
        memmove(ends, ends + 1, --n_ends * sizeof(ends[0]));
    ends[n_ends++] = fd;
    registry_unlock(&guard);
}

void oversized_look(const struct library *library, struct tap_message *message)
{
    int error = errno;
    bool is_trial = __atomic_load_n(&is_trying, __ATOMIC_RELAXED);
    uint16_t kind;
    uint32_t value;
    if ((error == EMSGSIZE || is_trial) && decode(library, message, &kind, &value)) {
        if (is_trial && kind == ZMQ_EVENT_MONITOR_STOPPED)
            has_heard = true;
        if (error == EMSGSIZE && kind == ZMQ_EVENT_DISCONNECTED) {
            note((int)value);
            error = 0;
        }
    }
    errno = error;
}

bool oversized_take(int fd)
{
    for (size_t i = 0; i < n_ends; i++) {
        if (ends[i] != fd)
            continue;
        n_ends--;
        memmove(&ends[i], &ends[i + 1], (n_ends - i) * sizeof(ends[0]));
        return true;
    }
    return false;
}

/* libzmq waits for room when it sends an event: the consumer is there before the monitor. */
static bool is_heard(struct pipe_lab *lab)
{
    const struct library *library = lab->library;
    void *socket = pipe_lab_socket(lab, ZMQ_PAIR, 50, 50);
    void *consumer = pipe_lab_socket(lab, ZMQ_PAIR, 50, 50);
    has_heard = false;
    hooks_inside = library; /* the sockets that libzmq makes for it are not the program's */
    __atomic_store_n(&is_trying, true, __ATOMIC_RELAXED);
    if (socket && consumer && library->connect(consumer, "inproc://heard") == 0 &&
        library->socket_monitor(socket, "inproc://heard", ZMQ_EVENT_ALL) == 0)
        library->socket_monitor(socket, NULL, 0); /* raises its last event, in this thread */
    __atomic_store_n(&is_trying, false, __ATOMIC_RELAXED);
    hooks_inside = NULL;
    pipe_lab_close_socket(lab, &socket);
    pipe_lab_close_socket(lab, &consumer);
    return has_heard;
}

static const char *try(const struct library *library)
{
    struct pipe_lab lab;
    const char *reason = pipe_lab_open(library, &lab);
    if (reason)
        return reason;
    if (!is_heard(&lab))
        reason = "libzmq calls itself past the tap";
    pipe_lab_close(&lab);
    return reason;
}

const char *oversized_add_library(const struct library *library)
{
    uint32_t i = library->index % MAX_LIBRARIES;
    if (!is_tried[i])
        reasons[i] = try(library);
    is_tried[i] = true;
    return reasons[i];
}

void oversized_forked(void)
{
    n_ends = 0;
}
