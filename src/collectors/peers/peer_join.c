/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peers/peer_join.h"

#include "base/array.h"
#include "collectors/tap/tap_types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OWNERS PEEK_MAX_WANTED

void peer_join_finish(struct peer_join *self)
{
    free(self->connections);
    free(self->processes);
    free(self->owners);
    kernel_sockets_finish(&self->kernel);
    *self = (struct peer_join){.n_owners = 0};
}

/*
 * What the reader tells
 */
static int compare_connections(const void *a, const void *b)
{
    const struct peer_join_connection *one = a, *other = b;
    return one->is.inode < other->is.inode ? -1 : one->is.inode > other->is.inode;
}

static bool is_seen(const struct peek_model_process *process)
{
    return process->is_known && !process->is_gone && process->reason == PEEK_REASON_NONE;
}

static int take_processes(struct peer_join *self, const struct peek_model *model)
{
    self->n_processes = 0;
    for (size_t i = 0; i < model->n_processes; i++) {
        const struct peek_model_process *process = model->processes[i];
        if (!is_seen(process))
            continue;
        if (!array_make_room(&self->processes, &self->processes_capacity, self->n_processes,
                             sizeof(*self->processes)))
            return -ENOMEM;
        self->processes[self->n_processes++] = (struct peer_process){process->start_ticks,
                                                                     process->pid};
    }
    return 0;
}

static int take_connection(struct peer_join *self, const struct peek_model_process *process,
                           const struct peek_connection *told)
{
    const struct peek_model_socket *socket = peek_model_find_socket(process, told->serial);
    if (!socket || socket->now.is_closed)
        return 0;
    if (!array_make_room(&self->connections, &self->connections_capacity, self->n_connections,
                         sizeof(*self->connections)))
        return -ENOMEM;
    struct peer_join_connection *to = &self->connections[self->n_connections++];
    *to = (struct peer_join_connection){.pid = process->pid,
                                        .start_ticks = process->start_ticks,
                                        .handle = socket->now.handle,
                                        .type = socket->now.type,
                                        .is = *told};
    memcpy(to->program, process->program, sizeof(to->program));
    (void)snprintf(to->address, sizeof(to->address), "%.119s", socket->now.endpoint);
    return 0;
}

int peer_join_take_connections(struct peer_join *self, const struct peek_model *model)
{
    const struct peek_told_list *told = &model->told.now;
    const struct peek_model_process *process = NULL;
    self->n_connections = 0;
    int r = take_processes(self, model);
    for (size_t i = 0; r == 0 && i < told->n; i++) {
        const struct peek_told_connection *one = &told->items[i];
        if (!process || process->pid != one->pid || process->start_ticks != one->start_ticks)
            process = peek_model_find(model, one->pid, one->start_ticks);
        if (process && is_seen(process))
            r = take_connection(self, process, &one->is);
    }
    if (self->n_connections > 1)
        qsort(self->connections, self->n_connections, sizeof(*self->connections),
              compare_connections);
    return r;
}

/*
 * Owners
 */
static int compare_owners(const void *a, const void *b)
{
    const struct peer_join_owner *one = a, *other = b;
    return one->is.inode < other->is.inode ? -1 : one->is.inode > other->is.inode;
}

static struct peer_join_owner *find_owner(const struct peer_join *self, size_t n, uint64_t inode)
{
    const struct peer_join_owner wanted = {.is.inode = inode};
    return n == 0 ? NULL : bsearch(&wanted, self->owners, n, sizeof(wanted), compare_owners);
}

void peer_join_take_owners(struct peer_join *self, struct peek_model *model)
{
    for (size_t i = 0; i < model->told.n_owners; i++) {
        const struct peek_owner *told = &model->told.owners[i];
        struct peer_join_owner *owner = find_owner(self, self->n_owners, told->inode);
        if (!owner)
            continue;
        owner->is = *told;
        owner->is_told = true;
    }
    model->told.n_owners = 0;
}

/* A place for the owner, who is to be asked for; those from `n_known` on are not in order yet. */
static const struct peer_join_owner *use_owner(struct peer_join *self, size_t n_known,
                                               uint64_t inode)
{
    struct peer_join_owner *owner = find_owner(self, n_known, inode);
    if (owner) {
        owner->is_used = true;
        return owner;
    }
    if (self->n_owners < MAX_OWNERS && array_make_room(&self->owners, &self->owners_capacity,
                                                       self->n_owners, sizeof(*self->owners)))
        self->owners[self->n_owners++] = (struct peer_join_owner){.is.inode = inode,
                                                                  .is_used = true};
    return NULL;
}

static void forget_owners(struct peer_join *self)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_owners; i++) {
        if (self->owners[i].is_used)
            self->owners[n++] = self->owners[i];
    }
    self->n_owners = n;
    if (n > 1)
        qsort(self->owners, n, sizeof(*self->owners), compare_owners);
}

