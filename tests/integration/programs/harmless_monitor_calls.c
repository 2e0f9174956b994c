/* SPDX-License-Identifier: MPL-2.0 */
/* What the calls of a program's own monitor give, and what it has when they return. */
#include "cases.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define NO_EVENT (-1)

/* The next event that is there now, of version 1. */
static int next_event(void *monitor)
{
    unsigned char frame[8] = {0};
    char address[256];
    uint16_t event;
    if (zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT) < 0)
        return NO_EVENT;
    zmq_recv(monitor, address, sizeof address, 0);
    memcpy(&event, frame, sizeof event);
    return event;
}

static void print_events(const char *what, void *monitor)
{
    int event;
    printf("%s:", what);
    while ((event = next_event(monitor)) != NO_EVENT)
        printf(" %#x", (unsigned)event);
    putchar('\n');
}

static void *watch(void *context, const char *endpoint)
{
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    cases_report("connect the monitor", zmq_connect(monitor, endpoint));
    return monitor;
}

/* What the program's own thread raises can be read when its call returns. */
static void events_at_once(void)
{
    int n_polled = 0, n_listening = 0, n_closed = 0, n_failed = 0, n_stopped = 0;
    for (int i = 0; i < 50; i++) {
        char endpoint[256];
        void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
        void *other = zmq_socket(context, ZMQ_PULL), *monitor = zmq_socket(context, ZMQ_PAIR);
        zmq_pollitem_t item = {monitor, 0, ZMQ_POLLIN, 0};
        cases_bind(other, endpoint);
        zmq_socket_monitor(server, "inproc://m", ZMQ_EVENT_ALL);
        zmq_connect(monitor, "inproc://m");
        zmq_bind(server, endpoint);
        n_failed += next_event(monitor) == ZMQ_EVENT_BIND_FAILED;
        while (next_event(monitor) != NO_EVENT)
            ;
        cases_bind(server, endpoint);
        n_polled += zmq_poll(&item, 1, 0) == 1;
        n_listening += next_event(monitor) == ZMQ_EVENT_LISTENING;
        n_closed += next_event(monitor) == NO_EVENT;
        zmq_socket_monitor(server, NULL, 0);
        n_stopped += next_event(monitor) == ZMQ_EVENT_MONITOR_STOPPED;
        zmq_close(monitor);
        zmq_close(server);
        zmq_close(other);
        zmq_ctx_term(context);
    }
    printf("failed %d, polled %d, listening %d, nothing else %d, stopped %d\n", n_failed, n_polled,
           n_listening, n_closed, n_stopped);
}

/* A request that is refused leaves the old monitor, or ends it, as libzmq does. */
static void refused_requests(void)
{
    static const struct {
        const char *endpoint;
        int events;
    } requests[] = {
        {NULL, 1 << 16}, {"inproc://x", 1 << 16},      {"tcp://127.0.0.1:*", ZMQ_EVENT_ALL},
        {"", 1},         {"inproc://", ZMQ_EVENT_ALL}, {"inproc://taken", ZMQ_EVENT_ALL},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        char endpoint[256];
        void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
        void *taken = zmq_socket(context, ZMQ_PAIR);
        zmq_bind(taken, "inproc://taken");
        zmq_socket_monitor(server, "inproc://old", ZMQ_EVENT_ALL);
        void *old = watch(context, "inproc://old");
        cases_report(requests[i].endpoint ? requests[i].endpoint : "end",
                     zmq_socket_monitor(server, requests[i].endpoint, requests[i].events));
        print_events("old", old);
        cases_bind(server, endpoint);
        print_events("old after a bind", old);
        cases_report("new", zmq_socket_monitor(server, "inproc://new", ZMQ_EVENT_LISTENING));
        void *new = watch(context, "inproc://new");
        cases_bind(server, endpoint);
        print_events("new after a bind", new);
        cases_report("end", zmq_socket_monitor(server, NULL, 0));
        cases_report("end again", zmq_socket_monitor(server, NULL, 0));
        cases_bind(server, endpoint);
        print_events("new after its end", new);
        zmq_close(old);
        zmq_close(new);
        zmq_close(taken);
        zmq_close(server);
        cases_report("ctx_term", zmq_ctx_term(context));
    }
}

static void after_the_end(void)
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    char byte;
    zmq_socket_monitor(server, "inproc://m", ZMQ_EVENT_ALL);
    zmq_ctx_shutdown(context);
    cases_report("recv", zmq_recv(server, &byte, 1, 0));
    cases_report("monitor", zmq_socket_monitor(server, "inproc://n", ZMQ_EVENT_ALL));
    cases_report("end", zmq_socket_monitor(server, NULL, 0));
    zmq_close(server);
    cases_report("ctx_term", zmq_ctx_term(context));
    cases_report("no socket", zmq_socket_monitor(NULL, "inproc://n", ZMQ_EVENT_ALL));
}

