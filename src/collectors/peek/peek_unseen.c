/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/peek_unseen.h"

#include "base/cleanup.h"
#include "metrics/labels.h"

#include <errno.h>
#include <string.h>

struct row {
    const char *program;
    unsigned n[PEEK_N_REASONS];
};

struct rows {
    struct row items[PEEK_UNSEEN_MAX_PROGRAMS + 1];
    size_t n;
};

static struct row *find_row(struct rows *rows, const char *program)
{
    for (size_t i = 0; i < rows->n; i++) {
        if (strcmp(rows->items[i].program, program) == 0)
            return &rows->items[i];
    }
    if (rows->n > PEEK_UNSEEN_MAX_PROGRAMS)
        return &rows->items[PEEK_UNSEEN_MAX_PROGRAMS];
    struct row *row = &rows->items[rows->n];
    *row = (struct row){.program = rows->n == PEEK_UNSEEN_MAX_PROGRAMS ? "(other)" : program};
    rows->n++;
    return row;
}

static void count(struct rows *rows, const struct peek_model *model)
{
    for (size_t i = 0; i < model->n_processes; i++) {
        const struct peek_model_process *process = model->processes[i];
        bool is_unseen = process->is_known && !process->is_gone && !process->is_shadowed &&
                         process->reason != PEEK_REASON_NONE;
        if (is_unseen)
            find_row(rows, process->program)->n[process->reason]++;
    }
}

int peek_unseen_write(const struct peek_model *model, struct samples *out)
{
    static const char *const extras[PEEK_N_REASONS] = {
#define X(id, label, text) [PEEK_REASON_##id] = "reason=\"" label "\"",
        PEEK_REASONS(X)
#undef X
    };
    cleanup(string_buffer_finish) struct string_buffer labels = {0};
    struct rows rows = {.n = 0};
    count(&rows, model);
    for (size_t i = 0; i < rows.n; i++) {
        string_buffer_clear(&labels);
        labels_append(&labels, "program", rows.items[i].program);
        struct label_text text = samples_copy_labels(out, labels.data, labels.size);
        for (unsigned reason = PEEK_REASON_NONE + 1; reason < PEEK_N_REASONS; reason++) {
            if (rows.items[i].n[reason])
                samples_add_u64(out, FAMILY_UNSEEN_PROCESSES, text, extras[reason],
                                rows.items[i].n[reason]);
        }
    }
    return labels.has_failed ? -ENOMEM : 0;
}
