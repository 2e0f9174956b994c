/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/untapped_rows.h"

#include "metrics/labels.h"

#include <string.h>

#define OTHER "(other)"

void untapped_rows_clear(struct untapped_rows *self)
{
    self->n = 0;
}

static struct untapped_row *find_row(struct untapped_rows *self, const char *program)
{
    for (size_t i = 0; i < self->n; i++) {
        if (strcmp(self->rows[i].program, program) == 0)
            return &self->rows[i];
    }
    if (self->n == UNTAPPED_MAX_ROWS)
        program = OTHER;
    struct untapped_row *row = &self->rows[self->n];
    if (self->n > UNTAPPED_MAX_ROWS)
        return &self->rows[UNTAPPED_MAX_ROWS];
    *row = (struct untapped_row){.n = {0}};
    strncpy(row->program, program, sizeof(row->program) - 1);
    self->n++;
    return row;
}

static bool is_told(struct untapped_rows *self, const struct untapped_process *process)
{
    for (size_t i = 0; i < self->n_told && i < UNTAPPED_MAX_TOLD; i++) {
        if (self->told[i].pid == process->pid && self->told[i].start_ticks == process->start_ticks)
            return true;
    }
    size_t place = self->n_told++ % UNTAPPED_MAX_TOLD;
    self->told[place].pid = process->pid;
    self->told[place].start_ticks = process->start_ticks;
    return false;
}

void untapped_rows_add(struct untapped_rows *self, const struct untapped_process *process)
{
    if (process->reason == UNTAPPED_NONE)
        return;
    find_row(self, process->program)->n[process->reason]++;
    if (self->tell && !is_told(self, process))
        self->tell(process->program, process->pid, untapped_label(process->reason),
                   untapped_remedy(process->reason));
}

void untapped_rows_write(const struct untapped_rows *self, struct string_buffer *labels,
                         struct samples *out)
{
    static const char *const extras[UNTAPPED_N_REASONS] = {
#define X(id, label, remedy) [UNTAPPED_##id] = "reason=\"" label "\"",
        UNTAPPED_REASONS(X)
#undef X
    };
    for (size_t i = 0; i < self->n; i++) {
        const struct untapped_row *row = &self->rows[i];
        string_buffer_clear(labels);
        labels_append(labels, "program", row->program);
        struct label_text text = samples_copy_labels(out, labels->data, labels->size);
        for (unsigned reason = UNTAPPED_NONE + 1; reason < UNTAPPED_N_REASONS; reason++) {
            if (row->n[reason])
                samples_add_u64(out, FAMILY_TAP_MISSING_PROCESSES, text, extras[reason],
                                row->n[reason]);
        }
    }
}
