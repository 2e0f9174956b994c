/* SPDX-License-Identifier: MPL-2.0 */
#include "program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Sending
 */
static void count_sent(struct program *self, struct program_socket *socket, int rc, bool is_last,
                       long long size)
{
    struct group *group = program_group_of(self, socket);
    if (rc < 0) {
        group->send_refused += errno == EAGAIN;
        return;
    }
    group->sent_bytes += size;
    group->sent += is_last;
    socket->is_within = !is_last;
}

static int send_message(struct program *self, void *handle, const void *bytes, size_t size,
                        int flags)
{
    zmq_msg_t message;
    bool is_old = program_chance(self, 2);
    zmq_msg_init_size(&message, size);
    if (size > 0)
        memcpy(zmq_msg_data(&message), bytes, size);
    int rc = is_old ? zmq_sendmsg(handle, &message, flags) : zmq_msg_send(&message, handle, flags);
    int error = errno;
    program_log(self, "  left %zu", zmq_msg_size(&message));
    zmq_msg_close(&message);
    errno = error;
    return rc;
}

int messages_send_bytes(struct program *self, struct program_socket *socket, const void *bytes,
                        size_t size, int flags)
{
    char *constant;
    unsigned spelling = program_random(self, 5);
    struct iovec frame = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    if (spelling == 4 && flags & ZMQ_SNDMORE) /* which it takes back */
        spelling = 0;
    bool is_last = !(flags & ZMQ_SNDMORE);
    int rc;
    program_synchronise(self, socket);
    program_log(self, "send s%u %zu flags %d by %u", socket->number, size, flags, spelling);
    switch (spelling) {
    case 0:
        rc = zmq_send(socket->handle, bytes, size, flags);
        break;
    case 1: /* it stays where it is for ever */
        constant = malloc(size + 1);
        memcpy(constant, bytes, size);
        rc = zmq_send_const(socket->handle, constant, size, flags);
        break;
    case 4:
        rc = zmq_sendiov(socket->handle, &frame, 1, flags);
        break;
    default:
        rc = send_message(self, socket->handle, bytes, size, flags);
    }
    count_sent(self, socket, rc, is_last, (long long)size);
    program_result(self, rc, rc < 0);
    if (socket->is_network)
        program_settle(self);
    return rc;
}

static int send_vector(struct program *self, struct program_socket *socket, int flags)
{
    static char bytes[PROGRAM_BUFFER];
    struct iovec frames[4];
    size_t n = 1 + program_random(self, 4);
    long long size = 0;
    for (size_t i = 0; i < n; i++) {
        frames[i] = (struct iovec){bytes, program_random(self, 60)};
        size += (long long)frames[i].iov_len;
    }
    program_synchronise(self, socket);
    program_log(self, "zmq_sendiov s%u %zu flags %d", socket->number, n, flags | ZMQ_SNDMORE);
    int rc = zmq_sendiov(socket->handle, frames, n, flags | ZMQ_SNDMORE);
    count_sent(self, socket, rc, true, size);
    program_result(self, rc, rc < 0);
    if (socket->is_network)
        program_settle(self);
    return rc;
}

/* To whom a ROUTER sends: somebody it heard of, a name that may be there, or nobody. */
static size_t address(struct program *self, const struct program_socket *socket, char *bytes)
{
    if (socket->id_size > 0 && program_chance(self, 2)) {
        memcpy(bytes, socket->id, socket->id_size);
        return socket->id_size;
    }
    if (program_chance(self, 8))
        return (size_t)snprintf(bytes, 64, "nobody, whose name is longer than a zmq_msg_t is");
    return (size_t)snprintf(bytes, 64, "id%u", program_random(self, 8));
}

