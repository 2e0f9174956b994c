/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/learned/pipe_lab.h"

#include "tap/ground/own_work.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define PAGE          4096u
#define N_DESCRIPTORS 24 /* more than the lab's context and sockets have open at any time */
#define N_LEFT        16 /* for the program's other threads meanwhile */

/* libzmq aborts the process where a descriptor for a reaper's poller cannot be had. They are
 * counted without taking any, which another thread of the program might miss. */
static bool are_descriptors_free(void)
{
    struct rlimit limit;
    int n_free = 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    for (rlim_t fd = 0; fd < limit.rlim_cur && n_free < N_DESCRIPTORS + N_LEFT; fd++)
        n_free += fcntl((int)fd, F_GETFD) < 0;
    return n_free == N_DESCRIPTORS + N_LEFT;
}

static const char *open_context(struct pipe_lab *self)
{
    if (!are_descriptors_free())
        return "too few free descriptors";
    const char *reason = pipe_memory_open(&self->memory);
    if (reason)
        return reason;
    self->context = self->library->ctx_new();
    if (self->context)
        return NULL;
    pipe_memory_close(&self->memory);
    return "no context for calibration";
}

const char *pipe_lab_open(const struct library *library, struct pipe_lab *ret_lab)
{
    if (library->own)
        library = library->own;
    *ret_lab = (struct pipe_lab){.library = library, .old_errno = errno};
    guard_disable_cancel(&ret_lab->guard);
    own_work_begin();
    const char *reason = open_context(ret_lab);
    if (reason) {
        own_work_end();
        guard_restore_cancel(&ret_lab->guard);
        errno = ret_lab->old_errno;
        return reason;
    }
    library->ctx_set(ret_lab->context, ZMQ_IO_THREADS, 0);
    library->ctx_set(ret_lab->context, ZMQ_MAX_SOCKETS, 32);
    return NULL;
}

void pipe_lab_close(struct pipe_lab *self)
{
    while (self->library->ctx_term(self->context) != 0 && errno == EINTR)
        ;
    pipe_memory_close(&self->memory);
    own_work_end();
    guard_restore_cancel(&self->guard);
    errno = self->old_errno;
}

bool pipe_lab_set(struct pipe_lab *self, void *socket, int option, int value)
{
    return self->library->setsockopt(socket, option, &value, sizeof(value)) == 0;
}

void *pipe_lab_socket(struct pipe_lab *self, int type, int send_hwm, int receive_hwm)
{
    void *socket = self->library->socket(self->context, type);
    if (!socket)
        return NULL;
    if (pipe_lab_set(self, socket, ZMQ_LINGER, 0) &&
        pipe_lab_set(self, socket, ZMQ_SNDHWM, send_hwm) &&
        pipe_lab_set(self, socket, ZMQ_RCVHWM, receive_hwm))
        return socket;
    pipe_lab_close_socket(self, &socket);
    return NULL;
}

void pipe_lab_close_socket(struct pipe_lab *self, void **socket_p)
{
    if (*socket_p)
        self->library->close(*socket_p);
    *socket_p = NULL;
}

bool pipe_lab_connect(struct pipe_lab *self, void *a, void *b, bool is_connect_first)
{
    char address[40];
    snprintf(address, sizeof(address), "inproc://pipe-lab-%d", self->n_addresses++);
    if (!is_connect_first && self->library->bind(b, address) != 0)
        return false;
    if (self->library->connect(a, address) != 0)
        return false;
    if (is_connect_first && self->library->bind(b, address) != 0)
        return false;
    pipe_lab_process_commands(self, b);
    pipe_lab_process_commands(self, a);
    return true;
}

int pipe_lab_send(struct pipe_lab *self, void *socket, int n, size_t size)
{
    /* No byte of the content is 0 or 1: such bytes are searched for in queues. */
    static const char content[16] = "calibration...";
    int n_sent = 0;
    while (n_sent < n && self->library->send(socket, content, size, ZMQ_DONTWAIT) >= 0)
        n_sent++;
    return n_sent;
}

int pipe_lab_receive(struct pipe_lab *self, void *socket, int n)
{
    char content[16];
    int n_received = 0;
    while (n_received < n &&
           self->library->recv(socket, content, sizeof(content), ZMQ_DONTWAIT) >= 0)
        n_received++;
    return n_received;
}

void pipe_lab_process_commands(struct pipe_lab *self, void *socket)
{
    int events;
    size_t size = sizeof(events);
    self->library->getsockopt(socket, ZMQ_EVENTS, &events, &size);
}

int64_t pipe_lab_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool pipe_lab_await(struct pipe_lab *self, void *socket, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - pipe_lab_now_ms();
    /* The whole process may have been stopped; libzmq's thread gets some time to run. */
    if (left_ms <= 0 && self->n_late_waits++ >= LAB_MAX_LATE_WAITS) {
        self->has_no_patience = true;
        return false;
    }
    struct pollfd poll_fd = {.fd = -1, .events = POLLIN};
    size_t size = sizeof(poll_fd.fd);
    self->library->getsockopt(socket, ZMQ_FD, &poll_fd.fd, &size);
    /* The descriptor signals a change once only, so the wait is short. */
    poll(&poll_fd, 1, left_ms > 0 && left_ms < LAB_WAIT_MS ? (int)left_ms : LAB_WAIT_MS);
    pipe_lab_process_commands(self, socket);
    return true;
}

void pipe_lab_read(struct pipe_lab *self, uintptr_t address, unsigned char *to, size_t size)
{
    memset(to, 0, size);
    for (size_t done = 0; done < size;) {
        size_t n = PAGE - (address + done) % PAGE;
        if (n > size - done)
            n = size - done;
        if (!pipe_memory_read_one(&self->memory, address + done, to + done, n))
            return;
        done += n;
    }
}