/* The program's monitor has a place in ZMQ_MAX_SOCKETS, and nothing else has. */
static void place_of_a_monitor(void)
{
    void *context = zmq_ctx_new(), *sockets[2], *third;
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 3);
    for (int i = 0; i < 2; i++)
        sockets[i] = zmq_socket(context, ZMQ_PULL);
    cases_report("monitor", zmq_socket_monitor(sockets[0], "inproc://m", ZMQ_EVENT_LISTENING));
    cases_report_handle("one more", zmq_socket(context, ZMQ_PULL));
    cases_report("second", zmq_socket_monitor(sockets[1], "inproc://n", ZMQ_EVENT_LISTENING));
    cases_report("end", zmq_socket_monitor(sockets[0], NULL, 0));
    while (!(third = zmq_socket(context, ZMQ_PULL)))
        zmq_poll(NULL, 0, 1); /* until the reaper has freed its place */
    cases_report("monitor", zmq_socket_monitor(sockets[0], "inproc://m", ZMQ_EVENT_LISTENING));
    cases_report("end", zmq_socket_monitor(sockets[0], NULL, 0));
    zmq_close(third);
    for (int i = 0; i < 2; i++)
        zmq_close(sockets[i]);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static int count_descriptors(void)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

/* The least of several: the tap may have a file open for a moment. */
static void print_descriptors(const char *what)
{
    int least = count_descriptors();
    for (int i = 0; i < 20; i++) {
        zmq_poll(NULL, 0, 7);
        int n = count_descriptors();
        least = n < least ? n : least;
    }
    printf("%s: %d descriptors\n", what, least);
}

static void descriptors(void)
{
    static void *sockets[100];
    void *context = zmq_ctx_new();
    for (int i = 0; i < 100; i++)
        sockets[i] = zmq_socket(context, i % 12);
    print_descriptors("sockets");
    for (int i = 0; i < 100; i += 2)
        zmq_socket_monitor(sockets[i], "inproc://m", 0);
    print_descriptors("beginnings of monitors, of which one has the name");
    for (int i = 0; i < 100; i++)
        zmq_close(sockets[i]);
    cases_report("ctx_term", zmq_ctx_term(context));
    print_descriptors("end");
}

