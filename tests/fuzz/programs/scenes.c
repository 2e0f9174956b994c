/* SPDX-License-Identifier: MPL-2.0 */
/* Several sockets in a play whose end is known: what is lost, what other threads move. */
#include "program.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void set(struct program_socket *socket, int option, int value)
{
    (void)zmq_setsockopt(socket->handle, option, &value, sizeof value);
}

static struct program_context *open_context(struct program *self)
{
    struct program_context *context = program_some_context(self);
    return context && !context->is_shut ? context : NULL;
}

static void close_all(struct program *self, struct program_socket **sockets, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (sockets[i])
            sockets_close(self, sockets[i]);
    }
}

/* One of each type, none of them conflating, or none at all. */
static bool open_all(struct program *self, struct program_context *context, const int *types,
                     struct program_socket **sockets, unsigned n)
{
    bool is_good = true;
    for (unsigned i = 0; i < n; i++) {
        sockets[i] = is_good ? sockets_open(self, context, types[i]) : NULL;
        is_good = sockets[i] && !sockets[i]->is_conflating;
    }
    if (!is_good)
        close_all(self, sockets, n);
    return is_good;
}

static void name(struct program *self, char *endpoint, size_t size, const char *what)
{
    bool is_remote = self->transports > IPC && program_chance(self, 3);
    snprintf(endpoint, size, "%s://t%u%s%u", is_remote ? "ipc" : "inproc", self->index, what,
             self->n_numbers++);
}

static void name_inproc(struct program *self, char *endpoint, size_t size, const char *what)
{
    snprintf(endpoint, size, "inproc://%s%u", what, self->n_numbers++);
}

static bool join(struct program *self, struct program_socket **sockets, unsigned n,
                 const char *endpoint)
{
    bool is_good = sockets_bind(self, sockets[0], endpoint);
    for (unsigned i = 1; i < n && is_good; i++)
        is_good = sockets_connect(self, sockets[i], endpoint);
    if (!is_good)
        close_all(self, sockets, n);
    return is_good;
}

static int send_text(struct program *self, struct program_socket *socket, const char *text,
                     int flags)
{
    return messages_send_bytes(self, socket, text, strlen(text), flags);
}

/* A publisher and subscribers of everything, who read a little and at the end all that is left. */
void scenes_publish(struct program *self)
{
    int types[4] = {program_chance(self, 2) ? ZMQ_PUB : ZMQ_XPUB, ZMQ_SUB, ZMQ_SUB, ZMQ_SUB};
    struct program_socket *sockets[4];
    struct program_context *context = open_context(self);
    unsigned n = 2 + program_random(self, 3);
    char endpoint[64];
    name_inproc(self, endpoint, sizeof endpoint, "publish");
    if (!context || !open_all(self, context, types, sockets, n))
        return;
    for (unsigned i = 1; i < n; i++)
        (void)zmq_setsockopt(sockets[i]->handle, ZMQ_SUBSCRIBE, "", 0);
    if (!join(self, sockets, n, endpoint))
        return;
    struct group *group = program_group_of(self, sockets[0]);
    struct group *readers = program_group_of(self, sockets[1]);
    long long sent = group->sent, received = readers->received;
    for (unsigned i = program_random(self, 40); i > 0; i--) {
        if (program_chance(self, 3))
            messages_receive(self, sockets[1 + program_random(self, n - 1)], ZMQ_DONTWAIT);
        if (program_chance(self, 4))
            send_text(self, sockets[0], "part", ZMQ_SNDMORE);
        send_text(self, sockets[0], "message", ZMQ_DONTWAIT);
    }
    for (unsigned i = 1; i < n; i++)
        messages_drain(self, sockets[i]);
    group->is_loss_known = true;
    group->dropped_hwm += (group->sent - sent) * (n - 1) - (readers->received - received);
    close_all(self, sockets, n);
}

