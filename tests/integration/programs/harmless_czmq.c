/* SPDX-License-Identifier: MPL-2.0 */
/* A CZMQ program: sockets, actors, pollers, loops, its monitor and its authenticator. */
#include "cases.h"

#include <czmq.h>

static void print_frames(zsock_t *socket)
{
    zmsg_t *message = zmsg_recv(socket);
    if (!message) {
        puts("nothing");
        return;
    }
    printf("%zu frames, %zu bytes:", zmsg_size(message), zmsg_content_size(message));
    for (zframe_t *frame = zmsg_first(message); frame; frame = zmsg_next(message))
        printf(" %.*s", (int)zframe_size(frame), (const char *)zframe_data(frame));
    putchar('\n');
    zmsg_destroy(&message);
}

static void pictures_and_messages(void)
{
    zsock_t *pull = zsock_new_pull("@tcp://127.0.0.1:*");
    zsock_t *push = zsock_new_push(zsock_endpoint(pull));
    cases_report("send", zsock_send(push, "s8s", "a", 7, "c"));
    print_frames(pull);
    cases_report("send", zstr_sendx(push, "one", "two", "", NULL));
    print_frames(pull);
    zsock_set_rcvtimeo(pull, 10);
    print_frames(pull);
    cases_report("hwm", zsock_sndhwm(push));
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void echo(zsock_t *pipe, void *unused)
{
    (void)unused;
    zsock_signal(pipe, 0);
    for (;;) {
        char *text = zstr_recv(pipe);
        int is_last = !text || streq(text, "$TERM");
        if (!is_last)
            zstr_send(pipe, text);
        zstr_free(&text);
        if (is_last)
            return;
    }
}

static void actors(void)
{
    for (int i = 0; i < 20; i++) {
        zactor_t *actor = zactor_new(echo, NULL);
        zstr_send(actor, "hello");
        char *text = zstr_recv(actor);
        puts(text ? text : "nothing");
        zstr_free(&text);
        zactor_destroy(&actor);
    }
}

/* Name and address of the events of one connection, up to the one that ends it. */
static void monitor(void)
{
    zsock_t *server = zsock_new(ZMQ_DEALER);
    zactor_t *watcher = zactor_new(zmonitor, server);
    zstr_sendx(watcher, "LISTEN", "LISTENING", "ACCEPTED", "DISCONNECTED", NULL);
    zstr_send(watcher, "START");
    zsock_wait(watcher);
    cases_report("bind", zsock_bind(server, "tcp://127.0.0.1:*") > 0);
    zsock_t *client = zsock_new_dealer(zsock_endpoint(server));
    zstr_send(client, "hello");
    print_frames(server);
    zsock_destroy(&client);
    for (int i = 0; i < 3; i++) {
        zmsg_t *event = zmsg_recv(watcher);
        char *name = event ? zmsg_popstr(event) : NULL;
        puts(name ? name : "nothing");
        zstr_free(&name);
        zmsg_destroy(&event);
    }
    zactor_destroy(&watcher);
    zsock_destroy(&server);
}

static void authenticator(void)
{
    zactor_t *zauth_actor = zactor_new(zauth, NULL);
    zstr_sendx(zauth_actor, "CURVE", CURVE_ALLOW_ANY, NULL);
    zsock_wait(zauth_actor);
    zcert_t *server_cert = zcert_new(), *client_cert = zcert_new();
    zsock_t *server = zsock_new(ZMQ_PULL), *client = zsock_new(ZMQ_PUSH);
    zcert_apply(server_cert, server);
    zsock_set_curve_server(server, 1);
    zsock_bind(server, "tcp://127.0.0.1:*");
    zcert_apply(client_cert, client);
    zsock_set_curve_serverkey(client, zcert_public_txt(server_cert));
    cases_report("connect", zsock_connect(client, "%s", zsock_endpoint(server)));
    zstr_send(client, "secret");
    print_frames(server);
    zsock_destroy(&client);
    zsock_destroy(&server);
    zcert_destroy(&server_cert);
    zcert_destroy(&client_cert);
    zactor_destroy(&zauth_actor);
}

static int on_timer(zloop_t *loop, int timer, void *push)
{
    (void)loop, (void)timer;
    zstr_send(push, "tick");
    return 0;
}

static int on_message(zloop_t *loop, zsock_t *pull, void *count)
{
    (void)loop;
    print_frames(pull);
    return ++*(int *)count == 5 ? -1 : 0;
}

static void loop(void)
{
    int count = 0;
    zsock_t *pull = zsock_new_pull("@inproc://loop"), *push = zsock_new_push(">inproc://loop");
    zloop_t *loop = zloop_new();
    zloop_timer(loop, 5, 5, on_timer, push);
    zloop_reader(loop, pull, on_message, &count);
    cases_report("loop", zloop_start(loop));
    zloop_destroy(&loop);
    zsock_destroy(&push);
    zsock_destroy(&pull);
}

static void proxy(void)
{
    zactor_t *actor = zactor_new(zproxy, NULL);
    zstr_sendx(actor, "FRONTEND", "PULL", "inproc://front", NULL);
    zsock_wait(actor);
    zstr_sendx(actor, "BACKEND", "PUSH", "inproc://back", NULL);
    zsock_wait(actor);
    zsock_t *push = zsock_new_push(">inproc://front"), *pull = zsock_new_pull(">inproc://back");
    zstr_send(push, "through");
    print_frames(pull);
    zsock_destroy(&push);
    zsock_destroy(&pull);
    zactor_destroy(&actor);
}

static void sockets_left_open(void)
{
    zsock_t *pull = zsock_new_pull("@tcp://127.0.0.1:*");
    zsock_t *push = zsock_new_push(zsock_endpoint(pull));
    zstr_send(push, "left");
    print_frames(pull);
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"pictures_and_messages", pictures_and_messages},
        {"actors", actors},
        {"monitor", monitor},
        {"authenticator", authenticator},
        {"loop", loop},
        {"proxy", proxy},
        {"sockets_left_open", sockets_left_open},
    };
    zsys_set_logstream(fopen("/dev/null", "w")); /* its lines bear the time */
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
