/* SPDX-License-Identifier: MPL-2.0 */
#include "program.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Families of types that talk to each other; an endpoint belongs to one. */
#define N_FAMILIES 4
#define N_NAMES    3
static const int families[N_FAMILIES][4] = {
    {ZMQ_PAIR, ZMQ_PAIR, ZMQ_PAIR, ZMQ_PAIR},
    {ZMQ_PUB, ZMQ_SUB, ZMQ_XPUB, ZMQ_XSUB},
    {ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER},
    {ZMQ_PUSH, ZMQ_PULL, ZMQ_PUSH, ZMQ_PULL},
};

static unsigned family_of(int type)
{
    for (unsigned i = 0; i < N_FAMILIES; i++) {
        for (unsigned k = 0; k < 4; k++) {
            if (families[i][k] == type)
                return i;
        }
    }
    return N_FAMILIES; /* STREAM */
}

bool sockets_is_alive(const struct program *self, const struct program_socket *socket)
{
    (void)self;
    return socket->handle && !socket->context->is_shut;
}

/*
 * Contexts
 */
static void start(struct program_context *context)
{
    if (!context->has_started) {
        context->n_threads = zmq_ctx_get(context->handle, ZMQ_IO_THREADS);
        context->limit = zmq_ctx_get(context->handle, ZMQ_MAX_SOCKETS);
    }
    context->has_started = true;
}

void sockets_new_context(struct program *self)
{
    struct program_context *context = NULL;
    for (unsigned i = 0; i < PROGRAM_MAX_CONTEXTS; i++) {
        if (!self->contexts[i].handle)
            context = &self->contexts[i];
    }
    if (!context)
        return;
    bool is_old = program_chance(self, 4);
    void *handle = is_old ? zmq_init((int)program_random(self, 3)) : zmq_ctx_new();
    *context = (struct program_context){.handle = handle, .number = self->n_numbers++};
    self->is_prefixed = zmq_ctx_set(handle, ZMQ_THREAD_NAME_PREFIX, (int)self->index) == 0;
    program_log(self, "%s c%u %d", is_old ? "zmq_init" : "zmq_ctx_new", context->number,
                handle != NULL);
    if (program_chance(self, 3)) {
        int limit = 1 + (int)program_random(self, 12);
        program_log(self, "zmq_ctx_set c%u MAX_SOCKETS %d", context->number, limit);
        int rc = zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, limit);
        program_result(self, rc, rc != 0);
    }
}

void sockets_context_options(struct program *self)
{
    static const int values[] = {-2, -1, 0, 1, 2, 100, 1023, 65536};
    static const int known[] = {ZMQ_IO_THREADS,
                                ZMQ_MAX_SOCKETS,
                                ZMQ_MAX_MSGSZ,
                                ZMQ_BLOCKY,
                                ZMQ_IPV6,
                                ZMQ_SOCKET_LIMIT,
                                ZMQ_MSG_T_SIZE,
                                0,
                                1000};
    struct program_context *context = program_some_context(self);
    if (!context)
        return;
    int option = known[program_random(self, sizeof known / sizeof *known)];
    int value = values[program_random(self, sizeof values / sizeof *values)];
    if (option == ZMQ_IO_THREADS)
        value &= 3;
    if (program_chance(self, 2)) {
        program_log(self, "zmq_ctx_set c%u %d %d", context->number, option, value);
        int rc = zmq_ctx_set(context->handle, option, value);
        program_result(self, rc, rc < 0);
    }
    program_log(self, "zmq_ctx_get c%u %d", context->number, option);
    int rc = zmq_ctx_get(context->handle, option);
    program_result(self, rc, rc < 0);
}

/* libzmq aborts at the end of a context that was shut down, or has as many sockets as it may have,
 * while something is connected to a name of inproc that nobody has: so somebody takes them all. */
