/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/host_sockets.h"

#include "base/array.h"
#include "collectors/peek/peek_sockets.h"

#include <errno.h>

/* A process of this host's numbers that a tap told of. */
struct tapped {
    uint64_t pid, start_ticks;
    bool is_silent;
};

struct walk {
    int (*visit)(const struct tap_socket *socket, void *data);
    void *data;
    int result; /* of the last visit of a tapped one */
    struct tapped *tapped;
    size_t n, capacity;
    struct tapped peeked; /* the process that was looked for last; no process is number 0 */
    bool is_left_out;     /* that one */
};

static bool is_process(const struct tapped *self, const struct segment_header *process)
{
    return self->pid == process->pid && self->start_ticks == process->start_ticks;
}

/* Sockets of one process come one after the other. */
static bool note(struct walk *self, const struct tap_socket *socket)
{
    const struct segment_header *process = socket->process;
    if (socket->is_contained || (self->n && is_process(&self->tapped[self->n - 1], process)))
        return true;
    if (!array_make_room(&self->tapped, &self->capacity, self->n, sizeof(*self->tapped)))
        return false;
    self->tapped[self->n++] = (struct tapped){process->pid, process->start_ticks,
                                              socket->is_silent};
    return true;
}

static int visit_tapped(const struct tap_socket *socket, void *data)
{
    struct walk *self = data;
    self->result = note(self, socket) ? self->visit(socket, self->data) : -ENOMEM;
    return self->result;
}

/* One that called execve() keeps its number and start, and what its tap wrote before is silent. */
static bool is_tapped(const struct walk *self, const struct tap_socket *socket)
{
    for (size_t i = 0; i < self->n; i++) {
        const struct tapped *tapped = &self->tapped[i];
        if (is_process(tapped, socket->process) && !(tapped->is_silent && socket->is_without_tap))
            return true;
    }
    return false;
}

static int visit_peeked(const struct tap_socket *socket, void *data)
{
    struct walk *self = data;
    const struct segment_header *process = socket->process;
    if (!is_process(&self->peeked, process)) {
        self->peeked = (struct tapped){process->pid, process->start_ticks, false};
        self->is_left_out = is_tapped(self, socket);
    }
    return self->is_left_out ? 0 : self->visit(socket, self->data);
}

int host_sockets_each(const char *directory, struct peek_link *peek,
                      int (*visit)(const struct tap_socket *socket, void *data), void *data,
                      int *ret_directory_result)
{
    struct walk walk = {.visit = visit, .data = data};
    int r = tap_sockets_each(directory, visit_tapped, &walk);
    if (ret_directory_result)
        *ret_directory_result = walk.result < 0 || r == -ENOMEM ? 0 : r;
    if (walk.result == 0 && r != -ENOMEM && (r == -ENOENT || ret_directory_result))
        r = 0;
    if (r == 0 && peek)
        r = peek_sockets_each(peek, visit_peeked, &walk);
    free(walk.tapped);
    return r;
}
