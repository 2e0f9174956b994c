/* SPDX-License-Identifier: MPL-2.0 */
/*
 * untapped_rows - how many processes of which program have no segment, and why.
 *
 * Each new process is reported once, through the callback.
 *
 * Limits: UNTAPPED_MAX_ROWS programs and reasons; the rest is counted under "(other)".
 */
#ifndef COLLECTORS_LIBRARY_UNTAPPED_ROWS_H
#define COLLECTORS_LIBRARY_UNTAPPED_ROWS_H

#include "base/program_name.h"
#include "libraries/untapped.h"
#include "metrics/samples.h"

#define UNTAPPED_MAX_ROWS 64u
#define UNTAPPED_MAX_TOLD 1024u

struct untapped_row {
    char program[PROGRAM_NAME_SIZE];
    unsigned n[UNTAPPED_N_REASONS];
};

/* Reports why a process has no segment, and the remedy. */
typedef void untapped_tell(const char *program, pid_t pid, const char *reason, const char *remedy);

struct untapped_process {
    const char *program;
    pid_t pid;
    uint64_t start_ticks;
    enum untapped_reason reason;
};

struct untapped_rows {
    size_t n, n_told;
    untapped_tell *tell; /* NULL: no reports */
    struct untapped_row rows[UNTAPPED_MAX_ROWS + 1];
    struct {
        pid_t pid;
        uint64_t start_ticks;
    } told[UNTAPPED_MAX_TOLD];
};

/* Clears the counts; which processes were reported is kept. */
void untapped_rows_clear(struct untapped_rows *self);
void untapped_rows_add(struct untapped_rows *self, const struct untapped_process *process);
void untapped_rows_write(const struct untapped_rows *self, struct string_buffer *labels,
                         struct samples *out);

#endif
