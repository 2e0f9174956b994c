/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_told - connections and owners of the kernel's sockets, as the reader told them last.
 *
 * Part of the model, and as hostile: PEEK_TOLD_E_BAD for what cannot be. Connections are those of
 * one pass, of all processes; a new pass takes their place when it is whole.
 *
 * Thread: as the model. Errors: PEEK_TOLD_E_BAD, -ENOMEM.
 */
#ifndef COLLECTORS_PEEK_PEEK_TOLD_H
#define COLLECTORS_PEEK_PEEK_TOLD_H

#include "peek/peek_record.h"

#include <stddef.h>

#define PEEK_TOLD_E_BAD           1
#define PEEK_TOLD_MAX_CONNECTIONS 65536u /* of all processes; what is beyond is left out */
#define PEEK_TOLD_MAX_OWNERS      8192u  /* that were not taken yet */

struct peek_told_connection {
    uint32_t pid;
    uint64_t start_ticks;
    struct peek_connection is;
};

struct peek_told_list {
    struct peek_told_connection *items; /* by process, as told */
    size_t n, capacity;
};

struct peek_told {
    struct peek_told_list now, incoming;
    uint64_t n_tellings; /* of all connections */
    struct peek_owner *owners;
    size_t n_owners, owners_capacity;
};

void peek_told_finish(struct peek_told *self);

int peek_told_take_connections(struct peek_told *self,
                               const struct peek_record_connections *record);
int peek_told_take_owner(struct peek_told *self, const struct peek_owner *owner);

/* A pass has ended; or another reader begins. */
void peek_told_end_pass(struct peek_told *self, const struct peek_record_pass *pass);
void peek_told_restart(struct peek_told *self);

#endif
