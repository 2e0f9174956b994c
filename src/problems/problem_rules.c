/* SPDX-License-Identifier: MPL-2.0 */
#include "base/array.h"
#include "base/clock.h"
#include "collectors/tap/tap_types.h"
#include "problems/problem.h"
#include "problems/problem_ends.h"
#include "problems/problem_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STILL_NS  (3 * CLOCK_NS_PER_SECOND / 2) /* receives nothing for so long while some wait */
#define STUCK_NS  (60 * CLOCK_NS_PER_SECOND)    /* then it is critical */
#define OLD_NS    (60 * CLOCK_NS_PER_SECOND)
#define SETTLE_NS (5 * CLOCK_NS_PER_SECOND) /* a connection needs some time */
#define NEAR      800000000u                /* of a queue's mark, in billionths */
#define FULL      950000000u
#define HALF      500000000u
#define FEW       2u /* one message alone may be one that nobody means to read */
#define MANY_LOST 5u /* connections lost within a minute */

static bool is_known(uint64_t gauge)
{
    return gauge != SEGMENT_UNKNOWN;
}

static bool is_at_least(uint64_t gauge, uint64_t bound)
{
    return is_known(gauge) && gauge >= bound;
}

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
    return then_ns && is_known(then_ns) && then_ns < now_ns ? now_ns - then_ns : SEGMENT_UNKNOWN;
}

/* How long a receiver has taken nothing while messages wait; 0 if it goes on. Both have to be
 * long: the last message that it took, and the oldest that waits. */
static uint64_t still_for(const struct problem_view *view, const struct problem_socket *socket)
{
    uint64_t idle_ns = since(view->now_ns, socket->last_received_ns);
    if (!is_at_least(socket->receive_queue, FEW) || !is_at_least(socket->receive_age_ns, STILL_NS))
        return 0;
    if (!is_known(idle_ns)) /* it never took one */
        idle_ns = socket->receive_age_ns;
    return idle_ns >= STILL_NS ? idle_ns : 0;
}

static bool find_receiver_stuck(const struct problem_view *view,
                                const struct problem_socket *socket, struct problem *ret)
{
    uint64_t still_ns = still_for(view, socket);
    if (!still_ns)
        return false;
    ret->for_ns = still_ns;
    ret->value = socket->receive_queue;
    ret->severity = still_ns >= STUCK_NS || is_at_least(socket->receive_fullest, NEAR)
                        ? PROBLEM_CRITICAL
                        : PROBLEM_WARNING;
    return true;
}

static bool find_receiver_slow(const struct problem_view *view, const struct problem_socket *socket,
                               struct problem *ret)
{
    if (!is_at_least(socket->receive_fullest, NEAR) || still_for(view, socket) ||
        !is_at_least(socket->receive_queue, FEW))
        return false;
    ret->for_ns = socket->receive_age_ns;
    ret->value = socket->receive_queue;
    ret->severity = socket->receive_fullest >= FULL ? PROBLEM_CRITICAL : PROBLEM_WARNING;
    return true;
}

/* Once for each process: its sockets are beside each other. */
static bool find_silent(const struct problem_view *view, const struct problem_socket *socket,
                        struct problem *ret)
{
    bool is_first = socket == view->sockets || socket[-1].pid != socket->pid;
    ret->severity = PROBLEM_CRITICAL;
    return socket->is_silent && is_first;
}

/* Critical is that nobody gets in: not that one comes and goes and is not there right now, nor that
 * a first one has had no time yet. */
static bool find_handshakes_fail(const struct problem_view *view,
                                 const struct problem_socket *socket, struct problem *ret)
{
    uint64_t open_ns = since(view->now_ns, socket->opened_ns);
    bool is_settled = !is_known(open_ns) || open_ns >= SETTLE_NS;
    bool has_had_peers = socket->peers != 0 || socket->recent[PROBLEM_HANDSHAKES] > 0;
    ret->value = socket->recent[PROBLEM_FAILED_AUTH] + socket->recent[PROBLEM_FAILED_PROTOCOL] +
                 socket->recent[PROBLEM_FAILED_TRANSPORT];
    ret->severity = is_settled && !has_had_peers ? PROBLEM_CRITICAL : PROBLEM_WARNING;
    return ret->value > 0;
}

