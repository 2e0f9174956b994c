/* SPDX-License-Identifier: MPL-2.0 */
/*
 * shared - several threads use one socket at once, of the types that allow it.
 *
 * usage: shared SENDER_TYPE RECEIVER_TYPE MESSAGES. Four threads send that many each on one socket,
 * four receive on another, in both spellings. Prints what they counted as JSON, then waits for the
 * end of its standard input.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define N_THREADS 4

static void *sender, *receiver;
static int n_messages;
static uint64_t sent_bytes, received_bytes, refused_receives;
static int n_received;

static void check(int is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static int send_one(int i)
{
    static const char data[32];
    size_t size = (size_t)i % sizeof data;
    zmq_msg_t message;
    if (i % 2)
        return zmq_send(sender, data, size, 0);
    zmq_msg_init_size(&message, size);
    memset(zmq_msg_data(&message), 0, size);
    return zmq_msg_send(&message, sender, 0);
}

static int receive_one(int i)
{
    char data[32];
    zmq_msg_t message;
    if (i % 2)
        return zmq_recv(receiver, data, sizeof data, 0);
    zmq_msg_init(&message);
    int rc = zmq_msg_recv(&message, receiver, 0);
    int error = zmq_errno();
    zmq_msg_close(&message);
    errno = error;
    return rc;
}

static void *send_all(void *unused)
{
    for (int i = 0; i < n_messages; i++) {
        int rc = send_one(i);
        check(rc >= 0, "send");
        __atomic_fetch_add(&sent_bytes, (uint64_t)rc, __ATOMIC_RELAXED);
    }
    return unused;
}

static void *receive_all(void *unused)
{
    for (int i = 0; __atomic_load_n(&n_received, __ATOMIC_RELAXED) < N_THREADS * n_messages; i++) {
        int rc = receive_one(i);
        if (rc < 0) {
            check(zmq_errno() == EAGAIN, "receive");
            __atomic_fetch_add(&refused_receives, 1, __ATOMIC_RELAXED);
            continue;
        }
        __atomic_fetch_add(&n_received, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&received_bytes, (uint64_t)rc, __ATOMIC_RELAXED);
    }
    return unused;
}

int main(int argc, char **argv)
{
    int timeout_ms = 50;
    pthread_t threads[2 * N_THREADS];
    if (argc != 4)
        return 2;
    void *context = zmq_ctx_new();
    sender = zmq_socket(context, atoi(argv[1]));
    receiver = zmq_socket(context, atoi(argv[2]));
    n_messages = atoi(argv[3]);
    check(sender && receiver, "socket");
    check(zmq_setsockopt(receiver, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms) == 0, "option");
    check(zmq_bind(receiver, "inproc://shared") == 0, "bind");
    check(zmq_connect(sender, "inproc://shared") == 0, "connect");
    for (int i = 0; i < 2 * N_THREADS; i++)
        pthread_create(&threads[i], NULL, i % 2 ? send_all : receive_all, NULL);
    for (int i = 0; i < 2 * N_THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("{\"sent_messages\": %d, \"sent_bytes\": %llu, \"received_messages\": %d, "
           "\"received_bytes\": %llu, \"receive_would_block\": %llu}\n",
           N_THREADS * n_messages, (unsigned long long)sent_bytes, n_received,
           (unsigned long long)received_bytes, (unsigned long long)refused_receives);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
