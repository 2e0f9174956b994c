/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_state - the text of the state file: what processes that are gone have counted.
 *
 * The file lies beside the segments and is true for one boot. A line is a word and its values,
 * parted by single spaces; texts have every byte outside "!" to "~", and "%", as %XX, and "-"
 * stands for an empty one. Counters that are 0 are left out.
 *
 *     zmq_exporter state 1
 *     boot <boot id>
 *     folded <pid> <start ticks> <pid namespace> <created ns>
 *     program <program> [created=<ns>] <number>=<value> …
 *     group <program> <type> <capabilities> <endpoint> <name> [created=<ns>] <number>=<value> …
 *     process <pid> <start ticks> <pid namespace> <created ns>
 *     check <FNV-1a of all bytes before this line, 16 hexadecimal digits>
 *
 * `folded` names a segment whose counters are in the lines below, though its file may still be
 * there. What follows a `process` line is the account of that process alone, which may come back
 * (it was silent for long, and cannot be seen from here); what precedes the first is the sum of
 * all that never will. `created` is when the first of them began to count. A group without numbers
 * has its place in a full table. `program` numbers are those of the reader's own table of process
 * counters, `group` numbers those of a lane's words.
 *
 * Parsing: input may be anything; nothing is told before the check of the whole text has held.
 * Errors: SEGMENT_STATE_E_INVALID     not a state file of this version, or damaged
 *         SEGMENT_STATE_E_OTHER_BOOT  true once (normal: start from nothing)
 *         -errno                      of a visitor
 */
#ifndef SEGMENT_SEGMENT_STATE_H
#define SEGMENT_SEGMENT_STATE_H

#include "base/string_buffer.h"
#include "segment/segment_layout.h"

#define SEGMENT_STATE_N_COUNTERS         (SEGMENT_FIRST_GAUGE - SEGMENT_FIRST_COUNTER)
#define SEGMENT_STATE_N_PROCESS_COUNTERS 16u
#define SEGMENT_STATE_MAX_SIZE           ((size_t)64 << 20)

enum segment_state_error { SEGMENT_STATE_E_INVALID = 1, SEGMENT_STATE_E_OTHER_BOOT };

struct segment_state_process {
    uint64_t pid, start_ticks, pid_namespace, created_ns;
};

struct segment_state_program {
    char program[512];
    uint64_t created_ns; /* CLOCK_MONOTONIC; 0: not known */
    uint64_t counters[SEGMENT_STATE_N_PROCESS_COUNTERS];
};

struct segment_state_group {
    char program[512];
    uint32_t capabilities; /* bits 1 << SEGMENT_CAPABILITY_* */
    struct segment_group group;
    uint64_t created_ns;                         /* as of a program */
    uint64_t counters[SEGMENT_STATE_N_COUNTERS]; /* from SEGMENT_FIRST_COUNTER on */
};

void segment_state_begin(struct string_buffer *text, const char *boot_id);
void segment_state_add_folded(struct string_buffer *text,
                              const struct segment_state_process *process);
void segment_state_add_process(struct string_buffer *text,
                               const struct segment_state_process *process);
/* Both without their counters; those are given apart. */
void segment_state_add_program(struct string_buffer *text,
                               const struct segment_state_program *program,
                               const uint64_t *counters, size_t n);
void segment_state_add_group(struct string_buffer *text, const struct segment_state_group *group,
                             const uint64_t *counters);
void segment_state_end(struct string_buffer *text);

/* Each returns 0 to go on, or a negative errno, which ends the parsing and is its result. */
struct segment_state_visitor {
    int (*folded)(const struct segment_state_process *process, void *data);
    int (*process)(const struct segment_state_process *process, void *data);
    int (*program)(const struct segment_state_program *program, void *data);
    int (*group)(const struct segment_state_group *group, void *data);
};

int segment_state_parse(const char *text, size_t size, const char *boot_id,
                        const struct segment_state_visitor *visitor, void *data);

#endif
