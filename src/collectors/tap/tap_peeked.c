/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_peeked.h"

#include "base/clock.h"
#include "collectors/peek/peek_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEARD_NS (5 * CLOCK_NS_PER_SECOND) /* after a pass; later its gauges are stale */

struct lingering {
    uint32_t n_sockets;
    uint64_t n_messages;
};

struct tap_peeked_process {
    uint64_t model_id;
    struct tap_process *process;
    uint64_t (*extra)[TAP_N_COUNTERS]; /* by group: what was saved beyond what was told then */
    struct lingering *lingering;       /* by group */
    size_t n_extra;
    bool is_seen; /* in this update */
    bool is_over; /* folded, as a tap tells of the process now */
};

static void free_peeked(struct tap_peeked_process *peeked, uint64_t now_ns)
{
    tap_process_destroy(&peeked->process, now_ns);
    free(peeked->extra);
    free(peeked->lingering);
}

void tap_peeked_finish(struct tap_peeked *self, uint64_t now_ns)
{
    for (size_t i = 0; i < self->n; i++)
        free_peeked(&self->items[i], now_ns);
    free(self->items);
    *self = (struct tap_peeked){.link = self->link};
}

/* When the process started, by the clock of the taps: what it counted, it counted since. */
static uint64_t started_ns(uint64_t start_ticks, uint64_t now_ns)
{
    uint64_t asleep_ns = clock_read_ns(CLOCK_BOOTTIME) - clock_monotonic_ns();
    uint64_t since_boot_ns = start_ticks * (CLOCK_NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
    uint64_t at_ns = since_boot_ns > asleep_ns ? since_boot_ns - asleep_ns : 0;
    return at_ns < now_ns ? at_ns : now_ns;
}

static uint32_t capabilities(void)
{
    return 1u << SEGMENT_CAPABILITY_MESSAGES | 1u << SEGMENT_CAPABILITY_QUEUE_DEPTH | TAP_PEEKED;
}

static struct tap_peeked_process *find(struct tap_peeked *self, uint64_t model_id)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->items[i].model_id == model_id)
            return &self->items[i];
    }
    return NULL;
}

static struct tap_peeked_process *append(struct tap_peeked *self)
{
    if (self->n == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 16;
        struct tap_peeked_process *items = reallocarray(self->items, capacity, sizeof(*items));
        if (!items)
            return NULL;
        self->items = items;
        self->capacity = capacity;
    }
    self->items[self->n] = (struct tap_peeked_process){.is_seen = true};
    return &self->items[self->n++];
}

static struct tap_peeked_process *add_process(struct tap_peeked *self, struct tap_scan *scan,
                                              const struct peek_model_process *told,
                                              uint64_t now_ns)
{
    const struct segment_name name = {told->pid, told->start_ticks, 0};
    struct tap_peeked_process *peeked = append(self);
    if (!peeked || tap_process_new("", &name, now_ns, &peeked->process) < 0) {
        self->n -= peeked != NULL;
        return NULL;
    }
    struct tap_process *process = peeked->process;
    peeked->model_id = told->id;
    process->id = (struct tap_process_id){told->pid, told->start_ticks, TAP_PEEKED_NAMESPACE,
                                          started_ns(told->start_ticks, now_ns)};
    process->known = capabilities();
    process->has_reading = true;
    process->life.state = TAP_LIFE_ALIVE; /* or it would be gone from here */
    process->program = tap_groups_program(scan->groups, told->program, now_ns);
    if (!process->program) {
        tap_process_destroy(&peeked->process, now_ns);
        self->n--;
        return NULL;
    }
    process->program->n_users++;
    return peeked;
}

/* Groups of the model keep their order, new ones come at the end. */
static int reserve(struct tap_peeked_process *peeked, struct tap_scan *scan,
                   const struct peek_model_process *told, uint64_t now_ns)
{
    struct tap_process *process = peeked->process;
    size_t n = told->n_groups;
    if (n <= process->n_groups)
        return 0;
    void *extra = reallocarray(peeked->extra, n, sizeof(*peeked->extra));
    if (!extra)
        return -ENOMEM;
    peeked->extra = extra;
    struct lingering *lingering = reallocarray(peeked->lingering, n, sizeof(*lingering));
    if (!lingering || tap_process_reserve(process, (uint32_t)n) < 0) {
        peeked->lingering = lingering ? lingering : peeked->lingering;
        return -ENOMEM;
    }
    peeked->lingering = lingering;
    for (size_t i = process->n_groups; i < n; i++) {
        struct tap_group *group = tap_groups_intern(scan->groups, process->program,
                                                    &told->groups[i].name, now_ns);
        if (!group)
            return -ENOMEM;
        group->n_users++;
        memset(peeked->extra[i], 0, sizeof(peeked->extra[i]));
        tap_account_clear(&process->accounts[i]);
        process->groups[i] = group;
        process->n_groups = (uint32_t)i + 1;
    }
    return 0;
}