static bool find_no_peer(const struct problem_view *view, const struct problem_socket *socket,
                         struct problem *ret)
{
    uint64_t open_ns = since(view->now_ns, socket->opened_ns);
    ret->for_ns = SEGMENT_UNKNOWN;
    ret->value = socket->recent[PROBLEM_RETRIES];
    return socket->is_network && socket->peers == 0 && is_at_least(socket->connects, 1) &&
           is_at_least(open_ns, SETTLE_NS);
}

static bool find_unroutable(const struct problem_view *view, const struct problem_socket *socket,
                            struct problem *ret)
{
    (void)view;
    ret->value = socket->recent[PROBLEM_DROPPED_UNROUTABLE];
    ret->severity = PROBLEM_CRITICAL;
    return ret->value > 0;
}

static bool find_drops(const struct problem_view *view, const struct problem_socket *socket,
                       struct problem *ret)
{
    (void)view;
    ret->value = socket->recent[PROBLEM_DROPPED_FULL];
    ret->severity = PROBLEM_CRITICAL;
    return ret->value > 0;
}

/* A queue that was full takes nothing more until half of it has been read. */
static bool has_been_full(const struct problem_socket *socket)
{
    return is_at_least(socket->send_fullest, HALF) && socket->recent[PROBLEM_AT_HWM_NS] > 0 &&
           is_at_least(socket->send_age_ns, STILL_NS);
}

static bool is_full(const struct problem_socket *socket)
{
    return is_at_least(socket->send_fullest, NEAR) || has_been_full(socket);
}

static bool find_send_queue_full(const struct problem_view *view,
                                 const struct problem_socket *socket, struct problem *ret)
{
    (void)view;
    if (!is_full(socket) || socket->recent[PROBLEM_DROPPED_FULL])
        return false;
    ret->for_ns = socket->send_age_ns;
    ret->value = socket->send_queue;
    ret->severity = socket->send_fullest >= FULL || has_been_full(socket) ? PROBLEM_CRITICAL
                                                                          : PROBLEM_WARNING;
    return true;
}

static bool find_messages_old(const struct problem_view *view, const struct problem_socket *socket,
                              struct problem *ret)
{
    (void)view;
    if (!is_at_least(socket->send_age_ns, OLD_NS) || !is_at_least(socket->send_queue, FEW) ||
        is_full(socket) || socket->recent[PROBLEM_DROPPED_FULL])
        return false;
    ret->for_ns = socket->send_age_ns;
    ret->value = socket->send_queue;
    return true;
}

/* Each handshake that fails loses a connection: that is no second problem. */
static bool find_disconnects(const struct problem_view *view, const struct problem_socket *socket,
                             struct problem *ret)
{
    (void)view;
    uint64_t n_failed = socket->recent[PROBLEM_FAILED_AUTH] +
                        socket->recent[PROBLEM_FAILED_PROTOCOL] +
                        socket->recent[PROBLEM_FAILED_TRANSPORT];
    ret->value = socket->recent[PROBLEM_DISCONNECTS];
    return ret->value > MANY_LOST && ret->value - MANY_LOST > n_failed;
}

typedef bool (*problem_rule)(const struct problem_view *view, const struct problem_socket *socket,
                             struct problem *ret);

static const problem_rule rules[PROBLEM_N_KINDS] = {
    [PROBLEM_RECEIVER_STUCK] = find_receiver_stuck,
    [PROBLEM_RECEIVER_SLOW] = find_receiver_slow,
    [PROBLEM_SILENT] = find_silent,
    [PROBLEM_HANDSHAKES_FAIL] = find_handshakes_fail,
    [PROBLEM_NO_PEER] = find_no_peer,
    [PROBLEM_UNROUTABLE] = find_unroutable,
    [PROBLEM_DROPS] = find_drops,
    [PROBLEM_SEND_QUEUE_FULL] = find_send_queue_full,
    [PROBLEM_MESSAGES_OLD] = find_messages_old,
    [PROBLEM_FLAPPING] = find_disconnects,
};

