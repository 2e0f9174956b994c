/* SPDX-License-Identifier: MPL-2.0 */
/*
 * main - a random program, its log, and the account that the tap ought to have of it.
 *
 * usage: program SEED STEPS LOG [descriptors]. Works in the current folder, where its ipc endpoints
 * are.
 *
 * Prints a line of JSON when its steps are done, and one more when it has received what was left.
 * After each it waits for a line on its standard input, so that somebody can compare. Its last
 * lines in the log are random numbers of the C library, and the descriptors that are open; with
 * "descriptors" their numbers are results like others.
 */
#include "program.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PARTS 4

static void attach(struct program *self)
{
    sockets_attach(self);
}

static void open_one(struct program *self)
{
    (void)sockets_open(self, program_some_context(self), (int)program_random(self, ZMQ_STREAM + 1));
}

static void close_one(struct program *self)
{
    struct program_socket *socket = program_some_socket(self);
    if (socket)
        sockets_close(self, socket);
}

static void end_one(struct program *self)
{
    struct program_context *context = program_some_context(self);
    if (context)
        sockets_end_context(self, context);
}

static const struct step {
    unsigned weight;
    void (*run)(struct program *self);
} steps[] = {
    {12, sockets_new_context},
    {2, end_one},
    {1, sockets_shut_context},
    {8, sockets_context_options},
    {12, open_one},
    {90, attach},
    {25, close_one},
    {15, sockets_detach},
    {40, options_set},
    {60, options_get},
    {600, messages_exchange},
    {60, messages_poll},
    {15, messages_alone},
    {12, monitors_begin},
    {60, monitors_read},
    {60, wrong_call},
    {6, scenes_publish},
    {6, scenes_route},
    {3, scenes_stream},
    {2, scenes_proxy},
    {2, scenes_fork},
    {10, scenes_descriptors},
};

static void run_step(struct program *self)
{
    unsigned total = 0, i = 0;
    for (unsigned k = 0; k < sizeof steps / sizeof *steps; k++)
        total += steps[k].weight;
    unsigned chance = program_random(self, total);
    while (chance >= steps[i].weight)
        chance -= steps[i++].weight;
    steps[i].run(self);
}

void main_run(struct program *self, unsigned n)
{
    for (; self->n_done < n; self->n_done++)
        run_step(self);
}

void main_end(struct program *self)
{
    for (unsigned i = 0; i < PROGRAM_MAX_CONTEXTS; i++) {
        if (self->contexts[i].handle)
            sockets_end_context(self, &self->contexts[i]);
    }
}

/*
 * The account
 */
static long long option_of(const struct program_socket *socket, int option)
{
    int value = 0;
    size_t size = sizeof value;
    (void)zmq_getsockopt(socket->handle, option, &value, &size);
    return value;
}

static void count_open(struct program *self)
{
    for (int i = 0; i < self->n_groups; i++)
        self->groups[i].open = self->groups[i].sndhwm = self->groups[i].rcvhwm = 0;
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        struct program_socket *socket = &self->sockets[i];
        if (!socket->handle)
            continue;
        struct group *group = program_group_of(self, socket);
        group->open++;
        group->is_queue_unknown |= socket->context->is_shut || socket->is_conflating;
        if (!socket->context->is_shut) {
            group->sndhwm += option_of(socket, ZMQ_SNDHWM);
            group->rcvhwm += option_of(socket, ZMQ_RCVHWM);
        }
    }
}

static bool has_same_ids(const struct program_context *context)
{
    bool has = false;
    for (unsigned i = 1; i < PROGRAM_N_IDS; i++)
        has = has || context->n_links[i] > 1;
    return has;
}

/* REQ and REP receive one message, and then are to send. */
static void drain(struct program *self)
{
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        struct program_socket *socket = &self->sockets[i];
        if (!socket->handle || socket->context->is_shut || socket->is_monitor)
            continue;
        struct group *group = program_group_of(self, socket);
        group->queued += messages_drain(self, socket);
        group->is_queue_unknown |= socket->type == ZMQ_REQ || socket->type == ZMQ_REP ||
                                   (socket->type == ZMQ_ROUTER && has_same_ids(socket->context));
    }
}

