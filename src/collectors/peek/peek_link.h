/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_link - starts the reader, hears it, and starts another one when it ends.
 *
 * The reader is one that a launcher starts (peek_launch.h), or one that systemd starts for each
 * connection to a socket, which need not be the exporter's user. One that says what it may not, or
 * nothing for PEEK_LINK_PATIENCE_NS, is ended. The pauses between
 * attempts double up to a minute. A process at which a reader ended is not looked at by the next
 * ones.
 *
 * Thread: any; one of its own hears the reader. Owns: the reader, the model.
 */
#ifndef COLLECTORS_PEEK_PEEK_LINK_H
#define COLLECTORS_PEEK_PEEK_LINK_H

#include "base/error.h"
#include "base/handover.h"
#include "collectors/peek/peek_launch.h"
#include "collectors/peek/peek_model.h"

#define PEEK_LINK_PATIENCE_NS UINT64_C(30000000000)

struct peek_link_options {
    struct peek_launch *launch;  /* borrowed; NULL: */
    const char *socket_path;     /* to connect to, where systemd starts a reader */
    const char *const *excluded; /* names of programs that are left out; borrowed */
    size_t n_excluded;
    struct handover *settings; /* where struct peek_settings come from; borrowed; NULL: nowhere */
};

struct peek_link;

int peek_link_new(const struct peek_link_options *options, struct peek_link **ret_link);
void peek_link_destroy(struct peek_link **self_p);

/* The model, to be used until it is unlocked. */
struct peek_model *peek_link_lock(struct peek_link *self);
void peek_link_unlock(struct peek_link *self);

/* Has the reader tell all connections in its next pass, and find the owners of sockets. Where
 * there is none, nothing is said. */
void peek_link_ask(struct peek_link *self);
void peek_link_want(struct peek_link *self, const uint64_t *inodes, size_t n);

/* With the model locked: waits for the next pass, till monotonic time `until_ns` at most. */
void peek_link_wait(struct peek_link *self, uint64_t until_ns);

/* Waits until the reader has looked at all programs once, or cannot, till `until_ns` at most.
 * Without a lock. False: it has not. */
bool peek_link_await_pass(struct peek_link *self, uint64_t until_ns);

/* Whether the reader is heard; with the model locked. Says why not. */
int peek_link_check(struct peek_link *self, struct error *err);

/* Readers that were started, and CPU time of all of them but the one that runs. */
uint64_t peek_link_count_starts(const struct peek_link *self);

#endif