static bool is_receiver(enum problem_kind kind)
{
    return kind == PROBLEM_RECEIVER_STUCK || kind == PROBLEM_RECEIVER_SLOW;
}

/* What a receiver that stands still does to those that send to it. */
static bool is_symptom(enum problem_kind kind)
{
    return kind == PROBLEM_DROPS || kind == PROBLEM_SEND_QUEUE_FULL || kind == PROBLEM_MESSAGES_OLD;
}

static bool have_one_link(const struct problem_socket *a, const struct problem_socket *b)
{
    bool may_differ = a->net_namespace == 0 || b->net_namespace == 0 ||
                      !problem_link_is_local(a->link);
    return a != b && *a->link && strcmp(a->link, b->link) == 0 &&
           (may_differ || a->net_namespace == b->net_namespace);
}

static void block(struct problem *self, const struct problem_socket *sender)
{
    if (self->n_blocked < PROBLEM_MAX_BLOCKED)
        self->blocked[self->n_blocked] = sender;
    self->n_blocked++;
}

/* Whether the cause is at the other end of the sender, whose peers are `peers`: 1 or 0. It is
 * enough that all of one end is known. Errors: -ENOMEM. */
static int are_linked(const struct problem_ends *ends, const struct problem *cause,
                      const struct problem_socket *sender, const struct problem_peers *peers)
{
    struct problem_peers of_cause = {.n = 0};
    if (problem_peers_have(peers, cause->socket))
        return 1;
    if (peers->is_complete)
        return 0;
    if (!cause->has_known_peers)
        return have_one_link(cause->socket, sender);
    int r = problem_ends_take(ends, cause->socket, &of_cause);
    if (r == 0)
        r = problem_peers_have(&of_cause, sender);
    problem_peers_finish(&of_cause);
    return r;
}

/* `peers` are those of the symptom's socket. A symptom that is explained has no kind any more. */
static int explain(struct problems *self, struct problem *symptom, const struct problem_ends *ends,
                   const struct problem_peers *peers)
{
    const struct problem_socket *sender = symptom->socket;
    int r = 0;
    for (size_t i = 0; r >= 0 && (sender->traits & TAP_TYPE_SENDS) && i < self->n; i++) {
        struct problem *cause = &self->items[i];
        if (cause == symptom || !is_receiver(cause->kind))
            continue;
        r = are_linked(ends, cause, sender, peers);
        if (r <= 0)
            continue;
        block(cause, sender);
        symptom->kind = PROBLEM_N_KINDS;
    }
    return r < 0 ? r : 0;
}

static int explain_all(struct problems *self, const struct problem_ends *ends)
{
    struct problem_peers peers = {.n = 0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < self->n; i++) {
        struct problem *cause = &self->items[i];
        if (!is_receiver(cause->kind))
            continue;
        r = problem_ends_take(ends, cause->socket, &peers);
        cause->has_known_peers = peers.is_complete;
    }
    for (size_t i = 0; r == 0 && i < self->n; i++) {
        struct problem *symptom = &self->items[i];
        if (!is_symptom(symptom->kind))
            continue;
        r = problem_ends_take(ends, symptom->socket, &peers);
        if (r == 0)
            r = explain(self, symptom, ends, &peers);
    }
    problem_peers_finish(&peers);
    return r;
}

static bool has_any(const struct problems *self, bool (*is_one)(enum problem_kind kind))
{
    for (size_t i = 0; i < self->n; i++) {
        if (is_one(self->items[i].kind))
            return true;
    }
    return false;
}

