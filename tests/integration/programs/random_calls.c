/* SPDX-License-Identifier: MPL-2.0 */
/*
 * random_calls - sends on one socket whatever comes, to peers that read a little, go and come
 * again.
 *
 * Frames and whole messages, small and large, waiting or not, in every spelling; options are
 * changed between messages and in the middle of one. It keeps the account that the tap ought to
 * have.
 *
 * usage: random_calls TYPE PEER_TYPE ENDPOINT SEED. Prints the account as JSON, then waits for the
 * end of its standard input.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define N_STEPS 10000

struct account {
    long long messages, bytes, refused; /* EAGAIN */
    long long waited_ms;                /* at least, in sends of first frames */
};

struct sender {
    void *context, *socket, *peer;
    int type, peer_type, timeout_ms;
    char endpoint[256];
    bool is_within;    /* a message */
    bool is_multipart; /* its messages of now */
    struct account account;
};

static uint64_t state;
static char data[60000];

static unsigned random_below(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % n;
}

static void check(int is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static void set(void *socket, int option, int value)
{
    check(zmq_setsockopt(socket, option, &value, sizeof value) == 0, "setsockopt");
}

static void *open_socket(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    check(socket != NULL, "socket");
    set(socket, ZMQ_SNDHWM, 3);
    set(socket, ZMQ_RCVHWM, 3);
    set(socket, ZMQ_LINGER, 0);
    return socket;
}

static void connect_peer(struct sender *self)
{
    self->peer = open_socket(self->context, self->peer_type);
    if (self->peer_type == ZMQ_SUB)
        check(zmq_setsockopt(self->peer, ZMQ_SUBSCRIBE, "", 0) == 0, "subscribe");
    check(zmq_setsockopt(self->peer, ZMQ_ROUTING_ID, "peer", 4) == 0, "routing id");
    check(zmq_connect(self->peer, self->endpoint) == 0, "connect");
}

static void change_option(struct sender *self)
{
    static const int timeouts[] = {0, 3, 6, -1};
    self->is_multipart = random_below(2);
    if (self->type == ZMQ_ROUTER && random_below(2)) {
        set(self->socket, ZMQ_ROUTER_MANDATORY, (int)random_below(2));
    } else if (self->type == ZMQ_XPUB && random_below(2)) {
        set(self->socket, ZMQ_XPUB_NODROP, (int)random_below(2));
    } else {
        self->timeout_ms = timeouts[random_below(4)];
        set(self->socket, ZMQ_SNDTIMEO, self->timeout_ms);
    }
}

static void receive_some(const struct sender *self)
{
    for (unsigned i = 1 + random_below(12); i > 0; i--)
        (void)zmq_recv(self->peer, data, sizeof data, ZMQ_DONTWAIT);
    if (self->type == ZMQ_ROUTER || self->type == ZMQ_XPUB) /* who is there */
        (void)zmq_recv(self->socket, data, sizeof data, ZMQ_DONTWAIT);
}

static int send_frame(void *socket, const char *bytes, size_t size, int flags)
{
    zmq_msg_t message;
    switch (random_below(4)) {
    case 0:
        return zmq_send_const(socket, bytes, size, flags);
    case 1:
        return zmq_send(socket, bytes, size, flags);
    default:
        check(zmq_msg_init_size(&message, size) == 0, "message");
        memcpy(zmq_msg_data(&message), bytes, size);
    }
    int rc = zmq_msg_send(&message, socket, flags), error = errno;
    if (rc < 0)
        zmq_msg_close(&message);
    errno = error;
    return rc;
}

static void count(struct sender *self, size_t size, int flags, int rc)
{
    struct account *account = &self->account;
    if (rc < 0) {
        check(errno == EAGAIN || errno == EHOSTUNREACH, "send");
        account->refused += errno == EAGAIN;
        /* libzmq's clock counts milliseconds: of so many, one less may be two. */
        bool has_waited = errno == EAGAIN && !self->is_within && !(flags & ZMQ_DONTWAIT);
        account->waited_ms += has_waited && self->timeout_ms > 0 ? self->timeout_ms - 2 : 0;
        return;
    }
    check((size_t)rc == size, "size");
    account->bytes += rc;
    account->messages += !(flags & ZMQ_SNDMORE);
    self->is_within = (flags & ZMQ_SNDMORE) != 0;
}

/* An endless wait is for nobody. */
static void send_something(struct sender *self)
{
    static const char large_id[] = "nobody, whose name is too long to lie in a zmq_msg_t itself";
    const unsigned limits[] = {1, 20, 400, sizeof data};
    const char *bytes = data;
    size_t size = random_below(limits[random_below(4)]);
    int flags = self->is_multipart && random_below(2) ? ZMQ_SNDMORE : 0;
    if (self->timeout_ms < 0 || random_below(2))
        flags |= ZMQ_DONTWAIT;
    if (self->type == ZMQ_ROUTER && !self->is_within) {
        bytes = random_below(4) ? "peer" : large_id;
        size = strlen(bytes);
        flags |= random_below(20) ? ZMQ_SNDMORE : 0;
    }
    count(self, size, flags, send_frame(self->socket, bytes, size, flags));
}

static void step(struct sender *self)
{
    unsigned chance = random_below(1000);
    if (chance < 30) {
        change_option(self);
    } else if (chance < 32) {
        check(zmq_close(self->peer) == 0, "close");
        connect_peer(self);
    } else if (chance < 320) {
        receive_some(self);
    } else {
        send_something(self);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    struct sender self = {.context = zmq_ctx_new(),
                          .type = atoi(argv[1]),
                          .peer_type = atoi(argv[2]),
                          .timeout_ms = -1};
    size_t size = sizeof self.endpoint;
    state = strtoull(argv[4], NULL, 10) * 7919 + 1;
    self.socket = open_socket(self.context, self.type);
    check(zmq_bind(self.socket, argv[3]) == 0, "bind");
    check(zmq_getsockopt(self.socket, ZMQ_LAST_ENDPOINT, self.endpoint, &size) == 0, "endpoint");
    connect_peer(&self);
    for (int i = 0; i < N_STEPS; i++)
        step(&self);
    zmq_close(self.peer);
    printf("{\"messages\": %lld, \"bytes\": %lld, \"refused\": %lld, \"waited_ms\": %lld}\n",
           self.account.messages, self.account.bytes, self.account.refused, self.account.waited_ms);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
