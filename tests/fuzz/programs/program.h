/* SPDX-License-Identifier: MPL-2.0 */
/*
 * program - a random program over libzmq's C interface, as one thread of it sees itself.
 *
 * Everything that it does follows from its seed. What each call returns goes into a log, a line a
 * call, which must be the same from run to run: no address, no port, no random routing id.
 *
 * libzmq's own threads are waited for (program_settle), so that a call's result does not depend
 * on how fast they are.
 */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <zmq.h>

#define PROGRAM_MAX_CONTEXTS 3
#define PROGRAM_MAX_SOCKETS  24
#define PROGRAM_MAX_GROUPS   400
#define PROGRAM_MAX_PORTS    16
#define PROGRAM_BUFFER       4096

enum transport { INPROC, IPC, TCP };

/* What the page must say of the sockets of one type with one first endpoint. */
struct group {
    int type;
    char endpoint[128];
    long long sent, sent_bytes, received, received_bytes, send_refused, receive_refused;
    long long dropped_hwm, dropped_unroutable;
    long long open, sndhwm, rcvhwm; /* of its open sockets, at the end */
    long long queued;               /* what they could still receive then */
    bool is_network, is_loss_known, is_queue_unknown;
    bool is_proxied; /* nothing is known of it */
};

#define PROGRAM_N_IDS 10u /* none, eight that sockets begin with, any other */

struct program_context {
    void *handle;
    unsigned number;
    int n_threads, limit; /* as they were with the first socket */
    bool is_shut;
    bool has_started;    /* with its first socket */
    bool has_pending;    /* somebody is connected to a name of inproc that nobody has */
    unsigned owners[12]; /* of such names: number of the socket + 1 */
    /* Links of inproc by their ends' routing id. Of two peers with one id a ROUTER reads the first
     * alone, and the queue of the other stays as it is. */
    unsigned n_links[PROGRAM_N_IDS];
};

struct program_socket {
    void *handle;
    struct program_context *context;
    int type;
    unsigned number;
    int group;           /* index; groups move nowhere */
    bool is_placed;      /* has its first endpoint */
    unsigned routing_id; /* 1 to PROGRAM_N_IDS - 1; 0: none */
    bool is_within;      /* a message that it sends */
    bool is_reading;     /* within a message that it receives */
    bool is_monitor;     /* it receives another one's events */
    unsigned monitored;  /* the number of that one */
    bool is_conflating;
    bool is_network;
    bool is_elsewhere;     /* another thread uses it now */
    unsigned char id[256]; /* the last that a ROUTER or STREAM received */
    size_t id_size;
};

struct program {
    uint64_t random;
    unsigned index; /* of the thread */
    unsigned n_done;
    FILE *log;
    unsigned transports; /* how many of enum transport */
    bool is_synchronous; /* it lets libzmq take in what it has to before each call */
    bool shows_descriptors;
    bool has_retried;   /* it is connected to what is not there: libzmq tries again */
    bool is_prefixed;   /* its contexts' threads have names that begin with its index */
    unsigned n_numbers; /* given to contexts, sockets, monitors and endpoints so far */
    struct program_context contexts[PROGRAM_MAX_CONTEXTS];
    struct program_socket sockets[PROGRAM_MAX_SOCKETS];
    struct group groups[PROGRAM_MAX_GROUPS];
    int n_groups;
    char ports[PROGRAM_MAX_PORTS][64]; /* endpoints of tcp that were bound */
    unsigned port_families[PROGRAM_MAX_PORTS];
    unsigned n_ports;
};

/* Up to, not including n. */
unsigned program_random(struct program *self, unsigned n);
/* One in n. */
bool program_chance(struct program *self, unsigned n);

/* A line of the log. errno stays as it is. */
void program_log(struct program *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What a call returned: with the error's name where `is_failed`. Returns whether it failed. */
bool program_result(struct program *self, long rc, bool is_failed);
uint64_t program_hash(const void *bytes, size_t size);

/* Until each of libzmq's threads waits for something to do, and every socket has heard of it. */
void program_settle(struct program *self);
/* Lets libzmq take in what waits for this socket, if the program is such a one. */
void program_synchronise(struct program *self, const struct program_socket *socket);

struct program_context *program_some_context(struct program *self);
struct program_socket *program_some_socket(struct program *self);
struct program_socket *program_free_socket(struct program *self);
int program_group(struct program *self, int type, const char *endpoint);
static inline struct group *program_group_of(struct program *self, const struct program_socket *s)
{
    return &self->groups[s->group];
}

/* sockets.c */
void sockets_new_context(struct program *self);
void sockets_end_context(struct program *self, struct program_context *context);
void sockets_shut_context(struct program *self);
void sockets_context_options(struct program *self);
struct program_socket *sockets_open(struct program *self, struct program_context *context,
                                    int type);
void sockets_close(struct program *self, struct program_socket *socket);
void sockets_attach(struct program *self);
void sockets_detach(struct program *self);
bool sockets_bind(struct program *self, struct program_socket *socket, const char *endpoint);
bool sockets_connect(struct program *self, struct program_socket *socket, const char *endpoint);
bool sockets_is_alive(const struct program *self, const struct program_socket *socket);

/* options.c */
void options_set(struct program *self);
void options_get(struct program *self);

/* messages.c */
int messages_send(struct program *self, struct program_socket *socket, int flags);
int messages_send_bytes(struct program *self, struct program_socket *socket, const void *bytes,
                        size_t size, int flags);
int messages_receive(struct program *self, struct program_socket *socket, int flags);
long messages_drain(struct program *self, struct program_socket *socket);
void messages_exchange(struct program *self);
void messages_poll(struct program *self);
void messages_alone(struct program *self);

/* monitors.c */
void monitors_begin(struct program *self);
/* Before it is closed: libzmq waits for ever for a consumer that has gone. */
void monitors_end(struct program *self, struct program_socket *socket);
/* Closes the consumers of a socket that is monitored no longer, but for one. */
void monitors_release(struct program *self, unsigned number, const struct program_socket *but);
void monitors_read(struct program *self);

/* wrong.c */
void wrong_call(struct program *self);

/* scenes.c */
void scenes_publish(struct program *self);
void scenes_route(struct program *self);
void scenes_stream(struct program *self);
void scenes_proxy(struct program *self);
void scenes_fork(struct program *self);
void scenes_descriptors(struct program *self);

/* main.c */
/* The next n steps. */
void main_run(struct program *self, unsigned n);
/* Closes and ends everything. */
void main_end(struct program *self);

#endif