/* Symptoms go into the problems of their receivers. */
static int fold_symptoms(struct problems *self, const struct problem_view *view,
                         const struct peer_table *peers)
{
    struct problem_ends ends;
    size_t n = 0;
    if (!has_any(self, is_receiver) || !has_any(self, is_symptom))
        return 0;
    self->have_ends = true;
    int r = problem_ends_init(&ends, view, peers);
    if (r == 0)
        r = explain_all(self, &ends);
    problem_ends_finish(&ends);
    for (size_t i = 0; i < self->n; i++) {
        if (self->items[i].kind != PROBLEM_N_KINDS)
            self->items[n++] = self->items[i];
    }
    self->n = n;
    return r;
}

static int compare_names(const struct problem_socket *a, const struct problem_socket *b)
{
    int r = strcmp(a->program, b->program);
    if (r == 0)
        r = strcmp(a->address, b->address);
    return r ? r : problem_socket_compare(a, b);
}

/* By whole seconds, so that two that began together keep their places. */
static uint64_t seconds(uint64_t ns)
{
    return is_known(ns) ? ns / CLOCK_NS_PER_SECOND : 0;
}

static int compare(const void *a, const void *b)
{
    const struct problem *left = a, *right = b;
    if (left->severity != right->severity)
        return left->severity > right->severity ? -1 : 1;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (seconds(left->for_ns) != seconds(right->for_ns))
        return seconds(left->for_ns) > seconds(right->for_ns) ? -1 : 1;
    return compare_names(left->socket, right->socket);
}

static int append_problem(struct problems *self, const struct problem *problem)
{
    if (!array_make_room(&self->items, &self->capacity, self->n, sizeof(*self->items)))
        return -ENOMEM;
    self->items[self->n++] = *problem;
    return 0;
}

static bool are_alike(const struct problem *a, const struct problem *b)
{
    return a->kind == b->kind && problem_socket_is_alike(a->socket, b->socket);
}

/* The sockets of one pool of workers are one problem. */
static bool join(struct problems *self, const struct problem *problem)
{
    for (size_t i = self->n; i-- > 0 && self->items[i].socket->pid == problem->socket->pid;) {
        struct problem *other = &self->items[i];
        if (!are_alike(other, problem))
            continue;
        other->n_sockets++;
        other->value += problem->value;
        if (problem->severity > other->severity)
            other->severity = problem->severity;
        if (seconds(problem->for_ns) > seconds(other->for_ns))
            other->for_ns = problem->for_ns;
        return true;
    }
    return false;
}

static int apply_rules(const struct problem_view *view, const struct problem_socket *socket,
                       struct problems *out)
{
    int r = 0;
    for (unsigned kind = 0; r == 0 && kind < PROBLEM_N_KINDS; kind++) {
        struct problem problem = {.kind = (enum problem_kind)kind,
                                  .socket = socket,
                                  .n_sockets = 1,
                                  .for_ns = SEGMENT_UNKNOWN};
        if ((socket->is_silent && kind != PROBLEM_SILENT) || !rules[kind](view, socket, &problem))
            continue;
        if (join(out, &problem))
            continue;
        if (out->n == PROBLEMS_MAX)
            out->is_complete = false;
        else
            r = append_problem(out, &problem);
    }
    return r;
}

int problems_find(const struct problem_view *view, const struct peer_table *peers,
                  struct problems *ret_problems)
{
    struct problems problems = {.is_complete = view->is_complete};
    int r = 0;
    for (size_t i = 0; r == 0 && i < view->n; i++)
        r = apply_rules(view, &view->sockets[i], &problems);
    if (r == 0)
        r = fold_symptoms(&problems, view, peers);
    if (r < 0) {
        problems_finish(&problems);
        return r;
    }
    if (problems.n)
        qsort(problems.items, problems.n, sizeof(*problems.items), compare);
    *ret_problems = problems;
    return 0;
}

void problems_finish(struct problems *self)
{
    free(self->items);
    *self = (struct problems){0};
}