static void wait_for_child(pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    printf("child: exit %d signal %d\n", WEXITSTATUS(status),
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void use_in_child(void *server, void *monitor)
{
    void *context = zmq_ctx_new(), *own = zmq_socket(context, ZMQ_PULL);
    char endpoint[256];
    cases_report("own monitor", zmq_socket_monitor(own, "inproc://m", ZMQ_EVENT_ALL));
    void *watcher = watch(context, "inproc://m");
    cases_bind(own, endpoint);
    print_events("own", watcher);
    cases_report("bind the parent's", zmq_bind(server, "inproc://parents") < 0 ? -1 : 0);
    cases_report("end of the parent's", zmq_socket_monitor(server, NULL, 0));
    cases_report("new one of the parent's", zmq_socket_monitor(server, "inproc://new", 0));
    cases_report("close the parent's", zmq_close(server));
    cases_report("close the parent's", zmq_close(monitor));
    zmq_close(watcher);
    zmq_close(own);
    cases_report("ctx_term", zmq_ctx_term(context));
    fflush(stdout);
}

static void use_in_both(pid_t (*make_child)(void))
{
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
    char endpoint[256];
    zmq_socket_monitor(server, "inproc://m", ZMQ_EVENT_ALL);
    void *monitor = watch(context, "inproc://m");
    fflush(stdout);
    pid_t child = make_child();
    if (child == 0) {
        use_in_child(server, monitor);
        _exit(0);
    }
    wait_for_child(child);
    cases_bind(server, endpoint);
    print_events("parent", monitor);
    zmq_close(server);
    zmq_close(monitor);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void forked_child(void)
{
    use_in_both(fork);
}

static pid_t clone_raw(void)
{
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

/* No handler of a fork is called. */
static void cloned_child(void)
{
    use_in_both(clone_raw);
}

static void *churn(void *context)
{
    long n_listening = 0;
    for (int i = 0; i < 50; i++) {
        char name[64], endpoint[256];
        void *server = zmq_socket(context, ZMQ_PULL), *monitor = zmq_socket(context, ZMQ_PAIR);
        void *client = zmq_socket(context, ZMQ_PUSH);
        snprintf(name, sizeof name, "inproc://%p", server);
        zmq_socket_monitor(server, name, ZMQ_EVENT_LISTENING);
        zmq_connect(monitor, name);
        cases_bind(server, endpoint);
        zmq_connect(client, endpoint);
        n_listening += next_event(monitor) == ZMQ_EVENT_LISTENING;
        zmq_socket_monitor(server, NULL, 0);
        zmq_close(server);
        zmq_close(monitor);
        zmq_close(client);
    }
    return (void *)n_listening;
}

static void threads(void)
{
    pthread_t threads[4];
    long n = 0;
    void *context = zmq_ctx_new();
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, context);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        n += (long)result;
    }
    printf("%ld of 200\n", n);
    cases_report("ctx_term", zmq_ctx_term(context));
}

typedef int monitor_versioned(void *, const char *, uint64_t, int, int);

static monitor_versioned *versioned(void)
{
    void *symbol = zmq_has("draft") ? dlsym(RTLD_DEFAULT, "zmq_socket_monitor_versioned") : NULL;
    if (!symbol)
        puts("no drafts");
    return (monitor_versioned *)symbol;
}

/* The frames of what is there; of version 2: kind, how many values, value, two addresses. A value
 * may be the number of a descriptor. */
static void print_frames(const char *what, void *monitor)
{
    int more = 1;
    size_t size = sizeof more;
    printf("%s:", what);
    for (int i = 0; more; i++) {
        uint64_t number = 0;
        char data[256] = "";
        int n = zmq_recv(monitor, data, sizeof data - 1, ZMQ_DONTWAIT);
        if (n < 0)
            break;
        memcpy(&number, data, sizeof number);
        if (n == sizeof number && i < 2)
            printf(" %#lx", (unsigned long)number);
        else
            printf(n > 0 ? " something" : " empty");
        zmq_getsockopt(monitor, ZMQ_RCVMORE, &more, &size);
    }
    putchar('\n');
}

/* Number, version, type; of a socket that is bound thereafter. */
static void versions(void)
{
    static const struct {
        uint64_t events;
        int version, type, receiver;
    } requests[] = {
        {ZMQ_EVENT_BIND_FAILED | ZMQ_EVENT_MONITOR_STOPPED, 2, ZMQ_PAIR, ZMQ_PAIR},
        {0x1ffff & ~ZMQ_EVENT_LISTENING, 2, ZMQ_PUSH, ZMQ_PULL},
        {UINT64_MAX, 1, ZMQ_PAIR, ZMQ_PAIR},
        {UINT64_C(1) << 32 | 1, 1, ZMQ_PAIR, ZMQ_PAIR},
        {ZMQ_EVENT_ALL, 1, ZMQ_PUSH, ZMQ_PULL},
        {ZMQ_EVENT_ALL, 2, ZMQ_ROUTER, ZMQ_PULL},
        {ZMQ_EVENT_ALL, 7, ZMQ_PAIR, ZMQ_PAIR},
    };
    monitor_versioned *monitor_of = versioned();
    if (!monitor_of)
        after_the_end();
    for (size_t i = 0; monitor_of && i < sizeof requests / sizeof *requests; i++) {
        char endpoint[256];
        void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_PULL);
        void *other = zmq_socket(context, ZMQ_PULL);
        void *receiver = zmq_socket(context, requests[i].receiver);
        cases_bind(other, endpoint);
        cases_report("first", zmq_socket_monitor(server, "inproc://1", ZMQ_EVENT_ALL));
        void *first = watch(context, "inproc://1");
        cases_report("monitor", monitor_of(server, "inproc://2", requests[i].events,
                                           requests[i].version, requests[i].type));
        print_events("first", first);
        zmq_connect(receiver, "inproc://2");
        printf("bind: %d\n", zmq_bind(server, endpoint));
        print_frames("failed bind", receiver);
        cases_report("end", monitor_of(server, NULL, 0, requests[i].version, ZMQ_PAIR));
        print_frames("end", receiver);
        cases_report("last", zmq_socket_monitor(server, "inproc://3", ZMQ_EVENT_ALL));
        void *last = watch(context, "inproc://3");
        printf("bind: %d\n", zmq_bind(server, endpoint));
        print_events("last", last);
        zmq_close(first);
        zmq_close(last);
        zmq_close(receiver);
        zmq_close(server);
        zmq_close(other);
        cases_report("ctx_term", zmq_ctx_term(context));
    }
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"events_at_once", events_at_once},
        {"refused_requests", refused_requests},
        {"after_the_end", after_the_end},
        {"place_of_a_monitor", place_of_a_monitor},
        {"descriptors", descriptors},
        {"forked_child", forked_child},
        {"cloned_child", cloned_child},
        {"threads", threads},
        {"versions", versions},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