static bool take_names(struct program *self, struct program_context *context)
{
    char endpoint[64];
    void *socket = zmq_socket(context->handle, ZMQ_PAIR);
    int rc = 0, linger = 0;
    program_log(self, "take names in c%u", context->number);
    if (program_result(self, socket != NULL, socket == NULL))
        return false;
    start(context);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    for (unsigned i = 0; i < N_FAMILIES * N_NAMES; i++) {
        snprintf(endpoint, sizeof endpoint, "inproc://f%ue%u", i / N_NAMES, i % N_NAMES);
        rc += zmq_bind(socket, endpoint);
    }
    program_log(self, "  %d, then %d", rc, zmq_close(socket));
    program_settle(self);
    return true;
}

void sockets_shut_context(struct program *self)
{
    struct program_context *context = program_some_context(self);
    if (!context || context->is_shut || (context->has_pending && !take_names(self, context)))
        return;
    program_log(self, "zmq_ctx_shutdown c%u", context->number);
    int rc = zmq_ctx_shutdown(context->handle);
    program_result(self, rc, rc != 0);
    context->is_shut = true;
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        if (self->sockets[i].context == context)
            program_group_of(self, &self->sockets[i])->is_queue_unknown = true;
    }
    program_settle(self);
}

void sockets_end_context(struct program *self, struct program_context *context)
{
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        if (self->sockets[i].handle && self->sockets[i].context == context)
            sockets_close(self, &self->sockets[i]);
    }
    unsigned how = program_random(self, 3);
    if (context->has_pending && !context->is_shut && !take_names(self, context)) {
        context->handle = NULL; /* it stays */
        return;
    }
    program_log(self, "zmq_ctx_term c%u by %u", context->number, how);
    int rc = how == 0   ? zmq_ctx_term(context->handle)
             : how == 1 ? zmq_ctx_destroy(context->handle)
                        : zmq_term(context->handle);
    program_result(self, rc, rc != 0);
    context->handle = NULL;
}

/*
 * Sockets
 */
static void set(struct program *self, struct program_socket *socket, int option, int value)
{
    int rc = zmq_setsockopt(socket->handle, option, &value, sizeof value);
    program_log(self, "zmq_setsockopt s%u %d %d", socket->number, option, value);
    program_result(self, rc, rc != 0);
}

/* No wait is longer than the program is patient. */
static void set_first_options(struct program *self, struct program_socket *socket)
{
    static const int marks[] = {1, 2, 3, 10, 1000};
    char id[16];
    set(self, socket, ZMQ_SNDTIMEO, (int)program_random(self, 3));
    set(self, socket, ZMQ_RCVTIMEO, (int)program_random(self, 3));
    set(self, socket, ZMQ_LINGER, program_chance(self, 2) ? 0 : 20);
    if (program_chance(self, 2))
        set(self, socket, ZMQ_SNDHWM, marks[program_random(self, 5)]);
    if (program_chance(self, 2))
        set(self, socket, ZMQ_RCVHWM, marks[program_random(self, 5)]);
    if (program_chance(self, 2)) {
        unsigned n = program_random(self, 8);
        socket->routing_id = 1 + n;
        snprintf(id, sizeof id, "id%u", n);
        int rc = zmq_setsockopt(socket->handle, ZMQ_ROUTING_ID, id, strlen(id));
        program_log(self, "zmq_setsockopt s%u ROUTING_ID %s", socket->number, id);
        program_result(self, rc, rc != 0);
    }
    if (socket->type == ZMQ_SUB && !program_chance(self, 5)) {
        int rc = zmq_setsockopt(socket->handle, ZMQ_SUBSCRIBE, "t", program_random(self, 2));
        program_log(self, "zmq_setsockopt s%u SUBSCRIBE", socket->number);
        program_result(self, rc, rc != 0);
    }
    if (socket->type != ZMQ_ROUTER && program_chance(self, 12)) {
        set(self, socket, ZMQ_CONFLATE, 1);
        socket->is_conflating = true;
    }
}

