/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peers/peer_table.h"

#include <errno.h>
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

static uint64_t greater(uint64_t a, uint64_t b)
{
    if (a == PEER_UNKNOWN || b == PEER_UNKNOWN)
        return a == PEER_UNKNOWN ? b : a;
    return a > b ? a : b;
}

static size_t slot_of(const struct peer_table *self, uint64_t start_ticks, uint64_t handle)
{
    uint64_t hash = (handle ^ start_ticks << 24) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash >> 32) & (self->n_slots - 1);
}

static size_t next_of(const struct peer_table *self, size_t slot)
{
    return (slot + 1) & (self->n_slots - 1);
}

static bool is_same_socket(const struct peer *one, const struct peer *other)
{
    return one->start_ticks == other->start_ticks && one->handle == other->handle &&
           one->pid == other->pid;
}

/* Of the socket whose peers begin at `first`, in the order of the items: of several that differ in
 * their process alone, the least is found first. */
static void add_socket(struct peer_table *self, size_t first)
{
    const struct peer *own = &self->items[first];
    struct peer_socket socket = {.start_ticks = own->start_ticks,
                                 .handle = own->handle,
                                 .pid = own->pid,
                                 .first = first,
                                 .worst = {PEER_UNKNOWN, PEER_UNKNOWN, PEER_UNKNOWN}};
    for (size_t i = first; i < self->n && is_same_socket(own, &self->items[i]); i++) {
        const struct peer *peer = &self->items[i];
        socket.worst.unsent_bytes = greater(socket.worst.unsent_bytes, peer->unsent_bytes);
        socket.worst.unread_bytes = greater(socket.worst.unread_bytes, peer->unread_bytes);
        socket.worst.retransmits = greater(socket.worst.retransmits, peer->retransmits);
        socket.n++;
    }
    size_t slot = slot_of(self, own->start_ticks, own->handle);
    while (self->slots[slot].n != 0)
        slot = next_of(self, slot);
    self->slots[slot] = socket;
}

static size_t count_sockets(const struct peer_table *self)
{
    size_t n = self->n > 0;
    for (size_t i = 1; i < self->n; i++)
        n += !is_same_socket(&self->items[i - 1], &self->items[i]);
    return n;
}

int peer_table_complete(struct peer_table *self)
{
    size_t n_slots = 2;
    if (self->n > 1)
        qsort(self->items, self->n, sizeof(*self->items), compare_peers);
    if (self->n_processes > 1)
        qsort(self->processes, self->n_processes, sizeof(*self->processes), compare_processes);
    size_t n_sockets = count_sockets(self);
    while (n_slots < 2 * n_sockets)
        n_slots *= 2;
    self->slots = calloc(n_slots, sizeof(*self->slots));
    if (!self->slots)
        return -ENOMEM;
    self->n_slots = n_slots;
    for (size_t i = 0; i < self->n; i++) {
        if (i == 0 || !is_same_socket(&self->items[i - 1], &self->items[i]))
            add_socket(self, i);
    }
    return 0;
}

void peer_table_finish(struct peer_table *self)
{
    free(self->items);
    free(self->processes);
    free(self->slots);
    *self = (struct peer_table){.n = 0};
}

static bool is_known(const struct peer_table *self, const struct peer_process *process)
{
    return self->n_processes > 0 && bsearch(process, self->processes, self->n_processes,
                                            sizeof(*self->processes), compare_processes);
}

/* NULL: it has no connections, or they are not known. Where the process's number is not that of the
 * host, it is the only one that has a socket of this handle and began at the same time. */
static const struct peer_socket *find_socket(const struct peer_table *self,
                                             const struct peer_process *process, uint64_t handle)
{
    const struct peer_socket *namesake = NULL;
    if (self->n_slots == 0)
        return NULL;
    size_t slot = slot_of(self, process->start_ticks, handle);
    for (; self->slots[slot].n != 0; slot = next_of(self, slot)) {
        const struct peer_socket *socket = &self->slots[slot];
        if (socket->handle != handle || socket->start_ticks != process->start_ticks)
            continue;
        if (socket->pid == process->pid)
            return socket;
        if (!namesake)
            namesake = socket;
    }
    return namesake && !is_known(self, process) ? namesake : NULL;
}

bool peer_table_find(const struct peer_table *self, const struct peer_process *process,
                     uint64_t handle, const struct peer **ret_peers, size_t *ret_n)
{
    const struct peer_socket *socket = find_socket(self, process, handle);
    if (!socket && !is_known(self, process))
        return false;
    *ret_peers = socket ? &self->items[socket->first] : self->items;
    *ret_n = socket ? socket->n : 0;
    return true;
}

uint64_t peer_table_pid(const struct peer_table *self, const struct peer_process *process,
                        uint64_t handle)
{
    const struct peer_socket *socket = find_socket(self, process, handle);
    if (socket)
        return socket->pid;
    return is_known(self, process) ? process->pid : 0;
}

struct peer_worst peer_table_worst(const struct peer_table *self,
                                   const struct peer_process *process, uint64_t handle)
{
    const struct peer_socket *socket = find_socket(self, process, handle);
    return socket ? socket->worst : (struct peer_worst){PEER_UNKNOWN, PEER_UNKNOWN, PEER_UNKNOWN};
}
