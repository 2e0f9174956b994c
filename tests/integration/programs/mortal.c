/* SPDX-License-Identifier: MPL-2.0 */
/*
 * mortal - opens sockets, sends, receives, closes them, and so on until it is killed.
 *
 * usage: mortal ENDPOINT COUNT_FILE
 *
 * COUNT_FILE holds two 64-bit numbers, the messages it was about to send and those it has sent; it
 * is mapped, so that they are true at any death.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zmq.h>

#define BATCH    7
#define PAUSE_MS 20

static uint64_t *map_count(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 2 * sizeof(uint64_t)) < 0)
        abort();
    void *map = mmap(NULL, 2 * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        abort();
    return map;
}

static void demand(int is_true)
{
    if (!is_true) {
        perror("mortal");
        abort();
    }
}

/* One life of a pair of sockets; a receive that finds nothing is the pause before the next. */
static void live(void *context, const char *endpoint, uint64_t *count)
{
    const int pause_ms = PAUSE_MS, no_linger = 0;
    char buffer[16];
    void *pull = zmq_socket(context, ZMQ_PULL), *push = zmq_socket(context, ZMQ_PUSH);
    demand(pull && push && zmq_bind(pull, endpoint) == 0 && zmq_connect(push, endpoint) == 0);
    demand(zmq_setsockopt(push, ZMQ_LINGER, &no_linger, sizeof(no_linger)) == 0);
    for (int i = 0; i < BATCH; i++) {
        ++((volatile uint64_t *)count)[0];
        demand(zmq_send(push, "message", 7, 0) == 7);
        ++((volatile uint64_t *)count)[1];
        demand(zmq_recv(pull, buffer, sizeof(buffer), 0) == 7);
    }
    demand(zmq_setsockopt(pull, ZMQ_RCVTIMEO, &pause_ms, sizeof(pause_ms)) == 0);
    demand(zmq_recv(pull, buffer, sizeof(buffer), 0) == -1);
    /* zmq_close(3) alone frees the name only a moment later. */
    demand(zmq_unbind(pull, endpoint) == 0);
    demand(zmq_close(push) == 0 && zmq_close(pull) == 0);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    uint64_t *count = map_count(argv[2]);
    void *context = zmq_ctx_new();
    for (unsigned i = 0;; i++) {
        live(context, i % 2 ? argv[1] : "inproc://shared", count);
        if (i == 1) {
            puts("ready");
            (void)fflush(stdout);
        }
    }
}
