/* SPDX-License-Identifier: MPL-2.0 */
/*
 * threads - eight threads, each with a PUSH and a PULL of its own, send in every spelling.
 *
 * usage: threads inproc|tcp MESSAGES. Prints what they counted as JSON, then waits for the end
 * of its standard input.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <zmq.h>

#define N_THREADS 8

struct worker {
    pthread_t thread;
    void *context;
    const char *transport;
    unsigned int number, n_messages;
    uint64_t sent_messages, sent_bytes, received_messages, received_bytes;
};

static void check(int is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static void send_one(struct worker *worker, void *push, unsigned int i)
{
    static char data[64];
    size_t size = i % sizeof data;
    zmq_msg_t message;
    struct iovec parts[2] = {{data, size}, {data, 1}};
    worker->sent_messages++;
    worker->sent_bytes += size + (i % 4 == 3);
    switch (i % 4) {
    case 0:
        check(zmq_send(push, data, size, 0) >= 0, "send");
        break;
    case 1:
        check(zmq_send_const(push, data, size, 0) >= 0, "send_const");
        break;
    case 2:
        zmq_msg_init_size(&message, size);
        memset(zmq_msg_data(&message), 0, size);
        check(zmq_msg_send(&message, push, 0) >= 0, "msg_send");
        break;
    default:
        check(zmq_sendiov(push, parts, 2, ZMQ_SNDMORE) >= 0, "sendiov");
    }
}

static void receive_one(struct worker *worker, void *pull, unsigned int i)
{
    int more = 1;
    for (int part = 0; more; part++) {
        zmq_msg_t message;
        zmq_msg_init(&message);
        int size = i % 2 ? zmq_msg_recv(&message, pull, 0) : zmq_recvmsg(pull, &message, 0);
        check(size >= 0, "receive");
        worker->received_bytes += (uint64_t)size;
        more = zmq_msg_more(&message);
        zmq_msg_close(&message);
    }
    worker->received_messages++;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    void *push = zmq_socket(worker->context, ZMQ_PUSH);
    void *pull = zmq_socket(worker->context, ZMQ_PULL);
    char endpoint[256];
    size_t size = sizeof endpoint;
    check(push && pull, "socket");
    if (strcmp(worker->transport, "inproc") == 0)
        snprintf(endpoint, sizeof endpoint, "inproc://thread-%u", worker->number);
    else
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:*");
    check(zmq_bind(pull, endpoint) == 0, "bind");
    check(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "endpoint");
    check(zmq_connect(push, endpoint) == 0, "connect");
    for (unsigned int i = 0; i < worker->n_messages; i++) {
        send_one(worker, push, i);
        if (i % 100 == 99 || i + 1 == worker->n_messages)
            while (worker->received_messages < worker->sent_messages)
                receive_one(worker, pull, i);
    }
    check(zmq_close(push) == 0 && zmq_close(pull) == 0, "close");
    return NULL;
}

int main(int argc, char **argv)
{
    static struct worker workers[N_THREADS];
    struct worker sum = {0};
    if (argc != 3)
        return 2;
    void *context = zmq_ctx_new();
    for (unsigned int i = 0; i < N_THREADS; i++) {
        workers[i] = (struct worker){.context = context,
                                     .transport = argv[1],
                                     .number = i,
                                     .n_messages = (unsigned int)atoi(argv[2])};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (unsigned int i = 0; i < N_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        sum.sent_messages += workers[i].sent_messages;
        sum.sent_bytes += workers[i].sent_bytes;
        sum.received_messages += workers[i].received_messages;
        sum.received_bytes += workers[i].received_bytes;
    }
    printf("{\"sent_messages\": %llu, \"sent_bytes\": %llu, \"received_messages\": %llu, "
           "\"received_bytes\": %llu}\n",
           (unsigned long long)sum.sent_messages, (unsigned long long)sum.sent_bytes,
           (unsigned long long)sum.received_messages, (unsigned long long)sum.received_bytes);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
