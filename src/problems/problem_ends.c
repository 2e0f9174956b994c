/* SPDX-License-Identifier: MPL-2.0 */
#include "problems/problem_ends.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

static struct peer_process process_of(const struct problem_socket *socket)
{
    return (struct peer_process){.start_ticks = socket->start_ticks, .pid = socket->pid};
}

static int compare_handles(const void *a, const void *b)
{
    const struct problem_socket *one = *(const struct problem_socket *const *)a;
    const struct problem_socket *other = *(const struct problem_socket *const *)b;
    if (one->handle != other->handle)
        return one->handle < other->handle ? -1 : 1;
    if (one->start_ticks != other->start_ticks)
        return one->start_ticks < other->start_ticks ? -1 : 1;
    return 0;
}

int problem_ends_init(struct problem_ends *self, const struct problem_view *view,
                      const struct peer_table *table)
{
    *self = (struct problem_ends){.view = view, .table = table};
    if (!table)
        return 0;
    self->by_handle = calloc(view->n + 1, sizeof(struct problem_socket *));
    if (!self->by_handle)
        return -ENOMEM;
    for (size_t i = 0; i < view->n; i++) {
        if (view->sockets[i].handle != SEGMENT_UNKNOWN)
            self->by_handle[self->n_by_handle++] = &view->sockets[i];
    }
    if (self->n_by_handle > 1)
        qsort(self->by_handle, self->n_by_handle, sizeof(*self->by_handle), compare_handles);
    return 0;
}

void problem_ends_finish(struct problem_ends *self)
{
    free(self->by_handle);
    *self = (struct problem_ends){.view = NULL};
}

/* The socket at the other end; NULL: it is none that is seen, or it cannot be told from another. */
static const struct problem_socket *other_end(const struct problem_ends *self,
                                              const struct peer *peer)
{
    size_t low = 0, high = self->n_by_handle;
    const struct problem_socket wanted = {.start_ticks = peer->peer_start_ticks,
                                          .handle = peer->peer_handle};
    const struct problem_socket *key = &wanted, *found = NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_handles(&self->by_handle[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < self->n_by_handle && compare_handles(&self->by_handle[low], &key) == 0; low++) {
        const struct problem_socket *socket = self->by_handle[low];
        const struct peer_process process = process_of(socket);
        if (peer_table_pid(self->table, &process, socket->handle) != peer->peer_pid)
            continue;
        if (found)
            return NULL;
        found = socket;
    }
    return found;
}

static int take_one(const struct problem_ends *self, const struct problem_socket *socket,
                    struct problem_peers *peers)
{
    const struct peer_process process = process_of(socket);
    const struct peer *found = NULL;
    size_t n = 0;
    /* Fewer than it has: the table is older than some of them. */
    if (!self->table || socket->handle == SEGMENT_UNKNOWN ||
        !peer_table_find(self->table, &process, socket->handle, &found, &n) || n == 0 ||
        (socket->peers != SEGMENT_UNKNOWN && n < socket->peers)) {
        peers->is_complete = false;
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct problem_socket *other = found[i].peer_handle != 0 ? other_end(self, &found[i])
                                                                       : NULL;
        if (!other) {
            peers->is_complete = false;
            continue;
        }
        if (!array_make_room(&peers->items, &peers->capacity, peers->n,
                             sizeof(struct problem_socket *)))
            return -ENOMEM;
        peers->items[peers->n++] = other;
    }
    return 0;
}

static bool is_same_process(const struct problem_socket *a, const struct problem_socket *b)
{
    return a->pid == b->pid && a->start_ticks == b->start_ticks;
}

int problem_ends_take(const struct problem_ends *self, const struct problem_socket *socket,
                      struct problem_peers *peers)
{
    const struct problem_socket *end = self->view->sockets + self->view->n, *first = socket;
    int r = 0;
    peers->n = 0;
    peers->is_complete = true;
    while (first > self->view->sockets && is_same_process(&first[-1], socket))
        first--;
    for (; r == 0 && first < end && is_same_process(first, socket); first++) {
        if (problem_socket_is_alike(first, socket))
            r = take_one(self, first, peers);
    }
    return r;
}

void problem_peers_finish(struct problem_peers *self)
{
    free(self->items);
    *self = (struct problem_peers){.n = 0};
}

bool problem_peers_have(const struct problem_peers *self, const struct problem_socket *socket)
{
    for (size_t i = 0; i < self->n; i++) {
        if (is_same_process(self->items[i], socket) &&
            problem_socket_is_alike(self->items[i], socket))
            return true;
    }
    return false;
}
