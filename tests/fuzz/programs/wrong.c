/* SPDX-License-Identifier: MPL-2.0 */
/* Arguments that libzmq refuses: each with the error number it has for it. */
#include "program.h"

#include <string.h>
#include <sys/uio.h>

/* Larger than any object of libzmq's that it could be taken for. */
#define LAST_TYPE 20 /* of the drafts, which ordinary builds make as well */

static char nothing[8192];

static void on_no_socket(struct program *self, void *handle, unsigned which)
{
    char bytes[64] = "";
    size_t size = sizeof bytes, n = 1;
    int value = 1, rc = 0;
    zmq_msg_t message;
    struct iovec frame = {bytes, 1};
    zmq_msg_init(&message);
    errno = 0;
    switch (which) {
    case 0:
        rc = zmq_send(handle, bytes, 1, 0);
        break;
    case 1:
        rc = zmq_recv(handle, bytes, 1, 0);
        break;
    case 2:
        rc = zmq_send_const(handle, bytes, 1, 0);
        break;
    case 3:
        rc = zmq_msg_send(&message, handle, 0);
        break;
    case 4:
        rc = zmq_msg_recv(&message, handle, 0);
        break;
    case 5:
        rc = zmq_sendmsg(handle, &message, 0);
        break;
    case 6:
        rc = zmq_recvmsg(handle, &message, 0);
        break;
    case 7:
        rc = zmq_sendiov(handle, &frame, 1, 0);
        break;
    case 8:
        rc = zmq_recviov(handle, &frame, &n, 0);
        break;
    case 9:
        rc = zmq_bind(handle, "inproc://wrong");
        break;
    case 10:
        rc = zmq_connect(handle, "inproc://wrong");
        break;
    case 11:
        rc = zmq_unbind(handle, "inproc://wrong");
        break;
    case 12:
        rc = zmq_disconnect(handle, "inproc://wrong");
        break;
    case 13:
        rc = zmq_setsockopt(handle, ZMQ_LINGER, &value, sizeof value);
        break;
    case 14:
        rc = zmq_getsockopt(handle, ZMQ_LINGER, bytes, &size);
        break;
    case 15:
        rc = zmq_socket_monitor(handle, "inproc://wrong", ZMQ_EVENT_ALL);
        break;
    case 16:
        rc = zmq_socket_monitor(handle, NULL, 0);
        break;
    default:
        rc = zmq_close(handle);
        break;
    }
    program_result(self, rc, rc < 0);
    zmq_msg_close(&message);
}

static void on_no_context(struct program *self, void *handle, unsigned which)
{
    int rc = 0;
    errno = 0;
    switch (which) {
    case 0:
        rc = zmq_ctx_term(handle);
        break;
    case 1:
        rc = zmq_ctx_destroy(handle);
        break;
    case 2:
        rc = zmq_ctx_shutdown(handle);
        break;
    case 3:
        rc = zmq_ctx_set(handle, ZMQ_IO_THREADS, 1);
        break;
    case 4:
        rc = zmq_ctx_get(handle, ZMQ_IO_THREADS);
        break;
    case 5:
        rc = zmq_socket(handle, ZMQ_PUB) ? 0 : -1;
        break;
    default:
        rc = zmq_term(handle);
        break;
    }
    program_result(self, rc, rc < 0);
}

static void on_no_message(struct program *self, unsigned which)
{
    zmq_pollitem_t item = {0};
    int rc = 0;
    errno = 0;
    switch (which) {
    case 0:
        rc = zmq_poll(NULL, 3, 0);
        break;
    case 1:
        rc = zmq_poll(NULL, 0, 0);
        break;
    case 2:
        rc = zmq_poll(&item, 0, 1);
        break;
    case 3:
        rc = zmq_proxy(NULL, nothing, NULL);
        break;
    case 4:
        rc = zmq_proxy_steerable(nothing, NULL, NULL, NULL);
        break;
    case 5:
        rc = zmq_init(-1) ? 0 : -1;
        break;
    case 6:
        rc = zmq_has("ipc") + 2 * zmq_has("nothing");
        break;
    default:
        rc = zmq_poll(&item, -1, 0);
        break;
    }
    program_result(self, rc, rc < 0);
}

