/* SPDX-License-Identifier: MPL-2.0 */
/*
 * endpoints - many bound sockets in one program, for probes.
 *
 * usage: endpoints N
 *
 * Prints "TYPE ENDPOINT" for each of N sockets, then "ready", and lives until its standard input
 * ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

static const struct {
    int type;
    const char *name;
} types[] = {
    {ZMQ_PUB, "PUB"},   {ZMQ_ROUTER, "ROUTER"}, {ZMQ_PULL, "PULL"}, {ZMQ_REP, "REP"},
    {ZMQ_XPUB, "XPUB"}, {ZMQ_PUSH, "PUSH"},     {ZMQ_SUB, "SUB"},   {ZMQ_DEALER, "DEALER"},
};
#define N_TYPES (sizeof(types) / sizeof(*types))

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    int n = argc == 2 ? atoi(argv[1]) : 0;
    char byte;
    if (n <= 0)
        return 2;
    raise_descriptor_limit();
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, n + 10);
    for (int i = 0; i < n; i++) {
        char endpoint[256];
        size_t size = sizeof(endpoint);
        size_t kind = (size_t)i % N_TYPES;
        void *socket = zmq_socket(context, types[kind].type);
        if (!socket || zmq_bind(socket, "tcp://127.0.0.1:*") < 0 ||
            zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) < 0) {
            perror("endpoints");
            return 1;
        }
        printf("%s %s\n", types[kind].name, endpoint);
    }
    printf("ready\n");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    return 0; /* the process's end closes more quickly than zmq_ctx_term() */
}
