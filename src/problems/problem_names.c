/* SPDX-License-Identifier: MPL-2.0 */
#include "problems/problem_names.h"

#include <errno.h>
#include <stdlib.h>

static int compare_names(const void *a, const void *b)
{
    const struct problem_name *one = a, *other = b;
    if (one->process.pid != other->process.pid)
        return one->process.pid < other->process.pid ? -1 : 1;
    if (one->process.start_ticks != other->process.start_ticks)
        return one->process.start_ticks < other->process.start_ticks ? -1 : 1;
    return 0;
}

/* 0: not known. */
static uint64_t pid_of(const struct problem_socket *socket, const struct peer_table *table)
{
    const struct peer_process process = {.start_ticks = socket->start_ticks, .pid = socket->pid};
    const struct peer *peers = NULL;
    size_t n = 0;
    if (!socket->is_contained)
        return socket->pid;
    bool is_known = socket->handle != SEGMENT_UNKNOWN &&
                    peer_table_find(table, &process, socket->handle, &peers, &n);
    return is_known && n > 0 ? peers[0].pid : 0;
}

int problem_names_init(struct problem_names *self, const struct problem_view *view,
                       const struct peer_table *table)
{
    *self = (struct problem_names){.items = calloc(view->n + 1, sizeof(*self->items))};
    if (!self->items)
        return -ENOMEM;
    for (size_t i = 0; i < view->n; i++) {
        const struct problem_socket *socket = &view->sockets[i];
        const struct problem_name name = {{socket->start_ticks, pid_of(socket, table)},
                                          socket->program};
        bool is_new = self->n == 0 || compare_names(&self->items[self->n - 1], &name) != 0;
        if (!socket->is_peeked && name.process.pid != 0 && is_new)
            self->items[self->n++] = name;
    }
    if (self->n > 1)
        qsort(self->items, self->n, sizeof(*self->items), compare_names);
    return 0;
}

void problem_names_finish(struct problem_names *self)
{
    free(self->items);
    *self = (struct problem_names){.n = 0};
}

const char *problem_names_find(const struct problem_names *self, uint64_t pid, uint64_t start_ticks)
{
    const struct problem_name wanted = {.process = {.start_ticks = start_ticks, .pid = pid}};
    const struct problem_name *found = NULL;
    if (self->n > 0)
        found = bsearch(&wanted, self->items, self->n, sizeof(*self->items), compare_names);
    return found ? found->program : NULL;
}
