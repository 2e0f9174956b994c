/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_pipes_played.h"

#include "queues/pipe_accounts.h"
#include "tap/ground/own_work.h"
#include "tap/learned/mailbox_calibration.h"
#include "tap/learned/publish_layout.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <zmq.h>

#define MAX_SOCKETS 12
#define VTABLE      ((uintptr_t)0x7f0000001000)
#define QUEUES      ((uintptr_t)0x7f0000002000)

struct pipes_played played;
static struct played_socket sockets[MAX_SOCKETS];
static char a_context;
static unsigned first_of_try;

static bool fails(void)
{
    assert_int_equal(own_work_depth, 1);
    errno = EAGAIN;
    played.n_calls++;
    return played.fails_at != 0 && (played.fails_on ? played.n_calls >= played.fails_at
                                                    : played.n_calls == played.fails_at);
}

static void done(struct played_socket *socket)
{
    if (played.mislead) {
        played.mislead(socket);
        if (socket->peer && socket->peer->is_open)
            played.mislead(socket->peer);
    }
    errno = 99;
}

static void *make_context(void)
{
    if (fails())
        return NULL;
    played.n_contexts++;
    return &a_context;
}

static int set_of_context(void *context, int option, int value)
{
    assert_ptr_equal(context, &a_context);
    assert_int_equal(value, option == ZMQ_IO_THREADS ? 0 : 32);
    return 0;
}

static int end_context(void *context)
{
    assert_ptr_equal(context, &a_context);
    assert_int_equal(played.n_open, 0);
    played.n_contexts--;
    return 0;
}

static void *make(void *context, int type)
{
    assert_ptr_equal(context, &a_context);
    (void)type;
    if (fails())
        return NULL;
    size_t i = 0;
    while (sockets[i].is_open)
        i++;
    assert_true(i < MAX_SOCKETS);
    struct played_socket *socket = &sockets[i];
    memset(socket, 0, sizeof(*socket));
    socket->is_open = true;
    if (played.n_open == 0)
        first_of_try = played.n_sockets;
    socket->number = played.n_sockets++ - first_of_try;
    PUT(socket->object, 0, VTABLE + 8);
    PUT(socket->object, AT_CONTEXT, (uintptr_t)&a_context);
    PUT(socket->object, AT_OWNER, (uint32_t)i + 3);
    played.n_open++;
    done(socket);
    return socket;
}

static struct played_socket *socket_of(void *handle)
{
    struct played_socket *socket = handle;
    assert_true(socket->is_open);
    return socket;
}

static int close_it(void *handle)
{
    socket_of(handle)->is_open = false;
    played.n_open--;
    return 0;
}

static int set(void *handle, int option, const void *value, size_t size)
{
    struct played_socket *socket = socket_of(handle);
    int number;
    assert_int_equal(size, sizeof(number));
    memcpy(&number, value, size);
    if (fails())
        return -1;
    if (option == ZMQ_SNDHWM)
        socket->send_hwm = number;
    else if (option == ZMQ_RCVHWM)
        socket->receive_hwm = number;
    else if (option == ZMQ_CONFLATE)
        socket->is_conflating = number;
    else
        assert_true(option == ZMQ_LINGER && number == 0);
    done(socket);
    return 0;
}

static int get(void *handle, int option, void *value, size_t *size)
{
    struct played_socket *socket = socket_of(handle);
    assert_int_equal(*size, sizeof(int));
    if (option == ZMQ_FD) {
        memset(value, 0xff, sizeof(int)); /* none: poll() only waits */
        return 0;
    }
    assert_int_equal(option, ZMQ_EVENTS);
    if (socket->peer && !socket->peer->is_open && socket->n_asked_since_end++ == played.end_delay)
        PUT(socket->pipe, AT_STATE, (uint32_t)PIPE_STATE_WAITING);
    done(socket);
    return 0;
}

static int bind_it(void *handle, const char *address)
{
    if (fails())
        return -1;
    strcpy(socket_of(handle)->address, address);
    return 0;
}

static void make_pipe(struct played_socket *socket, struct played_socket *peer)
{
    int out = socket->send_hwm + peer->receive_hwm, in = socket->receive_hwm + peer->send_hwm;
    unsigned char *pipe = socket->pipe;
    PUT(pipe, 0, VTABLE);
    PUT(pipe, AT_CONTEXT, (uintptr_t)&a_context);
    PUT(pipe, AT_OWNER, GET(socket->object, AT_OWNER, uint32_t));
    PUT(pipe, AT_PEER, (uintptr_t)peer->pipe);
    PUT(pipe, AT_ITS_SINK, (uintptr_t)socket->object + AT_SINK);
    PUT(pipe, AT_OUT, (uintptr_t)socket->queue);
    PUT(pipe, AT_IN, (uintptr_t)peer->queue);
    PUT(pipe, AT_HWM, socket->is_conflating ? -1 : out);
    PUT(pipe, AT_LWM, (in + 1) / 2);
    pipe[AT_IS_WRITABLE] = 1;
    PUT(socket->queue, 0, QUEUES);
    socket->vector[0] = (uintptr_t)pipe;
    PUT(socket->object, AT_VECTOR, (uintptr_t)socket->vector);
    PUT(socket->object, AT_VECTOR + 8, (uintptr_t)(socket->vector + 1));
    PUT(socket->object, AT_VECTOR + 16, (uintptr_t)(socket->vector + 1));
    socket->peer = peer;
}

