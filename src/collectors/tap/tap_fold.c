/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_fold.h"

#include "collectors/tap/tap_peeked.h"

#include "segment/segment_state.h"
#include "segment/segment_state_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static_assert(SEGMENT_STATE_N_COUNTERS == TAP_N_COUNTERS, "counters");
static_assert(SEGMENT_STATE_N_PROCESS_COUNTERS >= (unsigned)TAP_N_PROCESS_COUNTERS, "counters");
static_assert(sizeof(struct tap_process_id) == sizeof(struct segment_state_process), "id");

void tap_fold_init(struct tap_fold *self, struct tap_scan *scan)
{
    *self = (struct tap_fold){.scan = scan};
}

void tap_fold_finish(struct tap_fold *self)
{
    string_buffer_finish(&self->text);
}

static struct tap_process_id to_id(const struct segment_state_process *process)
{
    return (struct tap_process_id){process->pid, process->start_ticks, process->pid_namespace,
                                   process->created_ns};
}

static struct segment_state_process from_id(const struct tap_process_id *id)
{
    return (struct segment_state_process){id->pid, id->start_ticks, id->pid_namespace,
                                          id->created_ns};
}

/*
 * Loading
 */
struct loading {
    struct tap_scan *scan;
    struct tap_process *process; /* whose account the lines are; NULL: the sums */
    uint64_t now_ns;
};

static int load_folded(const struct segment_state_process *process, void *data)
{
    struct tap_scan *scan = ((struct loading *)data)->scan;
    struct tap_process_id id = to_id(process);
    return tap_folded_add(&scan->folded, &id, NULL);
}

static int load_process(const struct segment_state_process *found, void *data)
{
    struct loading *loading = data;
    struct tap_process *process;
    struct segment_name name = {found->pid, found->start_ticks, 0};
    int r = tap_process_new("", &name, loading->now_ns, &process);
    if (r < 0)
        return r;
    process->id = to_id(found);
    process->has_reading = true;
    process->state = TAP_PROCESS_PARKED;
    r = tap_scan_add(loading->scan, process);
    if (r < 0) {
        tap_process_destroy(&process, loading->now_ns);
        return r;
    }
    loading->scan->is_unresolved = true;
    loading->process = process;
    return 0;
}

static int load_program(const struct segment_state_program *found, void *data)
{
    struct loading *loading = data;
    struct tap_program *program = tap_groups_program(loading->scan->groups, found->program,
                                                     loading->now_ns);
    if (!program)
        return -ENOMEM;
    struct tap_process *process = loading->process;
    if (process && !process->program) {
        process->program = program;
        program->n_users++;
    }
    if (process)
        memcpy(process->counters, found->counters, sizeof(process->counters));
    else
        tap_program_add_base(program, &(struct tap_past){found->counters, found->created_ns, 0});
    return 0;
}

static int load_group(const struct segment_state_group *found, void *data)
{
    struct loading *loading = data;
    struct tap_groups *groups = loading->scan->groups;
    struct tap_process *process = loading->process;
    struct tap_program *program = tap_groups_program(groups, found->program, loading->now_ns);
    struct tap_group *group =
        program ? tap_groups_intern(groups, program, &found->group, loading->now_ns) : NULL;
    if (!group || (process ? tap_process_reserve(process, process->n_groups + 1)
                           : tap_group_prepare_base(group)) < 0)
        return -ENOMEM;
    if (!process) {
        tap_group_add_base(
            group, &(struct tap_past){found->counters, found->created_ns, found->capabilities});
        return 0;
    }
    struct tap_account *account = &process->accounts[process->n_groups];
    tap_account_clear(account);
    tap_account_add_counters(account, found->counters);
    process->known |= found->capabilities;
    process->groups[process->n_groups++] = group;
    group->n_users++;
    return 0;
}

static int load(struct tap_fold *self, uint64_t now_ns)
{
    static const struct segment_state_visitor visitor = {load_folded, load_process, load_program,
                                                         load_group};
    struct loading loading = {.scan = self->scan, .now_ns = now_ns};
    int r = segment_state_file_load(self->scan->directory_fd, &self->text);
    if (r == 0)
        r = segment_state_parse(self->text.data, self->text.size, self->scan->host.boot_id,
                                &visitor, &loading);
    if (r == -ENOENT || r == SEGMENT_STATE_E_OTHER_BOOT)
        return 0;
    return r > 0 ? -EBADMSG : r;
}

