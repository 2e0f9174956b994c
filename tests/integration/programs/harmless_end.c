/* SPDX-License-Identifier: MPL-2.0 */
/* Signals, contexts that end while sockets are open, and processes that end in every way. */
#include "cases.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>
#include <zmq.h>

static volatile sig_atomic_t n_signals, n_elsewhere;
static pid_t main_thread;

static void count_signal(int number)
{
    (void)number;
    n_signals++;
    n_elsewhere += gettid() != main_thread;
}

/* A signal every 20 ms: one that comes between two calls is followed by another. */
static void ring(int number)
{
    struct sigaction action = {.sa_handler = count_signal}; /* no SA_RESTART */
    struct itimerval interval = {{0, 20000}, {0, 20000}};
    main_thread = gettid();
    sigaction(number, &action, NULL);
    if (number == SIGALRM)
        setitimer(ITIMER_REAL, &interval, NULL);
}

static void stop_ringing(void)
{
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
}

static void *shut_down(void *context)
{
    zmq_ctx_shutdown(context);
    return NULL;
}

static void proxies_that_end(void)
{
    pthread_t thread;
    void *context = zmq_ctx_new();
    void *front = zmq_socket(context, ZMQ_PULL), *back = zmq_socket(context, ZMQ_PUSH);
    cases_report("bind", zmq_bind(front, "inproc://front"));
    cases_report("bind", zmq_bind(back, "inproc://back"));
    cases_report("proxy of one socket", zmq_proxy(front, NULL, NULL));
    ring(SIGALRM);
    cases_report("proxy", zmq_proxy(front, back, NULL));
    cases_report("proxy_steerable", zmq_proxy_steerable(front, back, NULL, NULL));
    cases_report("device", zmq_device(ZMQ_STREAMER, front, back));
    stop_ringing();
    pthread_create(&thread, NULL, shut_down, context);
    cases_report("proxy, shut down", zmq_proxy(front, back, NULL));
    pthread_join(thread, NULL);
    cases_report("close", zmq_close(front));
    cases_report("close", zmq_close(back));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void interrupted_calls(void)
{
    char byte;
    void *context = zmq_ctx_new(), *push, *pull;
    cases_pair(context, &push, &pull);
    void *lonely = zmq_socket(context, ZMQ_PUSH);
    zmq_msg_t message;
    zmq_msg_init(&message);
    zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
    ring(SIGALRM);
    cases_report("recv", zmq_recv(pull, &byte, 1, 0));
    cases_report("msg_recv", zmq_msg_recv(&message, pull, 0));
    cases_report("recvmsg", zmq_recvmsg(pull, &message, 0));
    cases_report("send", zmq_send(lonely, "x", 1, 0));
    cases_report("msg_send", zmq_msg_send(&message, lonely, 0));
    cases_report("poll", zmq_poll(&item, 1, -1));
    int rc;
    /* A context with an open socket waits for it. */
    cases_report("ctx_term", zmq_ctx_term(context));
    cases_report("recv after it", zmq_recv(pull, &byte, 1, 0));
    stop_ringing();
    zmq_close(push);
    zmq_close(pull);
    zmq_close(lonely);
    while ((rc = zmq_ctx_term(context)) < 0 && errno == EINTR)
        ;
    cases_report("ctx_term again", rc);
    printf("signals %d elsewhere %d\n", n_signals > 0, (int)n_elsewhere);
}

static void *block_all_and_wait(void *set)
{
    int number = 0;
    sigwait(set, &number);
    printf("sigwait took %d\n", number);
    return NULL;
}

/* The program has SIGUSR1 blocked in its own threads; were it not in the tap's, it would die. */
static void signals_kept_for_sigwait(void)
{
    sigset_t set;
    pthread_t thread;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    void *context = zmq_ctx_new(), *push, *pull;
    cases_pair(context, &push, &pull);
    pthread_create(&thread, NULL, block_all_and_wait, &set);
    kill(getpid(), SIGUSR1);
    pthread_join(thread, NULL);
    zmq_close(push);
    zmq_close(pull);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void signals_reach_the_program(void)
{
    void *context = zmq_ctx_new(), *push, *pull;
    cases_pair(context, &push, &pull);
    ring(SIGUSR1);
    for (int i = 0; i < 1000; i++)
        kill(getpid(), SIGUSR1);
    printf("%d signals, elsewhere %d\n", (int)n_signals, (int)n_elsewhere);
    zmq_close(push);
    zmq_close(pull);
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void *receive_until_term(void *socket)
{
    char byte;
    cases_report("recv", zmq_recv(socket, &byte, 1, 0));
    cases_report("recv again", zmq_recv(socket, &byte, 1, 0));
    cases_report("send", zmq_send(socket, &byte, 1, 0));
    cases_report("connect", zmq_connect(socket, "inproc://late"));
    cases_report("close", zmq_close(socket));
    return NULL;
}

static void term_while_blocked(int shutdown_first)
{
    pthread_t thread;
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_DEALER);
    zmq_bind(socket, "inproc://blocked");
    pthread_create(&thread, NULL, receive_until_term, socket);
    /* Reported when the thread has said all it has to say: the order is not for chance. */
    int rc = shutdown_first ? zmq_ctx_shutdown(context) : zmq_ctx_term(context);
    pthread_join(thread, NULL);
    cases_report("shut down or ended", rc);
    if (shutdown_first) {
        cases_report_handle("socket", zmq_socket(context, ZMQ_PUSH));
        cases_report("ctx_term", zmq_ctx_term(context));
    }
}

static void term_with_a_blocked_thread(void)
{
    term_while_blocked(0);
}

static void shutdown_with_a_blocked_thread(void)
{
    term_while_blocked(1);
}

static void term_with_messages_that_linger(void)
{
    int linger = 100;
    void *context = zmq_ctx_new(), *push = zmq_socket(context, ZMQ_PUSH);
    zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof linger);
    zmq_connect(push, "ipc:///nonexistent/socket");
    for (int i = 0; i < 10; i++)
        cases_report("send", zmq_send(push, "x", 1, 0));
    cases_report("close", zmq_close(push));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void pending_inproc_connect(void)
{
    void *context = zmq_ctx_new(), *push = zmq_socket(context, ZMQ_PUSH);
    int linger = 0;
    zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof linger);
    cases_report("connect", zmq_connect(push, "inproc://nobody"));
    cases_report("send", zmq_send(push, "x", 1, 0));
    cases_report("close", zmq_close(push));
    cases_report("ctx_term", zmq_ctx_term(context));
}

static void *open_sockets(void)
{
    void *context = zmq_ctx_new(), *push, *pull;
    cases_pair(context, &push, &pull);
    puts("open");
    fflush(stdout);
    return pull;
}

static void return_with_open_sockets(void)
{
    open_sockets();
}

static void exit_with_open_sockets(void)
{
    open_sockets();
    exit(7);
}

static void quick_exit_with_open_sockets(void)
{
    open_sockets();
    _exit(8);
}

static void abort_with_open_sockets(void)
{
    open_sockets();
    abort();
}

static void killed_by_sigterm(void)
{
    open_sockets();
    raise(SIGTERM);
}

static void *exit_now(void *unused)
{
    (void)unused;
    exit(9);
}

static void exit_while_another_thread_receives(void)
{
    pthread_t thread;
    char byte;
    void *pull = open_sockets();
    pthread_create(&thread, NULL, exit_now, NULL);
    zmq_recv(pull, &byte, 1, 0);
    pause();
}

static void *late_context;

/* Runs after main; a library's destructor would do the same. */
static void work_at_exit(void)
{
    void *push, *pull;
    cases_pair(late_context, &push, &pull);
    zmq_close(push);
    zmq_close(pull);
    cases_report("ctx_term", zmq_ctx_term(late_context));
}

static void sockets_made_at_exit(void)
{
    late_context = zmq_ctx_new();
    atexit(work_at_exit);
    open_sockets();
}

static void contexts_come_and_go(void)
{
    for (int i = 0; i < 50; i++) {
        void *context = zmq_ctx_new(), *push, *pull;
        cases_pair(context, &push, &pull);
        zmq_close(push);
        zmq_close(pull);
        cases_report("ctx_term", zmq_ctx_term(context));
    }
}

int main(int argc, char **argv)
{
    static const struct cases_case cases[] = {
        {"interrupted_calls", interrupted_calls},
        {"proxies_that_end", proxies_that_end},
        {"signals_kept_for_sigwait", signals_kept_for_sigwait},
        {"signals_reach_the_program", signals_reach_the_program},
        {"term_with_a_blocked_thread", term_with_a_blocked_thread},
        {"shutdown_with_a_blocked_thread", shutdown_with_a_blocked_thread},
        {"term_with_messages_that_linger", term_with_messages_that_linger},
        {"pending_inproc_connect", pending_inproc_connect},
        {"return_with_open_sockets", return_with_open_sockets},
        {"exit_with_open_sockets", exit_with_open_sockets},
        {"quick_exit_with_open_sockets", quick_exit_with_open_sockets},
        {"abort_with_open_sockets", abort_with_open_sockets},
        {"killed_by_sigterm", killed_by_sigterm},
        {"exit_while_another_thread_receives", exit_while_another_thread_receives},
        {"contexts_come_and_go", contexts_come_and_go},
        {"sockets_made_at_exit", sockets_made_at_exit},
    };
    return cases_main(cases, sizeof cases / sizeof *cases, argc, argv);
}
