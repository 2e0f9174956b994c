/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_lab_played.h"

#include "tap/ground/own_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MAX_SOCKETS 32
#define SMALL_BYTES 30

struct lab_played lab_played;
static struct lab_socket sockets[MAX_SOCKETS];
static char pipes[MAX_SOCKETS][4][64]; /* nothing but addresses */
static char a_context;

static bool fails(void)
{
    assert_int_equal(own_work_depth, 1);
    errno = EAGAIN;
    return ++lab_played.n_calls == lab_played.fails_at;
}

static void done(struct lab_socket *socket)
{
    if (lab_played.after)
        lab_played.after(socket);
    errno = 99;
}

static void *make_context(void)
{
    if (fails())
        return NULL;
    lab_played.n_contexts++;
    return &a_context;
}

static int set_of_context(void *context, int option, int value)
{
    assert_ptr_equal(context, &a_context);
    assert_int_equal(value, option == ZMQ_IO_THREADS ? 0 : 32);
    return 0;
}

/* A signal comes the first time. */
static int end_context(void *context)
{
    static unsigned n;
    assert_ptr_equal(context, &a_context);
    assert_int_equal(lab_played.n_open, 0);
    errno = EINTR;
    if (n++ % 2 == 0)
        return -1;
    lab_played.n_contexts--;
    return 0;
}

static void *make(void *context, int type)
{
    assert_ptr_equal(context, &a_context);
    if (fails())
        return NULL;
    size_t i = lab_played.n_skipped;
    while (sockets[i].is_open)
        i++;
    assert_true(i < MAX_SOCKETS);
    sockets[i] = (struct lab_socket){
        .type = type, .is_open = true, .index = (int)lab_played.n_sockets++};
    lab_played.n_open++;
    done(&sockets[i]);
    return &sockets[i];
}

static struct lab_socket *socket_of(void *handle)
{
    struct lab_socket *socket = handle;
    assert_true(socket->is_open);
    return socket;
}

static int close_it(void *handle)
{
    socket_of(handle)->is_open = false;
    lab_played.n_open--;
    errno = 99;
    return 0;
}

static int set(void *handle, int option, const void *value, size_t size)
{
    struct lab_socket *socket = socket_of(handle);
    if (fails())
        return -1;
    if (option == ZMQ_ROUTING_ID) {
        memcpy(socket->id, value, size);
    } else if (option == ZMQ_ROUTER_MANDATORY) {
        socket->is_mandatory = true;
    } else if (option == ZMQ_LINGER) {
        static const int zero;
        assert_memory_equal(value, &zero, size);
    } else {
        assert_true(option == ZMQ_SNDHWM || option == ZMQ_RCVHWM);
    }
    done(socket);
    return 0;
}

static int get(void *handle, int option, void *value, size_t *size)
{
    assert_int_equal(option, ZMQ_EVENTS);
    assert_int_equal(*size, sizeof(int));
    memset(value, 0, *size);
    done(socket_of(handle));
    return 0;
}

static int bind_it(void *handle, const char *address)
{
    if (fails())
        return -1;
    strcpy(socket_of(handle)->address, address);
    return 0;
}

static void append_pipe(struct lab_socket *socket, struct lab_socket *peer)
{
    socket->pipes[socket->n_pipes] = (uintptr_t)pipes[socket - sockets][socket->n_pipes];
    socket->peers[socket->n_pipes++] = peer;
    socket->words[LAB_VECTOR] = (uintptr_t)socket->pipes;
    socket->words[LAB_VECTOR + 1] = (uintptr_t)(socket->pipes + socket->n_pipes);
    done(socket);
}

static int connect_it(void *handle, const char *address)
{
    if (fails())
        return -1;
    for (size_t i = 0; i < MAX_SOCKETS; i++) {
        if (!sockets[i].is_open || strcmp(sockets[i].address, address) != 0)
            continue;
        append_pipe(handle, &sockets[i]);
        append_pipe(&sockets[i], handle);
        return 0;
    }
    fail();
    return -1;
}

