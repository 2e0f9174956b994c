/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_model - what the reader has told so far: processes, their sockets, and what these counted.
 *
 * The reader reads hostile memory, so each of its records is taken for hostile: sizes, kinds,
 * numbers, texts are checked, and what does not fit ends the reader (PEEK_MODEL_E_BAD). Counters
 * of a process are added up by group (type and endpoint) and never decrease: what vanished stays,
 * and where another reader begins anew the greater of both counts holds.
 *
 * Thread: one at a time. Memory: bounded by the limits below.
 * Errors: PEEK_MODEL_E_BAD, -ENOMEM.
 */
#ifndef COLLECTORS_PEEK_PEEK_MODEL_H
#define COLLECTORS_PEEK_PEEK_MODEL_H

#include "base/program_name.h"
#include "collectors/peek/peek_told.h"
#include "collectors/tap/tap_account.h"
#include "peek/peek_record.h"

#include <stddef.h>
#include <sys/types.h>

#define PEEK_MODEL_E_BAD      1
#define PEEK_MODEL_MAX_GROUPS 1024u /* of a process; beyond it (other) of the type */
#define PEEK_MODEL_MAX_GAP_NS UINT64_C(10000000000) /* a longer time between passes is no time */

struct peek_model_group {
    struct segment_group name;
    struct tap_account account;
    uint64_t former[TAP_N_COUNTERS]; /* of the reader before */
    uint32_t n_lingering;            /* closed sockets, of which libzmq still holds messages */
    uint64_t lingering_messages;
};

struct peek_model_socket {
    uint32_t group;
    struct peek_record_socket now;
};

struct peek_model_process {
    uint32_t pid;
    uint64_t start_ticks;
    uint64_t id; /* unlike that of any other, of the same process or not */
    enum peek_reason reason;
    bool is_gone;     /* it is to be forgotten when its counters are taken */
    bool is_fresh;    /* of a new reader, which has told nothing of it yet */
    bool is_shadowed; /* a tap tells more of it: it is not counted, not even when it ends */
    bool is_known;    /* to the reader that runs now */
    struct peek_record_process told;
    uint64_t passed_ns; /* of the last pass; 0: none yet */
    char program[PROGRAM_NAME_SIZE];
    struct peek_model_group *groups;
    size_t n_groups, groups_capacity;
    struct peek_model_socket *sockets; /* by serial */
    size_t n_sockets;
    struct peek_model_socket *incoming;
    size_t n_incoming;
};

/* The copies of libzmq that the reader sees, by process. */
struct peek_model_libraries {
    struct peek_record_libraries head;
    struct peek_record_library *items; /* head.n_libraries */
    uint64_t n_tellings;               /* 0: none yet, and nothing is known */
    struct peek_record_libraries incoming_head;
    struct peek_record_library *incoming;
    uint32_t n_incoming;
};

struct peek_model {
    struct peek_model_process **processes;
    size_t n_processes, capacity;
    struct peek_model_process *current; /* whose sockets come now */
    uint64_t n_ids;
    uint32_t looking_pid; /* 0: none */
    uint64_t looking_start;
    bool has_pass;
    struct peek_record_pass pass;
    uint64_t n_passes, cpu_ns, n_invalid, n_left_out;
    struct peek_told told; /* of connections */
    struct peek_model_libraries libraries;
    bool are_libraries_due;
};

void peek_model_finish(struct peek_model *self);

/* Takes one record, at monotonic time `now_ns`. */
int peek_model_take(struct peek_model *self, const struct peek_record *record, uint64_t now_ns);

/* The process, and its socket; NULL: it is not known. */
struct peek_model_process *peek_model_find(const struct peek_model *self, uint32_t pid,
                                           uint64_t start_ticks);
const struct peek_model_socket *peek_model_find_socket(const struct peek_model_process *process,
                                                       uint64_t serial);

/* What is known of a socket now, as a tap would write it; counters are 0. */
void peek_model_fill_lane(struct segment_lane *ret_lane, const struct peek_record_socket *socket);

/* Another reader begins. */
void peek_model_restart(struct peek_model *self);

/* Forgets processes that are gone. */
void peek_model_clean(struct peek_model *self);

#endif
