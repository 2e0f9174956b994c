/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_actor - a CZMQ actor with a bounded number of endpoints: one thread, one epoll.
 *
 * Thread:  probe_actor_new, _destroy and _post from any, one at a time; the endpoints belong to the
 *          actor's thread. Between probe_actor_lock() and _unlock() any thread may read them.
 * Blocks:  _wait until the commands posted so far are done; _destroy until the thread has ended.
 * Owns:    its endpoints.
 * Errors:  -errno.
 */
#ifndef COLLECTORS_PROBE_PROBE_ACTOR_H
#define COLLECTORS_PROBE_PROBE_ACTOR_H

#include "collectors/probe/probe_command.h"
#include "collectors/probe/probe_endpoint.h"
#include "collectors/probe/probe_shared.h"

#define PROBE_ACTOR_ENDPOINTS_MAX 256u

struct probe_actor;

/* `shared` is borrowed. */
int probe_actor_new(struct probe_shared *shared, struct probe_actor **ret);
void probe_actor_destroy(struct probe_actor **self_p);

/* Takes the command. */
void probe_actor_post(struct probe_actor *self, struct probe_command *command);

/* Until every command posted before this call is done. */
void probe_actor_wait(struct probe_actor *self);

/* Until the one-time endpoint is done or `deadline_ns` (monotonic) has come. True: it is done. */
bool probe_actor_wait_done(struct probe_actor *self, const struct probe_endpoint *endpoint,
                           uint64_t deadline_ns);

/* Ends every probe_actor_wait_done(), now and from now on. */
void probe_actor_cancel(struct probe_actor *self);

/* The first of its endpoints, linked by `next`. */
const struct probe_endpoint *probe_actor_lock(struct probe_actor *self);
void probe_actor_unlock(struct probe_actor *self);

#endif
