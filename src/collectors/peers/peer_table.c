/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peers/peer_table.h"

#include <stdlib.h>

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_peers(const void *a, const void *b)
{
    const struct peer *one = a, *other = b;
    int r = compare(one->start_ticks, other->start_ticks);
    if (r == 0)
        r = compare(one->handle, other->handle);
    if (r == 0)
        r = compare(one->pid, other->pid);
    return r ? r : compare(one->inode, other->inode);
}

static int compare_processes(const void *a, const void *b)
{
    const struct peer_process *one = a, *other = b;
    int r = compare(one->start_ticks, other->start_ticks);
    return r ? r : compare(one->pid, other->pid);
}

void peer_table_sort(struct peer_table *self)
{
    if (self->n > 1)
        qsort(self->items, self->n, sizeof(*self->items), compare_peers);
    if (self->n_processes > 1)
        qsort(self->processes, self->n_processes, sizeof(*self->processes), compare_processes);
}

void peer_table_finish(struct peer_table *self)
{
    free(self->items);
    free(self->processes);
    *self = (struct peer_table){.n = 0};
}

/* The first process that is not before `wanted`. */
static size_t lower_process(const struct peer_table *self, const struct peer_process *wanted)
{
    size_t low = 0, high = self->n_processes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_processes(&self->processes[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t lower_peer(const struct peer_table *self, const struct peer *wanted)
{
    size_t low = 0, high = self->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_peers(&self->items[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The number of the process as it is on the host: its own, or that of the only one that has a
 * socket of this handle and began at the same time. 0: not known. */
static uint64_t pid_of(const struct peer_table *self, const struct peer_process *process,
                       uint64_t handle)
{
    size_t i = lower_process(self, process);
    if (i < self->n_processes && compare_processes(&self->processes[i], process) == 0)
        return process->pid;
    const struct peer wanted = {.start_ticks = process->start_ticks, .handle = handle};
    i = lower_peer(self, &wanted);
    bool is_there = i < self->n && self->items[i].start_ticks == process->start_ticks &&
                    self->items[i].handle == handle;
    return is_there ? self->items[i].pid : 0;
}

bool peer_table_find(const struct peer_table *self, const struct peer_process *process,
                     uint64_t handle, const struct peer **ret_peers, size_t *ret_n)
{
    struct peer wanted = {.start_ticks = process->start_ticks,
                          .handle = handle,
                          .pid = self->n_processes ? pid_of(self, process, handle) : 0};
    if (wanted.pid == 0)
        return false;
    size_t first = lower_peer(self, &wanted), end = first;
    while (end < self->n && self->items[end].start_ticks == wanted.start_ticks &&
           self->items[end].handle == handle && self->items[end].pid == wanted.pid)
        end++;
    *ret_peers = &self->items[first];
    *ret_n = end - first;
    return true;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    if (a == PEER_UNKNOWN || b == PEER_UNKNOWN)
        return a == PEER_UNKNOWN ? b : a;
    return a > b ? a : b;
}

struct peer_worst peer_table_worst(const struct peer_table *self,
                                   const struct peer_process *process, uint64_t handle)
{
    struct peer_worst worst = {PEER_UNKNOWN, PEER_UNKNOWN, PEER_UNKNOWN};
    const struct peer *peers = NULL;
    size_t n = 0;
    if (!peer_table_find(self, process, handle, &peers, &n))
        return worst;
    for (size_t i = 0; i < n; i++) {
        worst.unsent_bytes = greater(worst.unsent_bytes, peers[i].unsent_bytes);
        worst.unread_bytes = greater(worst.unread_bytes, peers[i].unread_bytes);
        worst.retransmits = greater(worst.retransmits, peers[i].retransmits);
    }
    return worst;
}