static const char *const endpoints[] = {
    "",
    "x",
    "tcp",
    "tcp://",
    "tcp://127.0.0.1",
    "tcp://127.0.0.1:99999",
    "tcp://:::",
    "tcp://999.1.1.1:1",
    "inproc://",
    "ipc://",
    "foo://bar",
    "ipc:///no/such/folder/x",
    "inproc://nobody",
    "tcp://127.0.0.1:0x1",
    "udp://127.0.0.1:1",
    "pgm://x",
    "tcp://*:-1",
    "inproc://f0e0",
    "ipc://t0f0e0",
};

static void with_wrong_endpoint(struct program *self, struct program_socket *socket)
{
    unsigned i = program_random(self, sizeof endpoints / sizeof *endpoints);
    bool is_udp = strncmp(endpoints[i], "udp", 3) == 0 || strncmp(endpoints[i], "pgm", 3) == 0;
    if (i >= 17 && (self->transports == 1 || self->index != 0))
        i = 0;
    switch (program_random(self, 5)) {
    case 0:
        if (!is_udp)
            sockets_bind(self, socket, endpoints[i]);
        return;
    case 1: /* one that may come to be later is not refused */
        if (i < 9 || i == 10)
            self->has_retried |= sockets_connect(self, socket, endpoints[i]);
        return;
    case 2:
        program_log(self, "zmq_unbind s%u %s", socket->number, endpoints[i]);
        program_result(self, zmq_unbind(socket->handle, endpoints[i]), true);
        break;
    case 3:
        program_log(self, "zmq_disconnect s%u %s", socket->number, endpoints[i]);
        program_result(self, zmq_disconnect(socket->handle, endpoints[i]), true);
        break;
    default:
        program_log(self, "NULL endpoints s%u", socket->number);
        program_result(self, zmq_unbind(socket->handle, NULL), true);
        program_result(self, zmq_disconnect(socket->handle, NULL), true);
    }
    program_settle(self);
}

static void on_socket(struct program *self, struct program_socket *socket)
{
    char bytes[8];
    size_t n = 0;
    struct iovec frame = {bytes, 1};
    int rc = 0;
    errno = 0;
    unsigned which = program_random(self, 9);
    program_log(self, "wrong %u on s%u", which, socket->number);
    switch (which) {
    case 0:
        rc = zmq_sendiov(socket->handle, &frame, 0, 0);
        break;
    case 1:
        rc = zmq_sendiov(socket->handle, NULL, 1, 0);
        break;
    case 2:
        rc = zmq_recviov(socket->handle, &frame, &n, 0);
        break;
    case 3:
        rc = zmq_recviov(socket->handle, NULL, &n, 0);
        break;
    case 4:
        rc = zmq_setsockopt(socket->handle, -5, bytes, 4);
        break;
    case 5:
        rc = zmq_socket_monitor(socket->handle, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL);
        break;
    case 6:
        rc = zmq_socket_monitor(socket->handle, "nonsense", ZMQ_EVENT_ALL);
        break;
    case 7:
        rc = zmq_ctx_get(socket->handle, 1);
        break;
    default:
        rc = zmq_ctx_set(socket->handle, 1, 1);
        break;
    }
    program_result(self, rc, rc < 0);
}

void wrong_call(struct program *self)
{
    struct program_socket *socket = program_some_socket(self);
    struct program_context *context = program_some_context(self);
    unsigned kind = program_random(self, 8), which;
    if (kind < 2) {
        void *handles[] = {NULL, nothing, context ? context->handle : NULL};
        unsigned whose = program_random(self, 3);
        which = program_random(self, 18);
        program_log(self, "no socket %u %u", which, whose);
        on_no_socket(self, handles[whose], which);
    } else if (kind == 2) {
        which = program_random(self, 7);
        bool is_null = program_chance(self, 2);
        program_log(self, "no context %u %d", which, is_null);
        on_no_context(self, is_null ? NULL : nothing, which);
    } else if (kind == 3) {
        which = program_random(self, 8);
        program_log(self, "no message %u", which);
        on_no_message(self, which);
    } else if (kind == 4 && context) {
        int type = (int)program_random(self, 40) - 10;
        if (type >= 0 && type <= LAST_TYPE)
            return;
        program_log(self, "zmq_socket c%u of type %d", context->number, type);
        program_result(self, zmq_socket(context->handle, type) ? 0 : -1, true);
    } else if (socket && !socket->is_monitor) {
        if (kind == 5)
            on_socket(self, socket);
        else
            with_wrong_endpoint(self, socket);
    }
}