int messages_send(struct program *self, struct program_socket *socket, int flags)
{
    static const unsigned limits[] = {1, 2, 34, 34, 200, 3000};
    char bytes[PROGRAM_BUFFER];
    size_t size = program_random(self, limits[program_random(self, 6)]);
    memset(bytes, 't', sizeof bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)("tu"[program_chance(self, 4)] + (i > 2 ? (int)(i % 7) : 0));
    if (!socket->is_conflating && !program_chance(self, 4))
        flags |= program_chance(self, 3) ? ZMQ_SNDMORE : 0;
    bool is_router = socket->type == ZMQ_ROUTER || socket->type == ZMQ_STREAM;
    if (is_router && !socket->is_within) {
        size = address(self, socket, bytes);
        flags |= program_chance(self, 20) ? 0 : ZMQ_SNDMORE;
    } else if (program_chance(self, 12) && !socket->is_conflating && socket->type != ZMQ_STREAM) {
        return send_vector(self, socket, flags & ~ZMQ_SNDMORE);
    }
    if ((socket->type == ZMQ_XSUB || socket->type == ZMQ_XPUB) && size > 0 && !socket->is_within)
        bytes[0] = (char)(program_chance(self, 3) ? 't' : (int)program_random(self, 3));
    if (socket->is_conflating)
        flags &= ~ZMQ_SNDMORE;
    return messages_send_bytes(self, socket, bytes, size, flags);
}

/*
 * Receiving
 */
static bool has_more(const struct program_socket *socket)
{
    int more = 0;
    size_t size = sizeof more;
    (void)zmq_getsockopt(socket->handle, ZMQ_RCVMORE, &more, &size);
    return more;
}

/* What is random in libzmq: routing ids. */
static bool is_random_id(const struct program_socket *socket, size_t size)
{
    return size == 5 && (socket->type == ZMQ_ROUTER || socket->type == ZMQ_STREAM ||
                         socket->type == ZMQ_DEALER || socket->type == ZMQ_REQ);
}

static void note_received(struct program *self, struct program_socket *socket, const void *bytes,
                          size_t size)
{
    bool is_more = has_more(socket);
    struct group *group = program_group_of(self, socket);
    if (!socket->is_reading && size < sizeof socket->id) {
        memcpy(socket->id, bytes, size);
        socket->id_size = size;
    }
    program_log(self, "  more %d %016llx", is_more,
                is_random_id(socket, size) || socket->is_monitor
                    ? 0
                    : (unsigned long long)program_hash(bytes, size));
    group->received_bytes += (long long)size;
    group->received += !is_more;
    socket->is_reading = is_more;
}

static int receive_message(struct program *self, struct program_socket *socket, int flags)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    bool is_old = program_chance(self, 2);
    int rc = is_old ? zmq_recvmsg(socket->handle, &message, flags)
                    : zmq_msg_recv(&message, socket->handle, flags);
    int error = errno;
    if (rc >= 0)
        note_received(self, socket, zmq_msg_data(&message), zmq_msg_size(&message));
    if (rc >= 0 && !socket->is_network)
        program_log(self, "  property %d", zmq_msg_gets(&message, "Socket-Type") != NULL);
    zmq_msg_close(&message);
    errno = error;
    return rc;
}

static int receive_vector(struct program *self, struct program_socket *socket, int flags)
{
    struct iovec frames[3];
    size_t n = 1 + program_random(self, 3);
    int rc = zmq_recviov(socket->handle, frames, &n, flags);
    int error = errno;
    struct group *group = program_group_of(self, socket);
    bool is_more = rc > 0 && has_more(socket);
    program_log(self, "  frames %zu", rc >= 0 ? n : 0);
    for (int i = 0; i < rc; i++) {
        group->received_bytes += (long long)frames[i].iov_len;
        free(frames[i].iov_base);
    }
    group->received += rc > 0 && !is_more;
    if (rc > 0)
        socket->is_reading = is_more;
    errno = error;
    return rc;
}

