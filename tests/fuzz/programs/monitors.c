/* SPDX-License-Identifier: MPL-2.0 */
#include "program.h"

#include <limits.h>
#include <string.h>

static void stop(struct program *self, struct program_socket *socket)
{
    program_log(self, "zmq_socket_monitor s%u NULL", socket->number);
    int rc = zmq_socket_monitor(socket->handle, NULL, 0);
    program_result(self, rc, rc != 0);
}

/* Whether the last event still comes is chance, so nobody receives it. */
void monitors_release(struct program *self, unsigned number, const struct program_socket *but)
{
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        struct program_socket *consumer = &self->sockets[i];
        if (consumer == but || !consumer->handle || !consumer->is_monitor ||
            consumer->monitored != number)
            continue;
        consumer->monitored = UINT_MAX;
        sockets_close(self, consumer);
    }
}

static bool is_monitored(const struct program *self, const struct program_socket *socket)
{
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        const struct program_socket *other = &self->sockets[i];
        if (other->handle && other->is_monitor && other->monitored == socket->number)
            return true;
    }
    return false;
}

static struct program_socket *open_consumer(struct program *self,
                                            const struct program_socket *socket)
{
    int no_limit = 0;
    struct program_socket *consumer = sockets_open(self, socket->context, ZMQ_PAIR);
    if (!consumer)
        return NULL;
    if (consumer->is_conflating) {
        sockets_close(self, consumer);
        return NULL;
    }
    (void)zmq_setsockopt(consumer->handle, ZMQ_RCVHWM, &no_limit, sizeof no_limit);
    consumer->is_monitor = true;
    consumer->monitored = socket->number;
    return consumer;
}

/* A monitor that nobody reads stops libzmq after 2,000 events: there are never so many here. One
 * without a consumer does at once, so it is connected as the next thing. */
void monitors_begin(struct program *self)
{
    static const int masks[] = {ZMQ_EVENT_ALL,
                                ZMQ_EVENT_ALL,
                                0,
                                ZMQ_EVENT_LISTENING,
                                ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED,
                                ZMQ_EVENT_BIND_FAILED,
                                ZMQ_EVENT_MONITOR_STOPPED,
                                -1,
                                0x10000};
    struct program_socket *socket = program_some_socket(self);
    if (!socket || socket->is_monitor)
        return;
    char endpoint[64];
    int mask = masks[program_random(self, sizeof masks / sizeof *masks)];
    snprintf(endpoint, sizeof endpoint, "inproc://m%u", program_random(self, 6));
    if (program_chance(self, 6)) {
        stop(self, socket);
        monitors_release(self, socket->number, NULL);
        return;
    }
    /* libzmq lets go of the old one's address and place in its own time. */
    if (is_monitored(self, socket)) {
        stop(self, socket);
        program_settle(self);
    }
    struct program_socket *consumer = open_consumer(self, socket);
    if (!consumer)
        return;
    program_log(self, "zmq_socket_monitor s%u %s %d", socket->number, endpoint, mask);
    int rc = zmq_socket_monitor(socket->handle, endpoint, mask);
    bool is_good = !program_result(self, rc, rc != 0);
    if (is_good)
        monitors_release(self, socket->number, consumer);
    if (is_good && sockets_connect(self, consumer, endpoint))
        program_group_of(self, consumer)->is_queue_unknown = true;
    else
        sockets_close(self, consumer);
}

/* Of either of the two. */
void monitors_end(struct program *self, struct program_socket *socket)
{
    if (!socket->is_monitor)
        return;
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        struct program_socket *other = &self->sockets[i];
        if (other->handle && other->number == socket->monitored && !other->context->is_shut)
            stop(self, other);
    }
}

static void show(struct program *self, const unsigned char *frame, int size)
{
    uint16_t event;
    uint32_t value;
    memcpy(&event, frame, sizeof event);
    memcpy(&value, frame + sizeof event, sizeof value);
    bool is_descriptor = event & (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED |
                                  ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED);
    bool is_random = event == ZMQ_EVENT_CONNECT_RETRIED; /* the time until then */
    program_log(self, "  event %d %u of %d", event,
                is_random || (is_descriptor && !self->shows_descriptors) ? 0 : value, size);
}

static int receive_frame(struct program *self, struct program_socket *consumer,
                         unsigned char *frame, size_t room)
{
    struct group *group = program_group_of(self, consumer);
    int more = 0;
    size_t size = sizeof more;
    int rc = zmq_recv(consumer->handle, frame, room, ZMQ_DONTWAIT);
    int error = errno;
    if (rc < 0) {
        group->receive_refused += error == EAGAIN;
        errno = error;
        return -1;
    }
    (void)zmq_getsockopt(consumer->handle, ZMQ_RCVMORE, &more, &size);
    group->received_bytes += rc;
    group->received += !more;
    return rc;
}

void monitors_read(struct program *self)
{
    struct program_socket *consumer = program_some_socket(self);
    if (!consumer || !consumer->is_monitor || consumer->is_reading)
        return;
    unsigned char frame[300];
    program_synchronise(self, consumer);
    program_log(self, "events of s%u", consumer->number);
    for (unsigned n = program_random(self, 10); n > 0; n--) {
        int rc = receive_frame(self, consumer, frame, sizeof frame);
        if (program_result(self, rc, rc < 0))
            return;
        if (rc == 6)
            show(self, frame, rc);
        rc = receive_frame(self, consumer, frame, sizeof frame - 1);
        if (rc < 0)
            return;
        frame[rc] = '\0';
        program_log(self, "  at %s", memcmp(frame, "tcp", 3) == 0 ? "tcp" : (char *)frame);
    }
}