size_t peer_join_wanted(struct peer_join *self, uint64_t now_ns, uint64_t *ret_inodes, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_owners && n < max; i++) {
        struct peer_join_owner *owner = &self->owners[i];
        uint64_t pause_ns = owner->is.pid != 0 ? PEER_JOIN_RECHECK_NS : PEER_JOIN_RETRY_NS;
        if (owner->asked_ns != 0 && now_ns - owner->asked_ns < pause_ns)
            continue;
        owner->asked_ns = now_ns;
        owner->is_told = false;
        ret_inodes[n++] = owner->is.inode;
    }
    return n;
}

bool peer_join_has_all(const struct peer_join *self)
{
    for (size_t i = 0; i < self->n_owners; i++) {
        if (!self->owners[i].is_told)
            return false;
    }
    return true;
}

/*
 * The table
 */
int peer_join_take_kernel(struct peer_join *self)
{
    kernel_sockets_finish(&self->kernel);
    /* The last one has the greatest inode. */
    if (self->n_connections == 0 || self->connections[self->n_connections - 1].is.inode == 0)
        return 0;
    return kernel_sockets_take(&self->kernel);
}

static const struct peer_join_connection *find_connection(const struct peer_join *self,
                                                          uint64_t inode)
{
    const struct peer_join_connection wanted = {.is.inode = inode};
    return bsearch(&wanted, self->connections, self->n_connections, sizeof(wanted),
                   compare_connections);
}

static void fill_process(struct peer_join *self, size_t n_known, uint64_t inode, struct peer *peer)
{
    const struct peer_join_connection *connection = find_connection(self, inode);
    if (connection) {
        peer->peer_pid = connection->pid;
        peer->peer_start_ticks = connection->start_ticks;
        peer->peer_handle = connection->handle;
        peer->peer_type = tap_type_name(connection->type);
        memcpy(peer->peer_program, connection->program, sizeof(peer->peer_program));
        return;
    }
    const struct peer_join_owner *owner = use_owner(self, n_known, inode);
    if (owner && owner->is.pid != 0) {
        peer->peer_pid = owner->is.pid;
        peer->peer_start_ticks = owner->is.start_ticks;
        memcpy(peer->peer_program, owner->is.program, sizeof(peer->peer_program));
    }
}

static void fill_address(struct peer *peer, const struct kernel_socket *own,
                         const struct kernel_socket *other)
{
    const char *path = *own->path || !other ? own->path : other->path;
    if (own->is_tcp)
        kernel_end_append(&own->remote, peer->address, sizeof(peer->address));
    else if (*path)
        (void)snprintf(peer->address, sizeof(peer->address), "ipc://%s", path);
}

static void fill_kernel(struct peer_join *self, size_t n_known, uint64_t inode, struct peer *peer)
{
    const struct kernel_socket *own = kernel_sockets_find(&self->kernel, inode);
    if (!own)
        return;
    const struct kernel_socket *other = kernel_sockets_find(&self->kernel, own->peer_inode);
    fill_address(peer, own, other);
    peer->unsent_bytes = own->unsent_bytes;
    peer->unread_bytes = own->unread_bytes;
    peer->retransmits = own->retransmits;
    if (other)
        peer->peer_unread_bytes = other->unread_bytes;
    if (own->peer_inode != 0)
        fill_process(self, n_known, own->peer_inode, peer);
}

static void fill_inproc(const struct peer_join_connection *connection, struct peer *peer)
{
    peer->is_inproc = true;
    peer->peer_pid = connection->pid;
    peer->peer_start_ticks = connection->start_ticks;
    memcpy(peer->peer_program, connection->program, sizeof(peer->peer_program));
    if (strncmp(connection->address, "inproc://", 9) == 0)
        memcpy(peer->address, connection->address, sizeof(peer->address));
}

int peer_join_make(struct peer_join *self, struct peer_table *ret_table)
{
    struct peer_table table = {.n = self->n_connections, .n_processes = self->n_processes};
    size_t n_known = self->n_owners;
    table.items = calloc(table.n + 1, sizeof(*table.items));
    table.processes = calloc(table.n_processes + 1, sizeof(*table.processes));
    if (!table.items || !table.processes) {
        peer_table_finish(&table);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_known; i++)
        self->owners[i].is_used = false;
    for (size_t i = 0; i < self->n_connections; i++) {
        const struct peer_join_connection *connection = &self->connections[i];
        struct peer *peer = &table.items[i];
        *peer = (struct peer){.start_ticks = connection->start_ticks,
                              .handle = connection->handle,
                              .pid = connection->pid,
                              .inode = connection->is.inode,
                              .send_queue = connection->is.send_queue,
                              .receive_queue = connection->is.receive_queue,
                              .full_since_ns = connection->is.full_since_ns,
                              .unsent_bytes = PEER_UNKNOWN,
                              .unread_bytes = PEER_UNKNOWN,
                              .retransmits = PEER_UNKNOWN,
                              .peer_unread_bytes = PEER_UNKNOWN};
        if (connection->is.inode == 0)
            fill_inproc(connection, peer);
        else
            fill_kernel(self, n_known, connection->is.inode, peer);
    }
    if (self->n_processes > 0)
        memcpy(table.processes, self->processes, self->n_processes * sizeof(*table.processes));
    forget_owners(self);
    if (peer_table_complete(&table) < 0) {
        peer_table_finish(&table);
        return -ENOMEM;
    }
    *ret_table = table;
    return 0;
}
