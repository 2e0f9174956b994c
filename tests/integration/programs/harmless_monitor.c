/* SPDX-License-Identifier: MPL-2.0 */
/* A program that monitors its own sockets gets its events, all of them and no others. */
#include "cases.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

/* Prints one event; the number of the event's descriptor or port is left out. */
static int print_event(void *monitor, int timeout_ms)
{
    unsigned char frame[8] = {0};
    char address[256] = "";
    uint16_t event;
    uint32_t value;
    zmq_pollitem_t item = {monitor, 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, timeout_ms) <= 0) {
        puts("no event");
        return -1;
    }
    int size = zmq_recv(monitor, frame, sizeof frame, 0);
    int rest = zmq_recv(monitor, address, sizeof address - 1, 0);
    memcpy(&event, frame, sizeof event);
    memcpy(&value, frame + 2, sizeof value);
    char *port = strrchr(address, ':');
    if (port && strncmp(address, "tcp", 3) == 0)
        *port = '\0';
    int is_number = (event & (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                              ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_BIND_FAILED)) != 0;
    printf("event %#x size %d value %s%u address %d %s\n", event, size, is_number ? "" : "fd ",
           is_number ? value : 0, rest < 0, address);
    return event;
}

static void print_until(void *monitor, int last)
{
    int event;
    while ((event = print_event(monitor, 20000)) >= 0 && event != last)
        ;
}

static void *watch(void *context, const char *endpoint)
{
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    cases_report("connect the monitor", zmq_connect(monitor, endpoint));
    return monitor;
}

static void serve_once(void *context, void *server, void *monitor)
{
    char endpoint[256], data[4];
    cases_bind(server, endpoint);
    print_until(monitor, ZMQ_EVENT_LISTENING);
    void *client = zmq_socket(context, ZMQ_PUSH);
    zmq_connect(client, endpoint);
    zmq_send(client, "x", 1, 0);
    cases_report("recv", zmq_recv(server, data, 1, 0));
    print_until(monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    zmq_close(client);
    print_until(monitor, ZMQ_EVENT_DISCONNECTED);
}

static void all_events(void)
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    cases_report("monitor", zmq_socket_monitor(server, "inproc://m", ZMQ_EVENT_ALL));
    void *monitor = watch(context, "inproc://m");
    serve_once(context, server, monitor);
    cases_report("close", zmq_close(server));
    print_until(monitor, ZMQ_EVENT_MONITOR_STOPPED);
    print_event(monitor, 0);
    zmq_close(monitor);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void some_events(void)
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    int mask = ZMQ_EVENT_LISTENING | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
    cases_report("monitor", zmq_socket_monitor(server, "inproc://m", mask));
    void *monitor = watch(context, "inproc://m");
    serve_once(context, server, monitor);
    cases_report("stop", zmq_socket_monitor(server, NULL, 0));
    print_event(monitor, 300); /* MONITOR_STOPPED is not in the mask */
    cases_report("stop again", zmq_socket_monitor(server, NULL, 0));
    zmq_close(server);
    zmq_close(monitor);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void second_monitor_replaces(void)
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    cases_report("first", zmq_socket_monitor(server, "inproc://first", ZMQ_EVENT_ALL));
    void *first = watch(context, "inproc://first");
    cases_report("second", zmq_socket_monitor(server, "inproc://second", ZMQ_EVENT_ALL));
    void *second = watch(context, "inproc://second");
    print_until(first, ZMQ_EVENT_MONITOR_STOPPED);
    serve_once(context, server, second);
    cases_report("again", zmq_socket_monitor(server, "inproc://third", ZMQ_EVENT_ALL));
    void *third = watch(context, "inproc://third");
    print_until(second, ZMQ_EVENT_MONITOR_STOPPED);
    cases_report("stop", zmq_socket_monitor(server, NULL, 0));
    print_until(third, ZMQ_EVENT_MONITOR_STOPPED);
    zmq_close(server);
    zmq_close(third);
    zmq_close(first);
    zmq_close(second);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void bad_addresses(void)
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    void *other = zmq_socket(context, ZMQ_PAIR);
    zmq_bind(other, "inproc://taken");
    static const char *const endpoints[] = {
        "", "x", "tcp://127.0.0.1:*", "inproc://", "bogus://x", "inproc://taken", "ipc:///tmp"};
    cases_report("nothing to stop", zmq_socket_monitor(server, NULL, ZMQ_EVENT_ALL));
    cases_report("mask -1", zmq_socket_monitor(server, "inproc://minus", -1));
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        cases_report(endpoints[i], zmq_socket_monitor(server, endpoints[i], ZMQ_EVENT_ALL));
    cases_report("mask 0", zmq_socket_monitor(server, "inproc://zero", 0));
    zmq_close(server);
    zmq_close(other);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void never_watched(void)
{
    void *context = zmq_ctx_new(), *client = zmq_socket(context, ZMQ_PUSH);
    cases_report("monitor", zmq_socket_monitor(client, "inproc://m", ZMQ_EVENT_ALL));
    cases_report("close", zmq_close(client));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void watcher_leaves_first(void)
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    cases_report("monitor", zmq_socket_monitor(server, "inproc://m", ZMQ_EVENT_LISTENING));
    void *monitor = watch(context, "inproc://m");
    char endpoint[256];
    cases_bind(server, endpoint);
    print_until(monitor, ZMQ_EVENT_LISTENING);
    cases_report("close the watcher", zmq_close(monitor));
    cases_report("close", zmq_close(server));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void term_stops_the_monitor(void)
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    zmq_socket_monitor(server, "inproc://m", ZMQ_EVENT_ALL);
    void *monitor = watch(context, "inproc://m");
    char byte;
    cases_report("shutdown", zmq_ctx_shutdown(context));
    cases_report("recv of the monitor", zmq_recv(monitor, &byte, 1, 0));
    cases_report("recv of the server", zmq_recv(server, &byte, 1, 0));
    zmq_close(monitor);
    zmq_close(server);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void failed_bind(void)
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    void *other = zmq_socket(context, ZMQ_PULL);
    char endpoint[256];
    cases_bind(other, endpoint);
    zmq_socket_monitor(server, "inproc://m", ZMQ_EVENT_ALL);
    void *monitor = watch(context, "inproc://m");
    cases_report("bind", zmq_bind(server, endpoint));
    print_event(monitor, 20000);
    zmq_close(server);
    zmq_close(other);
    zmq_close(monitor);
    cases_report("ctx_term", zmq_ctx_term(context));
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"all_events", all_events},
        {"some_events", some_events},
        {"second_monitor_replaces", second_monitor_replaces},
        {"bad_addresses", bad_addresses},
        {"never_watched", never_watched},
        {"watcher_leaves_first", watcher_leaves_first},
        {"term_stops_the_monitor", term_stops_the_monitor},
        {"failed_bind", failed_bind},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