struct program_socket *sockets_open(struct program *self, struct program_context *context, int type)
{
    struct program_socket *socket = program_free_socket(self);
    if (!socket || !context)
        return NULL;
    *socket = (struct program_socket){.context = context, .type = type};
    socket->number = self->n_numbers++;
    program_log(self, "zmq_socket c%u s%u type %d", context->number, socket->number, type);
    socket->handle = zmq_socket(context->handle, type);
    if (program_result(self, socket->handle != NULL, socket->handle == NULL))
        return NULL;
    start(context);
    socket->group = program_group(self, type, "");
    set_first_options(self, socket);
    return socket;
}

/* A peer may lose what was on its way, and cannot tell. */
void sockets_close(struct program *self, struct program_socket *socket)
{
    monitors_end(self, socket);
    bool lingers = false;
    if (socket->is_network || socket->context->is_shut) {
        lingers = program_chance(self, 2);
        set(self, socket, ZMQ_LINGER, lingers ? 20 : 0);
    }
    program_log(self, "zmq_close s%u", socket->number);
    int rc = zmq_close(socket->handle);
    program_result(self, rc, rc != 0);
    socket->handle = NULL;
    for (unsigned i = 0; i < N_FAMILIES * N_NAMES; i++) {
        if (socket->context->owners[i] == socket->number + 1)
            socket->context->owners[i] = 0;
    }
    monitors_release(self, socket->number, NULL);
    if (lingers) /* its place is free then */
        nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    program_settle(self);
}

/*
 * Endpoints
 */
static unsigned *owner_of(struct program_context *context, const char *endpoint)
{
    unsigned family, n;
    if (sscanf(endpoint, "inproc://f%ue%u", &family, &n) != 2)
        return NULL;
    return &context->owners[family * N_NAMES + n];
}

/* libzmq aborts in many a case where the one that connects comes first: it does so rarely here. */
static bool may_connect(struct program *self, const struct program_socket *socket,
                        const char *endpoint)
{
    const unsigned *owner = owner_of(socket->context, endpoint);
    if (!owner || *owner != 0)
        return true;
    if (socket->is_conflating || !program_chance(self, 100))
        return false;
    socket->context->has_pending = true;
    return true;
}

static void place(struct program *self, struct program_socket *socket, const char *endpoint)
{
    bool is_network = strncmp(endpoint, "inproc", 6) != 0;
    if (!socket->is_placed)
        socket->group = program_group(self, socket->type, endpoint);
    socket->is_placed = true;
    socket->is_network = socket->is_network || is_network;
    program_group_of(self, socket)->is_network |= is_network;
    if (!is_network && socket->routing_id)
        socket->context->n_links[socket->routing_id]++;
}

bool sockets_bind(struct program *self, struct program_socket *socket, const char *endpoint)
{
    program_log(self, "zmq_bind s%u %s", socket->number, endpoint);
    int rc = zmq_bind(socket->handle, endpoint);
    if (program_result(self, rc, rc != 0))
        return false;
    place(self, socket, endpoint);
    if (owner_of(socket->context, endpoint))
        *owner_of(socket->context, endpoint) = socket->number + 1;
    if (strcmp(endpoint, "tcp://127.0.0.1:*") == 0 && self->n_ports < PROGRAM_MAX_PORTS) {
        size_t size = sizeof self->ports[0];
        rc = zmq_getsockopt(socket->handle, ZMQ_LAST_ENDPOINT, self->ports[self->n_ports], &size);
        program_log(self, "port %u of family %u", self->n_ports, family_of(socket->type));
        self->port_families[self->n_ports++] = family_of(socket->type);
    }
    program_settle(self);
    return rc == 0;
}

/* A port is another one in each run. */
static bool connect_shown(struct program *self, struct program_socket *socket, const char *endpoint,
                          const char *shown)
{
    program_log(self, "zmq_connect s%u %s", socket->number, shown);
    int rc = zmq_connect(socket->handle, endpoint);
    if (program_result(self, rc, rc != 0))
        return false;
    place(self, socket, endpoint);
    program_settle(self);
    return true;
}

/* Whether messages to itself stay in its queue for ever: to a ROUTER both ends have the same id,
 * and it reads from the first one alone; a SUB takes subscriptions for messages of a publisher, and
 * passes over those that do not match. */