static bool is_saved(const struct tap_process *process, const struct peek_model_process *told)
{
    return process->state == TAP_PROCESS_PARKED &&
           process->id.pid_namespace == TAP_PEEKED_NAMESPACE && process->id.pid == told->pid &&
           process->id.start_ticks == told->start_ticks;
}

static void adopt_group(uint64_t *extra, const struct tap_account *now, struct tap_account *saved)
{
    for (size_t i = 0; i < TAP_N_COUNTERS; i++) {
        uint64_t known = saved->counters[i];
        extra[i] = known > now->counters[i] ? known - now->counters[i] : 0;
        saved->counters[i] = 0;
    }
}

/* An exporter before this one saved what the process had counted: the greater count holds. */
static void adopt(struct tap_peeked_process *peeked, struct tap_scan *scan,
                  const struct peek_model_process *told)
{
    struct tap_process *process = peeked->process;
    for (size_t i = 0; i < scan->n_processes; i++) {
        struct tap_process *saved = scan->processes[i];
        if (!is_saved(saved, told))
            continue;
        process->id.created_ns = saved->id.created_ns;
        for (uint32_t j = 0; j < saved->n_groups * process->n_groups; j++) {
            uint32_t k = j % process->n_groups;
            if (process->groups[k] == saved->groups[j / process->n_groups])
                adopt_group(peeked->extra[k], &told->groups[k].account,
                            &saved->accounts[j / process->n_groups]);
        }
        saved->state = TAP_PROCESS_DEAD; /* what is left of it is folded */
    }
}

static void raise_gauge(uint64_t *gauge, uint64_t value)
{
    if (value != PEER_UNKNOWN && (*gauge == SEGMENT_UNKNOWN || value > *gauge))
        *gauge = value;
}

static void note_connections(struct tap_peeked_process *peeked,
                             const struct peek_model_process *told, const struct peer_table *peers)
{
    const struct peer_process process = {.start_ticks = told->start_ticks, .pid = told->pid};
    for (size_t i = 0; i < told->n_sockets && peers; i++) {
        const struct peek_model_socket *socket = &told->sockets[i];
        struct peer_worst worst = peer_table_worst(peers, &process, socket->now.handle);
        uint64_t *gauges = peeked->process->accounts[socket->group].gauges;
        raise_gauge(&gauges[TAP_GAUGE_CONNECTION_UNSENT], worst.unsent_bytes);
        raise_gauge(&gauges[TAP_GAUGE_CONNECTION_UNREAD], worst.unread_bytes);
        raise_gauge(&gauges[TAP_GAUGE_CONNECTION_RETRANSMITS], worst.retransmits);
    }
}

static void take(struct tap_peeked_process *peeked, const struct peek_model_process *told,
                 uint64_t now_ns)
{
    struct tap_process *process = peeked->process;
    bool is_heard = told->reason == PEEK_REASON_NONE && told->passed_ns != 0 &&
                    now_ns - told->passed_ns < HEARD_NS;
    process->state = is_heard ? TAP_PROCESS_LIVE : TAP_PROCESS_SILENT;
    for (uint32_t i = 0; i < process->n_groups; i++) {
        const struct peek_model_group *group = &told->groups[i];
        struct tap_account *account = &process->accounts[i];
        if (told->is_fresh)
            continue; /* nothing is told yet by the reader that runs now */
        *account = group->account;
        tap_account_add_counters(account, peeked->extra[i]);
        peeked->lingering[i] = (struct lingering){group->n_lingering, group->lingering_messages};
    }
}

static bool is_process(const struct tap_life *life, const struct peek_model_process *told)
{
    return life->pid == (pid_t)told->pid && life->start_ticks == told->start_ticks;
}

/* Also of a tap that has ended: what the reader saw of the process is in its counts. But one that
 * called execve() keeps its number and start, and a segment that nobody writes any more is that of
 * the other program where this one has no tap. */
static bool is_segment_of(const struct tap_process *process, const struct peek_model_process *told)
{
    bool is_written = process->state == TAP_PROCESS_LIVE;
    bool has_counts = process->state == TAP_PROCESS_SILENT || process->state == TAP_PROCESS_DEAD ||
                      process->state == TAP_PROCESS_FOLDED;
    return (is_written || (has_counts && !told->told.is_without_tap)) &&
           process->id.pid_namespace != TAP_PEEKED_NAMESPACE && is_process(&process->life, told);
}