/* A ROUTER that sends to a peer that reads too little, and to nobody. */
void scenes_route(struct program *self)
{
    const int types[2] = {ZMQ_ROUTER, ZMQ_DEALER};
    struct program_socket *sockets[2];
    struct program_context *context = open_context(self);
    char endpoint[64];
    name_inproc(self, endpoint, sizeof endpoint, "route");
    if (!context || !open_all(self, context, types, sockets, 2))
        return;
    (void)zmq_setsockopt(sockets[1]->handle, ZMQ_ROUTING_ID, "peer", 4);
    if (!join(self, sockets, 2, endpoint))
        return;
    struct group *group = program_group_of(self, sockets[0]);
    struct group *readers = program_group_of(self, sockets[1]);
    send_text(self, sockets[1], "hello", ZMQ_DONTWAIT);
    messages_drain(self, sockets[0]);
    long long received = readers->received, n_for_peer = 0;
    for (unsigned i = program_random(self, 40); i > 0; i--) {
        bool is_lost = program_chance(self, 4);
        if (program_chance(self, 4))
            messages_receive(self, sockets[1], ZMQ_DONTWAIT);
        send_text(self, sockets[0], is_lost ? "nobody" : "peer", ZMQ_SNDMORE);
        if (program_chance(self, 4))
            send_text(self, sockets[0], "", ZMQ_SNDMORE);
        send_text(self, sockets[0], "message", ZMQ_DONTWAIT);
        group->dropped_unroutable += is_lost;
        n_for_peer += !is_lost;
    }
    messages_drain(self, sockets[1]);
    group->is_loss_known = true;
    group->dropped_hwm += n_for_peer - (readers->received - received);
    close_all(self, sockets, 2);
}

/*
 * Two threads
 */
struct stream {
    void *socket;
    long n, n_sent;
};

static void *send_stream(void *data)
{
    struct stream *stream = data;
    for (long i = 0; i < stream->n; i++)
        stream->n_sent += zmq_send(stream->socket, "stream", (size_t)(i % 7), 0) == i % 7;
    return NULL;
}

static void receive_stream(struct program *self, struct program_socket *socket, long n)
{
    char bytes[8];
    struct group *group = program_group_of(self, socket);
    uint64_t hash = 0;
    for (long i = 0; i < n; i++) {
        int rc = zmq_recv(socket->handle, bytes, sizeof bytes, 0);
        if (program_random(self, 1000) == 0)
            program_log(self, "  %ld: %d", i, rc);
        if (rc < 0)
            return;
        hash = hash * 31 + program_hash(bytes, (size_t)rc);
        group->received++;
        group->received_bytes += rc;
    }
    program_log(self, "stream %ld %016llx", n, (unsigned long long)hash);
}

void scenes_stream(struct program *self)
{
    const int types[2] = {ZMQ_PULL, ZMQ_PUSH};
    struct program_socket *sockets[2];
    struct program_context *context = open_context(self);
    char endpoint[64];
    pthread_t thread;
    name(self, endpoint, sizeof endpoint, "stream");
    if (!context || !open_all(self, context, types, sockets, 2) ||
        !join(self, sockets, 2, endpoint))
        return;
    set(sockets[0], ZMQ_RCVTIMEO, -1);
    set(sockets[1], ZMQ_SNDTIMEO, -1);
    struct stream stream = {.socket = sockets[1]->handle, .n = program_random(self, 2000)};
    sockets[1]->is_elsewhere = true;
    if (pthread_create(&thread, NULL, send_stream, &stream) == 0) {
        receive_stream(self, sockets[0], stream.n);
        pthread_join(thread, NULL);
    }
    sockets[1]->is_elsewhere = false;
    struct group *group = program_group_of(self, sockets[1]);
    group->sent += stream.n_sent;
    for (long i = 0; i < stream.n; i++)
        group->sent_bytes += i % 7;
    self->n_done += (unsigned)stream.n / 100;
    close_all(self, sockets, 2);
}

/*
 * A proxy
 */
struct proxy {
    void *front, *back, *control;
    int rc, error;
};

static void *run_proxy(void *data)
{
    struct proxy *proxy = data;
    proxy->rc = proxy->control
                    ? zmq_proxy_steerable(proxy->front, proxy->back, NULL, proxy->control)
                    : zmq_proxy(proxy->front, proxy->back, NULL);
    proxy->error = zmq_errno();
    return NULL;
}

enum { FRONT, BACK, CONTROL, CLIENT, WORKER, DIRECTOR, N_ACTORS };