static void print_groups(const struct program *self)
{
    for (int i = 0; i < self->n_groups; i++) {
        const struct group *g = &self->groups[i];
        printf("%s{\"type\": %d, \"endpoint\": \"%s\", \"sent\": %lld, \"sent_bytes\": %lld, "
               "\"received\": %lld, \"received_bytes\": %lld, \"send_refused\": %lld, "
               "\"receive_refused\": %lld, \"open\": %lld, \"sndhwm\": %lld, \"rcvhwm\": %lld, "
               "\"queued\": %lld, \"dropped_hwm\": %lld, \"dropped_unroutable\": %lld, "
               "\"is_network\": %d, \"is_loss_known\": %d, \"is_queue_unknown\": %d, "
               "\"is_proxied\": %d}",
               i ? ", " : "", g->type, g->endpoint, g->sent, g->sent_bytes, g->received,
               g->received_bytes, g->send_refused, g->receive_refused, g->open, g->sndhwm,
               g->rcvhwm, g->queued, g->dropped_hwm, g->dropped_unroutable, g->is_network,
               g->is_loss_known, g->is_queue_unknown, g->is_proxied);
    }
}

static void print_contexts(struct program *self)
{
    bool is_first = true;
    for (unsigned i = 0; i < PROGRAM_MAX_CONTEXTS; i++) {
        const struct program_context *context = &self->contexts[i];
        unsigned n = 0;
        for (unsigned k = 0; k < PROGRAM_MAX_SOCKETS; k++)
            n += self->sockets[k].handle && self->sockets[k].context == context;
        if (!context->handle || !context->has_started)
            continue;
        printf("%s[%u, %d, %d]", is_first ? "" : ", ", n, context->limit, context->n_threads);
        is_first = false;
    }
}

/* One for each part of the program, which is a thread. */
static void tell_and_wait(struct program **parts, unsigned n)
{
    char line[16];
    printf("[");
    for (unsigned i = 0; i < n; i++) {
        count_open(parts[i]);
        printf("%s{\"groups\": [", i ? ", " : "");
        print_groups(parts[i]);
        printf("], \"contexts\": [");
        print_contexts(parts[i]);
        printf("]}");
    }
    printf("]\n");
    fflush(stdout);
    (void)!fgets(line, sizeof line, stdin);
}

/*
 * The program
 */
static unsigned n_steps;

static void *run_part(void *data)
{
    main_run(data, n_steps);
    program_settle(data);
    return NULL;
}

static struct program *new_part(uint64_t seed, unsigned index, const char *log)
{
    char name[300];
    struct program *self = calloc(1, sizeof *self);
    snprintf(name, sizeof name, "%s.%u", log, index);
    if (!self || !(self->log = fopen(name, "we")))
        exit(2);
    self->random = (seed * 4 + index) * 0x9e3779b97f4a7c15u + 1;
    self->index = index;
    for (unsigned i = 0; i < 10; i++)
        (void)program_random(self, 2);
    self->transports = program_chance(self, 2) ? 1 : 1 + program_random(self, 3);
    self->is_synchronous = !program_chance(self, 40);
    return self;
}

static bool has_network(struct program **parts, unsigned n)
{
    bool has = false;
    for (unsigned i = 0; i < n; i++)
        has |= parts[i]->transports > 1 || parts[i]->has_retried;
    return has;
}

static void end_all(struct program **parts, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        main_end(parts[i]);
    if (!has_network(parts, n)) /* libzmq draws when it connects again, which takes its time */
        program_log(parts[0], "random %d %ld %f", rand(), random(), drand48());
    scenes_descriptors(parts[0]);
}

int main(int argc, char **argv)
{
    struct program *parts[MAX_PARTS];
    pthread_t threads[MAX_PARTS];
    if (argc != 4 && argc != 5)
        return 2;
    bool shows_descriptors = argc == 5;
    uint64_t seed = strtoull(argv[1], NULL, 10);
    n_steps = (unsigned)atoi(argv[2]);
    srand((unsigned)seed);
    srandom((unsigned)seed);
    srand48((long)seed);
    unsigned n = seed % 4 == 3 ? 2 + (unsigned)(seed / 4 % 3) : 1;
    for (unsigned i = 0; i < n; i++)
        parts[i] = new_part(seed, i, argv[3]);
    parts[0]->shows_descriptors = shows_descriptors && n == 1 && !has_network(parts, n);
    for (unsigned i = 1; i < n; i++)
        pthread_create(&threads[i], NULL, run_part, parts[i]);
    run_part(parts[0]);
    for (unsigned i = 1; i < n; i++)
        pthread_join(threads[i], NULL);
    tell_and_wait(parts, n);
    for (unsigned i = 0; i < n; i++)
        drain(parts[i]);
    tell_and_wait(parts, n);
    parts[0]->shows_descriptors = true;
    end_all(parts, n);
    return (int)(seed % 50);
}