static int set_current(struct lab_socket *socket, const char *id, size_t size)
{
    for (size_t i = 0; i < socket->n_pipes; i++) {
        if (strncmp(socket->peers[i]->id, id, size) == 0 && strlen(socket->peers[i]->id) == size)
            socket->words[LAB_CURRENT] = socket->pipes[i];
    }
    return socket->words[LAB_CURRENT] || !socket->is_mandatory ? (int)size : -1;
}

static int send_it(void *handle, const void *bytes, size_t size, int flags)
{
    struct lab_socket *socket = socket_of(handle);
    int rc = (int)size;
    assert_true(flags & ZMQ_DONTWAIT);
    if (fails())
        return -1;
    socket->n_sent++;
    bool is_more = flags & ZMQ_SNDMORE;
    if (socket->type == ZMQ_ROUTER && !socket->is_within) {
        rc = set_current(socket, bytes, size);
    } else {
        struct lab_socket *peer = socket->peers[0];
        peer->frames[peer->n_frames++] = is_more;
        if (!is_more)
            socket->words[LAB_CURRENT] = 0;
    }
    socket->is_within = is_more;
    done(socket);
    return rc;
}

static int receive(void *handle, void *bytes, size_t size, int flags)
{
    struct lab_socket *socket = socket_of(handle);
    assert_int_equal(flags, ZMQ_DONTWAIT);
    assert_true(size >= 1);
    (void)bytes;
    if (fails() || socket->n_read == socket->n_frames)
        return -1;
    size_t last = socket->n_read;
    while (last < socket->n_frames && socket->frames[last])
        last++;
    assert_true(last < socket->n_frames); /* only a whole message is there */
    ((unsigned char *)socket->words)[LAB_MORE] = socket->frames[socket->n_read++];
    socket->n_received++;
    if (socket->type == ZMQ_REP)
        socket->words[LAB_CURRENT] = socket->pipes[0];
    done(socket);
    return 1;
}

/*
 * Messages: a small one is in itself.
 */
static char large[70000];

static int init_size(struct tap_message *message, size_t size)
{
    if (fails())
        return -1;
    message->bytes[lab_played.kind_at] = size <= SMALL_BYTES ? lab_played.small_kind
                                                             : lab_played.large_kind;
    if (lab_played.shape)
        lab_played.shape(message, size);
    return 0;
}

static void *data_of(struct tap_message *message)
{
    bool is_small = message->bytes[lab_played.kind_at] == lab_played.small_kind;
    return is_small ? (void *)message->bytes : large;
}

static int close_message(struct tap_message *message)
{
    (void)message;
    return 0;
}

static int send_message(struct tap_message *message, void *handle, int flags)
{
    const size_t size = sizeof("of nobody");
    assert_int_equal(flags, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    assert_int_equal(socket_of(handle)->type, ZMQ_ROUTER);
    assert_string_equal(message->bytes, "of nobody");
    if (fails())
        return -1;
    if (lab_played.is_content_lost)
        message->bytes[3] = 0;
    return (int)size;
}

int lab_played_set_up(void **state)
{
    (void)state;
    memset(sockets, 0, sizeof(sockets));
    lab_played = (struct lab_played){
        .library = {.ctx_new = make_context,
                    .ctx_set = set_of_context,
                    .ctx_term = end_context,
                    .socket = make,
                    .close = close_it,
                    .setsockopt = set,
                    .getsockopt = get,
                    .bind = bind_it,
                    .connect = connect_it,
                    .send = send_it,
                    .recv = receive,
                    .msg_init_size = init_size,
                    .msg_data = data_of,
                    .msg_close = close_message,
                    .msg_send = send_message},
        .kind_at = 40,
        .small_kind = 101,
        .large_kind = 102,
    };
    return 0;
}

void lab_played_expect_clean(void)
{
    assert_int_equal(lab_played.n_open, 0);
    assert_int_equal(lab_played.n_contexts, 0);
    assert_int_equal(own_work_depth, 0);
}