int messages_receive(struct program *self, struct program_socket *socket, int flags)
{
    char bytes[PROGRAM_BUFFER] = {0};
    unsigned spelling = program_random(self, 4);
    size_t room = program_chance(self, 5) ? program_random(self, 10) : sizeof bytes;
    int rc;
    if (socket->is_conflating)
        room = sizeof bytes;
    program_synchronise(self, socket);
    program_log(self, "receive s%u flags %d by %u", socket->number, flags, spelling);
    if (spelling == 0 && !socket->is_monitor)
        rc = receive_vector(self, socket, flags);
    else if (spelling == 1)
        rc = receive_message(self, socket, flags);
    else {
        rc = zmq_recv(socket->handle, bytes, room, flags);
        if (rc >= 0) {
            int error = errno;
            if ((size_t)rc > room) { /* the rest was cut off */
                socket->id_size = 0;
                program_group_of(self, socket)->received_bytes += rc - (long long)room;
            }
            note_received(self, socket, bytes, (size_t)rc > room ? room : (size_t)rc);
            errno = error;
        }
    }
    if (rc < 0 && errno == EAGAIN)
        program_group_of(self, socket)->receive_refused++;
    program_result(self, rc, rc < 0);
    if (socket->is_network)
        program_settle(self);
    return rc;
}

/* All that is there; how many messages. */
long messages_drain(struct program *self, struct program_socket *socket)
{
    long long before = program_group_of(self, socket)->received;
    do
        program_settle(self);
    while (messages_receive(self, socket, ZMQ_DONTWAIT) >= 0);
    return (long)(program_group_of(self, socket)->received - before);
}

void messages_exchange(struct program *self)
{
    struct program_socket *socket = program_some_socket(self);
    if (!socket)
        return;
    bool is_sending = program_chance(self, 2);
    for (unsigned n = 1 + program_random(self, 5); n > 0; n--) {
        int flags = program_chance(self, 6) ? 0 : ZMQ_DONTWAIT;
        int rc = is_sending ? messages_send(self, socket, flags)
                            : messages_receive(self, socket, flags);
        if (rc < 0 && program_chance(self, 2))
            break;
    }
}

/*
 * Others
 */
void messages_poll(struct program *self)
{
    zmq_pollitem_t items[6];
    int n = (int)program_random(self, 6), ends[2];
    if (pipe(ends) != 0)
        return;
    for (int i = 0; i < n; i++) {
        struct program_socket *socket = program_some_socket(self);
        items[i] = (zmq_pollitem_t){.events = (short)program_random(self, 8)};
        if (socket && !program_chance(self, 8))
            items[i].socket = socket->handle;
        else
            items[i].fd = ends[program_random(self, 2)];
        if (socket)
            program_synchronise(self, socket);
    }
    long timeout = program_random(self, 3);
    program_log(self, "zmq_poll %d for %ld", n, timeout);
    int rc = zmq_poll(items, n, timeout);
    program_result(self, rc, rc < 0);
    for (int i = 0; i < n && rc >= 0; i++)
        program_log(self, "  %d: %d", items[i].events, items[i].revents);
    close(ends[0]);
    close(ends[1]);
    program_settle(self);
}

static void set_freed(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

/* Messages that go nowhere. */
void messages_alone(struct program *self)
{
    zmq_msg_t a, b;
    static char bytes[100];
    int n_freed = 0, rc = 0;
    unsigned size = program_random(self, 100);
    zmq_msg_init_data(&a, bytes, size, set_freed, &n_freed);
    zmq_msg_init(&b);
    rc |= zmq_msg_copy(&b, &a);
    program_log(self, "messages %u: %d %zu %zu %d", size, rc, zmq_msg_size(&a), zmq_msg_size(&b),
                n_freed);
    rc |= zmq_msg_move(&a, &b);
    program_log(self, "  %d more %d %d shared %d get %d set %d", rc, zmq_msg_more(&a),
                zmq_msg_more(&b), zmq_msg_get(&a, ZMQ_SHARED), zmq_msg_get(&a, 77),
                zmq_msg_set(&a, ZMQ_MORE, 1));
    zmq_msg_close(&b);
    rc = zmq_msg_close(&a);
    program_log(self, "  %d freed %d again %d", rc, n_freed, zmq_msg_close(&a));
}
