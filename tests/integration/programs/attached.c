/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A program with libzmq linked into it, which no preloading reaches, loads the tap and attaches its
 * sockets: attached TAP ADDRESS.
 *
 * Prints a line when a step is done and goes on when it reads one: attached (before, 3 messages
 * went); sent (10 sent, 4 received); detached; used on; closed.
 */
#include "tap/zmqtap.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

static const struct zmqtap_symbol library[] = ZMQTAP_LIBRARY;
static const struct zmqtap_symbol too_few[] = {ZMQTAP_SYMBOL(zmq_socket), {NULL, NULL}};

static struct {
    zmqtap_attach_fn attach;
    zmqtap_detach_fn detach;
    zmqtap_name_fn name;
    zmqtap_interface_fn interface;
} tap;

static void must(int is_true, const char *what)
{
    if (is_true)
        return;
    printf("failed: %s: errno %d\n", what, errno);
    (void)fflush(stdout);
    _Exit(1);
}
#define MUST(condition) must(condition, #condition)

static void step(const char *what)
{
    printf("%s\n", what);
    (void)fflush(stdout);
    MUST(getchar() != EOF);
}

static void load(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    MUST(handle != NULL);
    tap.attach = (zmqtap_attach_fn)dlsym(handle, "zmqtap_attach");
    tap.detach = (zmqtap_detach_fn)dlsym(handle, "zmqtap_detach");
    tap.name = (zmqtap_name_fn)dlsym(handle, "zmqtap_name");
    tap.interface = (zmqtap_interface_fn)dlsym(handle, "zmqtap_interface");
    MUST(tap.attach && tap.detach && tap.name && tap.interface);
    MUST(tap.interface() == ZMQTAP_INTERFACE);
}

static void move(void *push, void *pull, int n_sent, int n_received)
{
    char bytes[4];
    for (int i = 0; i < n_sent; i++)
        MUST(zmq_send(push, "abc", 3, 0) == 3);
    for (int i = 0; i < n_received; i++)
        MUST(zmq_recv(pull, bytes, sizeof(bytes), 0) == 3);
}

static void refuse_what_is_wrong(void *socket)
{
    MUST(tap.attach(NULL, library) == -1 && errno == ENOTSOCK);
    MUST(tap.attach(socket, too_few) == -1 && errno == EINVAL);
    MUST(tap.attach(socket, NULL) == -1 && errno == ENOSYS);
    MUST(tap.detach(socket) == -1 && errno == ENOTSOCK);
    MUST(tap.name(socket, "none") == -1 && errno == ENOTSOCK);
}

int main(int argc, char **argv)
{
    MUST(argc == 3);
    load(argv[1]);
    void *context = zmq_ctx_new();
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    MUST(zmq_bind(pull, argv[2]) == 0 && zmq_connect(push, argv[2]) == 0);
    refuse_what_is_wrong(push);
    move(push, pull, 3, 3);
    MUST(tap.attach(push, library) == 0 && tap.attach(pull, library) == 0);
    MUST(tap.name(pull, "orders") == 0);
    step("attached");
    move(push, pull, 10, 4);
    step("sent");
    MUST(tap.detach(push) == 0 && tap.detach(pull) == 0);
    MUST(tap.detach(pull) == -1 && errno == ENOTSOCK);
    step("detached");
    move(push, pull, 2, 8);
    MUST(tap.attach(pull, library) == 0);
    move(push, pull, 5, 5);
    step("again");
    MUST(tap.detach(pull) == 0);
    MUST(zmq_close(push) == 0 && zmq_close(pull) == 0 && zmq_ctx_term(context) == 0);
    step("closed");
    return 0;
}