static void ask(struct program *self, struct program_socket **sockets)
{
    char bytes[64];
    for (unsigned i = program_random(self, 10); i > 0; i--) {
        int sent = zmq_send(sockets[CLIENT]->handle, "request", 7, 0);
        int asked = zmq_recv(sockets[WORKER]->handle, bytes, sizeof bytes, 0);
        int answered = zmq_send(sockets[WORKER]->handle, bytes, 5, 0);
        int received = zmq_recv(sockets[CLIENT]->handle, bytes, sizeof bytes, 0);
        program_log(self, "proxy %d %d %d %d", sent, asked, answered, received);
    }
}

static void run_with_proxy(struct program *self, struct program_socket **sockets, bool is_steered)
{
    struct proxy proxy = {sockets[FRONT]->handle, sockets[BACK]->handle,
                          is_steered ? sockets[CONTROL]->handle : NULL, 0, 0};
    pthread_t thread;
    for (unsigned i = FRONT; i <= CONTROL; i++)
        sockets[i]->is_elsewhere = true;
    if (pthread_create(&thread, NULL, run_proxy, &proxy) != 0)
        return;
    ask(self, sockets);
    if (is_steered)
        (void)zmq_send(sockets[DIRECTOR]->handle, "TERMINATE", 9, 0);
    else
        (void)zmq_ctx_shutdown(sockets[FRONT]->context->handle);
    sockets[FRONT]->context->is_shut |= !is_steered;
    pthread_join(thread, NULL);
    for (unsigned i = FRONT; i <= CONTROL; i++)
        sockets[i]->is_elsewhere = false;
    program_settle(self);
    program_log(self, "proxy of %d = %d %s", is_steered, proxy.rc, zmq_strerror(proxy.error));
}

static void mark_proxied(struct program *self, struct program_socket **sockets)
{
    for (unsigned i = 0; i < N_ACTORS; i++) {
        set(sockets[i], ZMQ_RCVTIMEO, -1);
        set(sockets[i], ZMQ_SNDTIMEO, -1);
        program_group_of(self, sockets[i])->is_proxied = true;
    }
}

void scenes_proxy(struct program *self)
{
    static const int types[N_ACTORS] = {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_PAIR,
                                        ZMQ_REQ,    ZMQ_REP,    ZMQ_PAIR};
    struct program_socket *sockets[N_ACTORS];
    struct program_context *context = open_context(self);
    char endpoint[3][64];
    bool is_steered = program_chance(self, 2);
    for (unsigned i = 0; i < 3; i++)
        name(self, endpoint[i], sizeof endpoint[i], "proxy");
    if (!context || !open_all(self, context, types, sockets, N_ACTORS))
        return;
    for (unsigned i = 0; i < 3; i++) {
        if (!sockets_bind(self, sockets[i], endpoint[i]) ||
            !sockets_connect(self, sockets[CLIENT + i], endpoint[i])) {
            close_all(self, sockets, N_ACTORS);
            return;
        }
    }
    mark_proxied(self, sockets);
    run_with_proxy(self, sockets, is_steered);
    if (is_steered)
        close_all(self, sockets, N_ACTORS);
    else
        sockets_end_context(self, context);
}

/*
 * The process
 */
void scenes_fork(struct program *self)
{
    unsigned seed = program_random(self, 1u << 30), n = program_random(self, 40);
    int status = -1;
    program_log(self, "fork");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct program *child = calloc(1, sizeof *child);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        child->log = self->log;
        child->random = seed + 1u;
        child->transports = 1;
        child->is_synchronous = true;
        child->shows_descriptors = self->shows_descriptors;
        main_run(child, n);
        main_end(child);
        _exit((int)(seed & 63));
    }
    (void)waitpid(pid, &status, 0);
    program_log(self, "forked: %d", status);
}

void scenes_descriptors(struct program *self)
{
    char path[300], target[64], line[2000] = "";
    size_t size = 0;
    program_settle(self);
    DIR *folder = self->shows_descriptors ? opendir("/proc/self/fd") : NULL;
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && size < 1900;) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n > 0)
            size += (size_t)snprintf(line + size, sizeof line - size, " %s:%.6s", entry->d_name,
                                     target);
    }
    closedir(folder);
    program_log(self, "descriptors%s", line);
}