static bool is_image_of(const struct tap_folded_image *image, const struct peek_model_process *told)
{
    return !told->told.is_without_tap && image->id.pid_namespace != TAP_PEEKED_NAMESPACE &&
           is_process(&image->life, told);
}

static bool has_segment(const struct tap_scan *scan, const struct peek_model_process *told)
{
    for (size_t i = 0; i < scan->n_processes; i++) {
        if (is_segment_of(scan->processes[i], told))
            return true;
    }
    for (size_t i = 0; i < scan->folded.n; i++) {
        if (is_image_of(&scan->folded.images[i], told))
            return true;
    }
    return false;
}

static bool fold(struct tap_peeked_process *peeked, uint64_t now_ns)
{
    if (peeked->is_over || tap_process_fold(peeked->process, now_ns) < 0)
        return false;
    peeked->is_over = true;
    return true;
}

static bool update_process(struct tap_peeked *self, struct tap_scan *scan,
                           struct peek_model_process *told, uint64_t now_ns)
{
    struct tap_peeked_process *peeked = find(self, told->id);
    bool was_shadowed = told->is_shadowed && !told->told.is_without_tap;
    told->is_shadowed = was_shadowed || has_segment(scan, told);
    if (!peeked && (told->passed_ns == 0 || told->is_shadowed))
        return false;
    bool is_new = !peeked;
    if (is_new)
        peeked = add_process(self, scan, told, now_ns);
    if (!peeked)
        return false;
    peeked->is_seen = true;
    if (peeked->is_over)
        return false;
    if (reserve(peeked, scan, told, now_ns) < 0)
        return true;
    if (is_new)
        adopt(peeked, scan, told);
    take(peeked, told, now_ns);
    if (!told->is_fresh)
        note_connections(peeked, told, scan->peers);
    if (told->is_shadowed || told->is_gone)
        return fold(peeked, now_ns);
    return true;
}

/* What was saved of processes that the reader does not know. */
static void end_saved(struct tap_scan *scan, const struct peek_model *model)
{
    for (size_t i = 0; i < scan->n_processes; i++) {
        struct tap_process *process = scan->processes[i];
        bool is_known = process->state != TAP_PROCESS_PARKED ||
                        process->id.pid_namespace != TAP_PEEKED_NAMESPACE;
        for (size_t j = 0; j < model->n_processes && !is_known; j++)
            is_known = is_saved(process, model->processes[j]);
        if (!is_known)
            process->state = TAP_PROCESS_DEAD;
    }
}

bool tap_peeked_update(struct tap_peeked *self, struct tap_scan *scan, uint64_t now_ns)
{
    bool is_dirty = false;
    if (!self->link)
        return false;
    for (size_t i = 0; i < self->n; i++)
        self->items[i].is_seen = false;
    struct peek_model *model = peek_link_lock(self->link);
    for (size_t i = 0; i < model->n_processes; i++)
        is_dirty = update_process(self, scan, model->processes[i], now_ns) || is_dirty;
    if (model->n_passes > 1)
        end_saved(scan, model);
    peek_model_clean(model);
    peek_link_unlock(self->link);
    size_t n = 0;
    for (size_t i = 0; i < self->n; i++) {
        struct tap_peeked_process *peeked = &self->items[i];
        if (peeked->is_seen || !(peeked->is_over || fold(peeked, now_ns)))
            self->items[n++] = *peeked;
        else
            free_peeked(peeked, now_ns);
    }
    self->n = n;
    return is_dirty;
}

void tap_peeked_add(const struct tap_peeked *self, uint64_t now_ns)
{
    for (size_t i = 0; i < self->n; i++) {
        const struct tap_peeked_process *peeked = &self->items[i];
        const struct tap_process *process = peeked->process;
        if (peeked->is_over)
            continue;
        tap_process_add(process, now_ns);
        for (uint32_t j = 0; j < process->n_groups && process->state == TAP_PROCESS_LIVE; j++) {
            process->groups[j]->n_lingering += peeked->lingering[j].n_sockets;
            process->groups[j]->lingering_messages += peeked->lingering[j].n_messages;
        }
    }
}

void tap_peeked_each(const struct tap_peeked *self,
                     void (*save)(void *data, const struct tap_process *process), void *data)
{
    for (size_t i = 0; i < self->n; i++) {
        if (!self->items[i].is_over)
            save(data, self->items[i].process);
    }
}
