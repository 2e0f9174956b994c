/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/peek_told.h"

#include "base/array.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void peek_told_finish(struct peek_told *self)
{
    free(self->now.items);
    free(self->incoming.items);
    free(self->owners);
    *self = (struct peek_told){.n_owners = 0};
}

static bool is_process(uint32_t pid)
{
    return pid != 0 && pid <= INT32_MAX;
}

int peek_told_take_connections(struct peek_told *self, const struct peek_record_connections *record)
{
    struct peek_told_list *list = &self->incoming;
    if (!is_process(record->pid) || record->n > PEEK_CONNECTIONS_IN_RECORD)
        return PEEK_TOLD_E_BAD;
    for (size_t i = 0; i < record->n && list->n < PEEK_TOLD_MAX_CONNECTIONS; i++) {
        if (!array_make_room(&list->items, &list->capacity, list->n, sizeof(*list->items)))
            return -ENOMEM;
        list->items[list->n++] = (struct peek_told_connection){
            .pid = record->pid, .start_ticks = record->start_ticks, .is = record->items[i]};
    }
    return 0;
}

int peek_told_take_owner(struct peek_told *self, const struct peek_owner *owner)
{
    bool is_nobody = owner->pid == 0;
    if (!is_nobody && (!is_process(owner->pid) || !*owner->program ||
                       !memchr(owner->program, '\0', sizeof(owner->program))))
        return PEEK_TOLD_E_BAD;
    if (self->n_owners == PEEK_TOLD_MAX_OWNERS)
        return 0;
    if (!array_make_room(&self->owners, &self->owners_capacity, self->n_owners,
                         sizeof(*self->owners)))
        return -ENOMEM;
    self->owners[self->n_owners++] = *owner;
    return 0;
}

void peek_told_end_pass(struct peek_told *self, const struct peek_record_pass *pass)
{
    if (pass->has_connections) {
        struct peek_told_list former = self->now;
        self->now = self->incoming;
        self->incoming = former;
        self->n_tellings++;
    }
    self->incoming.n = 0;
}

void peek_told_restart(struct peek_told *self)
{
    self->now.n = self->incoming.n = self->n_owners = 0;
}