static bool keeps_what_is_its_own(const struct program_socket *socket)
{
    return socket->type == ZMQ_ROUTER || socket->type == ZMQ_SUB || socket->type == ZMQ_XSUB;
}

/* Of another link to a name of inproc. */
static void note_owner(struct program *self, struct program_context *context, unsigned owner)
{
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        if (owner && self->sockets[i].number + 1 == owner && self->sockets[i].routing_id)
            context->n_links[self->sockets[i].routing_id]++;
    }
}

bool sockets_connect(struct program *self, struct program_socket *socket, const char *endpoint)
{
    const unsigned *owner = owner_of(socket->context, endpoint);
    bool is_its_own = owner && *owner == socket->number + 1;
    if (!may_connect(self, socket, endpoint) || !connect_shown(self, socket, endpoint, endpoint))
        return false;
    if (is_its_own)
        program_group_of(self, socket)->is_queue_unknown |= keeps_what_is_its_own(socket);
    note_owner(self, socket->context, owner ? *owner : 0);
    return true;
}

static void name_endpoint(struct program *self, unsigned family, char *endpoint, size_t size)
{
    enum transport transport = program_random(self, self->transports);
    unsigned n = program_random(self, N_NAMES);
    if (family == N_FAMILIES)
        transport = TCP;
    if (program_chance(self, 40))
        family = program_random(self, N_FAMILIES); /* of others */
    if (transport == INPROC)
        snprintf(endpoint, size, "inproc://f%ue%u", family, n);
    else if (transport == IPC)
        snprintf(endpoint, size, "ipc://t%uf%ue%u", self->index, family, n);
    else
        snprintf(endpoint, size, "tcp://127.0.0.1:*");
}

static void connect_port(struct program *self, struct program_socket *socket)
{
    char shown[32];
    for (unsigned i = 0; i < self->n_ports; i++) {
        unsigned k = (program_random(self, PROGRAM_MAX_PORTS) + i) % self->n_ports;
        if (self->port_families[k] != family_of(socket->type))
            continue;
        snprintf(shown, sizeof shown, "port %u", k);
        connect_shown(self, socket, self->ports[k], shown);
        return;
    }
}

/* Opens a socket or takes one that is there, and gives it an endpoint. */
void sockets_attach(struct program *self)
{
    char endpoint[64];
    struct program_socket *socket = program_some_socket(self);
    if (!socket || program_chance(self, 2)) {
        unsigned family = program_random(self, N_FAMILIES);
        int type = families[family][program_random(self, 4)];
        if (self->transports > TCP && program_chance(self, 8))
            type = ZMQ_STREAM;
        socket = sockets_open(self, program_some_context(self), type);
    }
    if (!socket || socket->is_monitor)
        return;
    name_endpoint(self, family_of(socket->type), endpoint, sizeof endpoint);
    bool is_tcp = strncmp(endpoint, "tcp", 3) == 0;
    if (program_chance(self, 2) && !(is_tcp && self->n_ports == PROGRAM_MAX_PORTS))
        sockets_bind(self, socket, endpoint);
    else if (is_tcp)
        connect_port(self, socket);
    else
        sockets_connect(self, socket, endpoint);
}

void sockets_detach(struct program *self)
{
    char endpoint[64];
    struct program_socket *socket = program_some_socket(self);
    if (!socket || socket->is_monitor)
        return;
    name_endpoint(self, family_of(socket->type), endpoint, sizeof endpoint);
    bool is_bound = program_chance(self, 2);
    program_log(self, "%s s%u %s", is_bound ? "zmq_unbind" : "zmq_disconnect", socket->number,
                endpoint);
    int rc = is_bound ? zmq_unbind(socket->handle, endpoint)
                      : zmq_disconnect(socket->handle, endpoint);
    if (!program_result(self, rc, rc != 0) && is_bound && owner_of(socket->context, endpoint))
        *owner_of(socket->context, endpoint) = 0;
    program_settle(self);
}
