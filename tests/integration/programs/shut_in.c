/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Shuts itself in, as before a filter of system calls, while three messages wait; then sends two
 * more. Prints "open" and "shut", and waits for a line after each.
 */
#include <stdio.h>
#include <sys/prctl.h>
#include <zmq.h>

static void wait_after(const char *word)
{
    char line[8];
    puts(word);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        puts("no line");
}

int main(void)
{
    void *context = zmq_ctx_new();
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    if (zmq_bind(pull, "inproc://shut-in") != 0 || zmq_connect(push, "inproc://shut-in") != 0)
        return 2;
    for (int i = 0; i < 3; i++)
        zmq_send(push, "x", 1, 0);
    wait_after("open");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return 3;
    for (int i = 0; i < 2; i++)
        zmq_send(push, "x", 1, 0);
    wait_after("shut");
    zmq_close(push);
    zmq_close(pull);
    return zmq_ctx_term(context);
}