/* The one that connects before the bind is there waits for it. */
static struct played_socket *waiting;

static struct played_socket *bound_at(const char *address)
{
    for (size_t i = 0; i < MAX_SOCKETS; i++) {
        if (sockets[i].is_open && strcmp(sockets[i].address, address) == 0)
            return &sockets[i];
    }
    return NULL;
}

static void join(struct played_socket *a, struct played_socket *b)
{
    make_pipe(a, b);
    make_pipe(b, a);
    a->is_a = true;
    done(a);
}

static int connect_it(void *handle, const char *address)
{
    struct played_socket *bound = bound_at(address);
    if (fails())
        return -1;
    waiting = bound ? NULL : socket_of(handle);
    if (bound)
        join(handle, bound);
    return 0;
}

static int bind_and_join(void *handle, const char *address)
{
    int rc = bind_it(handle, address);
    if (rc == 0 && waiting && waiting->is_open && !waiting->peer)
        join(waiting, handle);
    waiting = NULL;
    return rc;
}

static void count(unsigned char *pipe, uint32_t at)
{
    PUT(pipe, at, GET(pipe, at, uint64_t) + 1);
}

static int send_it(void *handle, const void *bytes, size_t size, int flags)
{
    struct played_socket *socket = socket_of(handle);
    unsigned char *pipe = socket->pipe;
    assert_int_equal(flags, ZMQ_DONTWAIT);
    assert_null(memchr(bytes, 0, size));
    if (fails())
        return -1;
    int hwm = GET(pipe, AT_HWM, int);
    uint64_t held = GET(pipe, AT_N_WRITTEN, uint64_t) - GET(pipe, AT_N_READ_BY_PEER, uint64_t);
    if (hwm > 0 && held >= (uint64_t)hwm) {
        pipe[AT_IS_WRITABLE] = 0;
        done(socket);
        return -1;
    }
    count(pipe, AT_N_WRITTEN);
    socket->queue[AT_HAS_MESSAGE] = socket->is_conflating;
    socket->n_queued++;
    done(socket);
    return (int)size;
}

static int receive(void *handle, void *bytes, size_t size, int flags)
{
    struct played_socket *socket = socket_of(handle), *peer = socket->peer;
    assert_int_equal(flags, ZMQ_DONTWAIT);
    (void)bytes, (void)size;
    if (fails())
        return -1;
    if (socket->is_conflating) {
        assert_int_equal(peer->queue[AT_HAS_MESSAGE], 1);
        peer->queue[AT_HAS_MESSAGE] = 0;
        peer->n_queued++;
        done(peer);
        return 5;
    }
    count(socket->pipe, AT_N_READ);
    uint64_t n_read = GET(socket->pipe, AT_N_READ, uint64_t);
    assert_true(n_read <= GET(peer->pipe, AT_N_WRITTEN, uint64_t));
    if (n_read % GET(socket->pipe, AT_LWM, uint32_t) == 0)
        PUT(peer->pipe, AT_N_READ_BY_PEER, n_read);
    done(socket);
    return 5;
}

unsigned pipes_played_trial(const struct played_socket *socket)
{
    return socket->number / 2;
}

/*
 * What comes after pipes, and time
 */
void publish_layout_calibrate(struct pipe_lab *lab, const struct pipe_layout *pipe_layout,
                              struct publish_layout *ret_layout)
{
    assert_ptr_equal(lab->context, &a_context);
    assert_int_equal(pipe_layout->pipes, AT_VECTOR);
    ret_layout->is_known = true;
    played.n_published++;
}

void mailbox_calibrate(struct pipe_lab *lab, const struct pipe_layout *layout,
                       struct mailbox_layout *ret_layout)
{
    assert_ptr_equal(lab->context, &a_context);
    assert_int_equal(layout->pipes, AT_VECTOR);
    ret_layout->queue = 77;
    played.n_mailboxes++;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time)
{
    assert_int_equal(id, CLOCK_MONOTONIC);
    *ret_time = (struct timespec){played.now_ms / 1000, played.now_ms % 1000 * 1000000};
    return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    assert_int_equal(n, 1);
    assert_int_equal(fds->events, POLLIN);
    assert_in_range(timeout_ms, 1, LAB_WAIT_MS);
    played.now_ms += timeout_ms;
    played.n_waits++;
    return 0;
}

int pipes_played_set_up(void **state)
{
    (void)state;
    memset(sockets, 0, sizeof(sockets));
    waiting = NULL;
    played = (struct pipes_played){
        .library = {.ctx_new = make_context,
                    .ctx_set = set_of_context,
                    .ctx_term = end_context,
                    .socket = make,
                    .close = close_it,
                    .setsockopt = set,
                    .getsockopt = get,
                    .bind = bind_and_join,
                    .connect = connect_it,
                    .send = send_it,
                    .recv = receive},
        .now_ms = 5900,
    };
    return 0;
}
