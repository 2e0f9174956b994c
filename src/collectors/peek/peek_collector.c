/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/peek_collector.h"

#include "collectors/peek/peek_unseen.h"

#include <errno.h>

#define NANO 9u

static const char *const labels_none[PEEK_N_REASONS] = {
#define X(id, label, text) [PEEK_REASON_##id] = "seen_by=\"none\",reason=\"" label "\"",
    PEEK_REASONS(X)
#undef X
};

static void add_processes(const struct peek_model *model, struct samples *out)
{
    uint64_t n_tap = 0, n[PEEK_N_REASONS] = {0};
    for (size_t i = 0; i < model->n_processes; i++) {
        const struct peek_model_process *process = model->processes[i];
        if (process->is_gone || !process->is_known)
            continue;
        if (process->is_shadowed)
            n_tap++;
        else
            n[process->reason]++;
    }
    samples_add_u64(out, FAMILY_EXPORTER_PROCESSES, LABEL_TEXT_NONE, "seen_by=\"tap\",reason=\"\"",
                    n_tap);
    samples_add_u64(out, FAMILY_EXPORTER_PROCESSES, LABEL_TEXT_NONE, "seen_by=\"peek\",reason=\"\"",
                    n[PEEK_REASON_NONE]);
    for (unsigned i = PEEK_REASON_NONE + 1; i < PEEK_N_REASONS; i++)
        samples_add_u64(out, FAMILY_EXPORTER_PROCESSES, LABEL_TEXT_NONE, labels_none[i], n[i]);
}

static int collect(void *state, struct samples *out, struct error *err)
{
    struct peek_link *link = state;
    struct peek_model *model = peek_link_lock(link);
    int r = peek_link_check(link, err);
    if (r == 0 && model->has_pass) {
        add_processes(model, out);
        if (peek_unseen_write(model, out) < 0)
            r = error_set(err, -ENOMEM, "out of memory");
        samples_add_scaled(out, FAMILY_EXPORTER_PEEK_PASS_DURATION, LABEL_TEXT_NONE, NULL,
                           (struct samples_scaled){model->pass.elapsed_ns, NANO});
        samples_add_scaled(out, FAMILY_EXPORTER_PEEK_CPU_SECONDS, LABEL_TEXT_NONE, NULL,
                           (struct samples_scaled){model->pass.cpu_ns, NANO});
    }
    samples_add_u64(out, FAMILY_EXPORTER_PEEK_PASSES, LABEL_TEXT_NONE, NULL, model->n_passes);
    samples_add_u64(out, FAMILY_EXPORTER_PEEK_INVALID, LABEL_TEXT_NONE, NULL, model->n_invalid);
    samples_add_u64(out, FAMILY_EXPORTER_PEEK_STARTS, LABEL_TEXT_NONE, NULL,
                    peek_link_count_starts(link));
    peek_link_unlock(link);
    return r;
}

static void destroy(void *state)
{
    (void)state;
}

void peek_collector_init(struct peek_link *link, struct collector *ret_collector)
{
    *ret_collector = (struct collector){
        .name = "peek", .state = link, .collect = collect, .destroy = destroy};
}
