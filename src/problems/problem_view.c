/* SPDX-License-Identifier: MPL-2.0 */
#include "problems/problem_view.h"

#include "base/array.h"
#include "base/clock.h"
#include "collectors/peek/host_sockets.h"
#include "collectors/tap/tap_types.h"
#include "problems/problem_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZAP_ADDRESS "inproc://zeromq.zap.01" /* asked by the library itself */

int problem_socket_compare(const void *a, const void *b)
{
    const struct problem_socket *left = a, *right = b;
    const uint64_t keys[][2] = {{left->pid, right->pid},
                                {left->start_ticks, right->start_ticks},
                                {left->serial, right->serial}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    }
    return 0;
}

bool problem_socket_is_alike(const struct problem_socket *a, const struct problem_socket *b)
{
    return strcmp(a->type, b->type) == 0 && strcmp(a->address, b->address) == 0 &&
           strcmp(a->name, b->name) == 0;
}

static uint64_t sum_of(const uint64_t *words, unsigned base, unsigned n)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += words[base + i];
    return sum;
}

static void take_counters(const uint64_t *words, uint64_t ret[PROBLEM_N_COUNTERS])
{
    ret[PROBLEM_DROPPED_FULL] = words[SEGMENT_DROPPED_HWM];
    ret[PROBLEM_DROPPED_UNROUTABLE] = words[SEGMENT_DROPPED_UNROUTABLE];
    ret[PROBLEM_FAILED_AUTH] = sum_of(words, SEGMENT_HANDSHAKE_AUTH_BASE,
                                      SEGMENT_HANDSHAKE_AUTH_SIZE);
    ret[PROBLEM_FAILED_PROTOCOL] = sum_of(words, SEGMENT_HANDSHAKE_PROTOCOL_BASE,
                                          SEGMENT_HANDSHAKE_PROTOCOL_SIZE);
    ret[PROBLEM_FAILED_TRANSPORT] = sum_of(words, SEGMENT_HANDSHAKE_TRANSPORT_BASE,
                                           SEGMENT_HANDSHAKE_TRANSPORT_SIZE);
    ret[PROBLEM_DISCONNECTS] = words[SEGMENT_EVENT_DISCONNECTED];
    ret[PROBLEM_HANDSHAKES] = words[SEGMENT_EVENT_HANDSHAKE_SUCCEEDED];
    ret[PROBLEM_RETRIES] = words[SEGMENT_EVENT_CONNECT_RETRIED];
    ret[PROBLEM_SENT] = words[SEGMENT_SENT_MESSAGES];
    ret[PROBLEM_RECEIVED] = words[SEGMENT_RECEIVED_MESSAGES];
    ret[PROBLEM_AT_HWM_NS] = words[SEGMENT_SEND_AT_HWM_NS];
}

static bool take_texts(const struct tap_socket *found, struct problem_socket *socket)
{
    char link[sizeof(found->group->endpoint) + 32];
    (void)snprintf(socket->program, sizeof(socket->program), "%.*s",
                   (int)sizeof(socket->program) - 1, found->process->program);
    problem_link_of(found->group->endpoint, socket->pid, link, sizeof(link));
    socket->address = strdup(found->group->endpoint);
    socket->name = strdup(found->group->name);
    socket->link = strdup(link);
    return socket->address && socket->name && socket->link;
}

static void free_texts(struct problem_socket *socket)
{
    free(socket->address);
    free(socket->name);
    free(socket->link);
}

static int visit(const struct tap_socket *found, void *data)
{
    struct problem_view *self = data;
    const uint64_t *words = found->words;
    if (strcmp(found->group->endpoint, ZAP_ADDRESS) == 0)
        return 0;
    if (self->n == PROBLEM_VIEW_MAX) {
        self->is_complete = false;
        return 0;
    }
    if (!array_make_room(&self->sockets, &self->capacity, self->n, sizeof(*self->sockets)))
        return -ENOMEM;
    struct problem_socket *socket = &self->sockets[self->n];
    *socket = (struct problem_socket){
        .pid = found->process->pid,
        .start_ticks = found->process->start_ticks,
        .serial = words[SEGMENT_SERIAL],
        .handle = words[SEGMENT_HANDLE],
        .type = found->type,
        .traits = tap_type_traits(found->group->type),
        .is_network = found->group->endpoint[0] && strncmp(found->group->endpoint, "inproc:", 7),
        .is_silent = found->is_silent,
        .is_peeked = found->is_peeked,
        .net_namespace = found->process->net_namespace,
        .is_contained = found->is_contained,
        .opened_ns = words[SEGMENT_OPENED_NS],
        .last_received_ns = words[SEGMENT_LAST_RECEIVED_NS],
        .peers = words[SEGMENT_PEERS],
        .connects = words[SEGMENT_CONNECTS],
        .send_queue = words[SEGMENT_SEND_QUEUE],
        .receive_queue = words[SEGMENT_RECEIVE_QUEUE],
        .send_fullest = words[SEGMENT_SEND_FULLEST],
        .receive_fullest = words[SEGMENT_RECEIVE_FULLEST],
        .send_age_ns = words[SEGMENT_SEND_AGE_NS],
        .receive_age_ns = words[SEGMENT_RECEIVE_AGE_NS],
    };
    take_counters(words, socket->counters);
    if (!take_texts(found, socket)) {
        free_texts(socket);
        return -ENOMEM;
    }
    self->n++;
    return 0;
}

int problem_view_take(const char *directory, struct peek_link *peek, struct problem_view *ret_view)
{
    struct problem_view view = {.now_ns = clock_realtime_ns(), .is_complete = true};
    int r = host_sockets_each(directory, peek, visit, &view, NULL);
    if (r < 0) {
        problem_view_finish(&view);
        return r;
    }
    if (view.n)
        qsort(view.sockets, view.n, sizeof(*view.sockets), problem_socket_compare);
    *ret_view = view;
    return 0;
}

void problem_view_finish(struct problem_view *self)
{
    for (size_t i = 0; i < self->n; i++)
        free_texts(&self->sockets[i]);
    free(self->sockets);
    *self = (struct problem_view){0};
}
