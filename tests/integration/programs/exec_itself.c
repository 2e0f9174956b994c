/* SPDX-License-Identifier: MPL-2.0 */
/* A PUSH and a PULL over inproc, argv[1] messages between them; then executes itself, with the
 * number that it reads, once for each line. Without random addresses (setarch -R) all that is there
 * after that lies where it lay before. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

int main(int argc, char **argv)
{
    char word[16] = "";
    void *context = zmq_ctx_new();
    void *pull = zmq_socket(context, ZMQ_PULL), *push = zmq_socket(context, ZMQ_PUSH);
    if (argc != 2 || zmq_bind(pull, "inproc://x") < 0 || zmq_connect(push, "inproc://x") < 0)
        return 2;
    for (int i = atoi(argv[1]); i > 0; i--) {
        if (zmq_send(push, "x", 1, 0) < 0)
            return 2;
    }
    printf("%p\n", push);
    fflush(stdout);
    if (scanf("%15s", word) != 1)
        return 0;
    execl(argv[0], argv[0], word, NULL);
    return 2;
}