/* Where the file system knows no locks nobody else can hold one. */
static bool take_lock(const struct tap_scan *scan)
{
    return flock(scan->directory_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

int tap_fold_open(struct tap_fold *self, uint64_t now_ns)
{
    int r = 0;
    self->is_leader = take_lock(self->scan);
    if (!self->has_loaded)
        r = load(self, now_ns);
    self->has_loaded = true;
    /* Also where nothing has changed: nobody else shall have the name. */
    self->is_dirty = true;
    return r;
}

/*
 * Saving
 */
static void save_program(struct string_buffer *text, const struct tap_program *program,
                         const struct tap_past *past)
{
    struct segment_state_program row = {.created_ns = past->created_ns};
    strncpy(row.program, program->name, sizeof(row.program) - 1);
    segment_state_add_program(text, &row, past->counters, TAP_N_PROCESS_COUNTERS);
}

static void save_group(struct string_buffer *text, const struct tap_group *group,
                       const struct tap_past *past)
{
    struct segment_state_group row = {
        .capabilities = past->known, .created_ns = past->created_ns, .group.type = group->type};
    strncpy(row.program, group->program->name, sizeof(row.program) - 1);
    strncpy(row.group.endpoint, group->endpoint, sizeof(row.group.endpoint) - 1);
    strncpy(row.group.name, group->name, sizeof(row.group.name) - 1);
    segment_state_add_group(text, &row, past->counters);
}

static void save_sums(struct tap_fold *self)
{
    static const uint64_t none[TAP_N_COUNTERS];
    const struct tap_groups *groups = self->scan->groups;
    for (size_t i = 0; i < groups->n_programs; i++) {
        const struct tap_program *program = groups->programs[i];
        if (program->has_base)
            save_program(&self->text, program,
                         &(struct tap_past){program->base, program->base_created_ns, 0});
    }
    for (size_t i = 0; i < groups->n_groups; i++) {
        const struct tap_group *group = groups->groups[i];
        const struct tap_past past = {group->base, group->base_created_ns, group->base_known};
        if (group->base)
            save_group(&self->text, group, &past);
        else if (group->n_users && tap_groups_is_full(groups))
            save_group(&self->text, group, &(struct tap_past){.counters = none});
    }
}

static void save_parked(struct tap_fold *self, const struct tap_process *process)
{
    struct segment_state_process id = from_id(&process->id);
    segment_state_add_process(&self->text, &id);
    struct tap_past past = {process->counters, process->id.created_ns, process->known};
    if (process->program)
        save_program(&self->text, process->program, &past);
    for (uint32_t i = 0; i < process->n_groups; i++) {
        past.counters = process->accounts[i].counters;
        save_group(&self->text, process->groups[i], &past);
    }
}

/* As one that is parked: the next exporter finds it so. */
static void save_peeked(void *data, const struct tap_process *process)
{
    save_parked(data, process);
}

static void save_folded(struct tap_fold *self)
{
    const struct tap_scan *scan = self->scan;
    for (size_t i = 0; i < scan->folded.n; i++) {
        struct segment_state_process id = from_id(&scan->folded.images[i].id);
        segment_state_add_folded(&self->text, &id);
    }
    for (size_t i = 0; i < scan->n_processes; i++) {
        struct segment_state_process id = from_id(&scan->processes[i]->id);
        if (scan->processes[i]->state == TAP_PROCESS_FOLDED)
            segment_state_add_folded(&self->text, &id);
    }
}

static int save(struct tap_fold *self)
{
    const struct tap_scan *scan = self->scan;
    string_buffer_clear(&self->text);
    segment_state_begin(&self->text, scan->host.boot_id);
    save_folded(self);
    save_sums(self);
    for (size_t i = 0; i < scan->n_processes; i++) {
        if (scan->processes[i]->state == TAP_PROCESS_PARKED)
            save_parked(self, scan->processes[i]);
    }
    if (self->peeked)
        tap_peeked_each(self->peeked, save_peeked, self);
    segment_state_end(&self->text);
    return segment_state_file_save(scan->directory_fd, &self->text);
}

/*
 * Folding
 */
static int fold_process(struct tap_fold *self, struct tap_process *process, uint64_t now_ns)
{
    /* Once more now that it is surely dead: the last round may be later than the last reading.
     * What cannot be read any more is taken as it was. */
    if (process->reader.fd >= 0)
        (void)tap_scan_read(self->scan, process, true, now_ns);
    int r = tap_process_fold(process, now_ns);
    self->is_dirty = self->is_dirty || r == 0;
    return r;
}

static struct tap_process *oldest_parked(const struct tap_scan *scan, size_t *ret_n)
{
    struct tap_process *oldest = NULL;
    *ret_n = 0;
    for (size_t i = 0; i < scan->n_processes; i++) {
        struct tap_process *process = scan->processes[i];
        if (process->state != TAP_PROCESS_PARKED ||
            process->id.pid_namespace == TAP_PEEKED_NAMESPACE)
            continue; /* tap_peeked.c ends these */
        ++*ret_n;
        if (!oldest || process->updated_ns < oldest->updated_ns)
            oldest = process;
    }
    return oldest;
}

static int fold_dead(struct tap_fold *self, uint64_t now_ns)
{
    struct tap_scan *scan = self->scan;
    int r = 0;
    for (size_t i = 0; r == 0 && i < scan->n_processes; i++) {
        struct tap_process *process = scan->processes[i];
        if (process->state == TAP_PROCESS_DEAD)
            r = fold_process(self, process, now_ns);
        if (process->state == TAP_PROCESS_PARKED && process->reader.fd >= 0) {
            tap_process_close(process);
            self->is_dirty = true;
        }
    }
    size_t n;
    struct tap_process *parked = oldest_parked(scan, &n);
    if (r == 0 && n > TAP_MAX_PARKED)
        r = fold_process(self, parked, now_ns);
    return r;
}

static void remove_files(struct tap_fold *self, uint64_t now_ns)
{
    struct tap_scan *scan = self->scan;
    for (size_t i = 0; i < scan->n_processes; i++) {
        struct tap_process *process = scan->processes[i];
        /* One that cannot be removed is looked at again with every tick. */
        if (tap_scan_is_removable(process, now_ns))
            (void)tap_scan_remove(scan, process);
    }
}

int tap_fold_run(struct tap_fold *self, uint64_t now_ns)
{
    if (self->scan->directory_fd < 0)
        return 0;
    if (!self->is_leader && take_lock(self->scan))
        return TAP_FOLD_E_LEFT_ALONE;
    int r = fold_dead(self, now_ns);
    if (self->scan->groups->has_new_order)
        self->is_dirty = true;
    if (r == 0 && self->is_dirty && self->is_leader) {
        r = save(self);
        self->is_dirty = r < 0;
        self->scan->groups->has_new_order = false;
    }
    if (r == 0 && self->is_leader)
        remove_files(self, now_ns);
    tap_scan_forget(self->scan, now_ns);
    return r;
}
