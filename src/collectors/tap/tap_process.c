/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tap_process_new(const char *file, const struct segment_name *name, uint64_t now_ns,
                    struct tap_process **ret_process)
{
    struct tap_process *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    (void)snprintf(self->file, sizeof(self->file), "%s", file);
    self->name = *name;
    self->seen_ns = now_ns;
    self->reader.fd = -1;
    self->life = TAP_LIFE_NONE;
    *ret_process = self;
    return 0;
}

void tap_process_close(struct tap_process *self)
{
    segment_reader_close(&self->reader);
    tap_life_end(&self->life);
}

static void forget_account(struct tap_process *self, uint64_t now_ns)
{
    for (uint32_t i = 0; i < self->n_groups; i++) {
        self->groups[i]->n_users--;
        self->groups[i]->last_used_ns = now_ns;
    }
    if (self->program) {
        self->program->n_users--;
        self->program->last_used_ns = now_ns;
    }
    free(self->groups);
    free(self->accounts);
    self->groups = NULL;
    self->accounts = NULL;
    self->program = NULL;
    self->n_groups = self->groups_capacity = 0;
    self->n_lanes = 0;
}

void tap_process_destroy(struct tap_process **self_p, uint64_t now_ns)
{
    if (!self_p || !*self_p)
        return;
    forget_account(*self_p, now_ns);
    tap_process_close(*self_p);
    free(*self_p);
    *self_p = NULL;
}

/*
 * Reading
 */
int tap_process_reserve(struct tap_process *self, uint32_t n)
{
    if (n <= self->groups_capacity)
        return 0;
    struct tap_group **groups = reallocarray(self->groups, n, sizeof(*groups));
    if (!groups)
        return -ENOMEM;
    self->groups = groups;
    struct tap_account *accounts = reallocarray(self->accounts, n, sizeof(*accounts));
    if (!accounts)
        return -ENOMEM;
    self->accounts = accounts;
    self->groups_capacity = n;
    return 0;
}

/* The groups that the segment has and the account has not. A group never changes. */
static int read_groups(struct tap_process *self, const struct tap_reading *reading)
{
    uint32_t n = self->reader.layout.n_groups;
    int r = tap_process_reserve(self, n);
    for (uint32_t i = self->n_groups; r == 0 && i < n; i++) {
        struct segment_group found;
        r = segment_reader_groups(&self->reader, i, 1, &found);
        if (r != 0)
            return r;
        struct tap_group *group = tap_groups_intern(reading->groups, self->program, &found,
                                                    reading->now_ns);
        if (!group)
            return -ENOMEM;
        group->n_users++;
        tap_account_clear(&self->accounts[i]);
        self->groups[i] = group;
        self->n_groups = i + 1;
    }
    return r;
}

static int reserve_scratch(struct tap_scratch *scratch, uint32_t n)
{
    if (n > scratch->capacity) {
        struct tap_account *accounts = reallocarray(scratch->accounts, n, sizeof(*accounts));
        if (!accounts)
            return -ENOMEM;
        scratch->accounts = accounts;
        scratch->capacity = n;
    }
    for (uint32_t i = 0; i < n; i++)
        tap_account_clear(&scratch->accounts[i]);
    return 0;
}

/* What the exporter knows of a socket's connections itself, as if its tap had written it. */
static void note_connections(const struct tap_process *self, const struct tap_reading *reading,
                             struct segment_lane *lane)
{
    struct peer_worst worst = {SEGMENT_UNKNOWN, SEGMENT_UNKNOWN, SEGMENT_UNKNOWN};
    const struct peer_process process = {.start_ticks = self->name.start_ticks,
                                         .pid = self->life.pid > 0 ? (uint64_t)self->life.pid
                                                                   : self->name.pid};
    uint64_t *words = lane->words, handle = words[SEGMENT_HANDLE];
    if (reading->peers && words[SEGMENT_STATE] == SEGMENT_LANE_OPEN && handle != SEGMENT_UNKNOWN)
        worst = peer_table_worst(reading->peers, &process, handle);
    words[SEGMENT_CONNECTION_UNSENT] = worst.unsent_bytes;
    words[SEGMENT_CONNECTION_UNREAD] = worst.unread_bytes;
    words[SEGMENT_CONNECTION_RETRANSMITS] = worst.retransmits;
}

static int read_lanes(struct tap_process *self, const struct tap_reading *reading)
{
    struct tap_scratch *scratch = reading->scratch;
    const uint32_t chunk = sizeof(scratch->lanes) / sizeof(*scratch->lanes);
    uint32_t n_lanes = self->reader.layout.n_lanes;
    for (uint32_t first = 0; first < n_lanes; first += chunk) {
        uint32_t n = n_lanes - first < chunk ? n_lanes - first : chunk;
        int r = segment_reader_lanes(&self->reader, first, n, scratch->lanes);
        if (r != 0)
            return r;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t group = scratch->lanes[i].words[SEGMENT_GROUP] - 1;
            note_connections(self, reading, &scratch->lanes[i]);
            if (group < self->n_groups)
                tap_account_add_lane(&scratch->accounts[group], &scratch->lanes[i]);
        }
    }
    return 0;
}

static void read_capabilities(struct tap_process *self)
{
    self->known = 0;
    for (unsigned i = 0; i < SEGMENT_N_CAPABILITIES; i++) {
        uint32_t state = self->reader.layout.capabilities[i].state;
        if (state > SEGMENT_CAPABILITY_BOUND)
            state = SEGMENT_CAPABILITY_UNSET;
        self->capabilities[i] = (uint8_t)state;
        if (state == SEGMENT_CAPABILITY_ON || state == SEGMENT_CAPABILITY_BOUND)
            self->known |= 1u << i;
    }
}

static void read_contexts(struct tap_process *self)
{
    const struct segment_header *layout = &self->reader.layout;
    self->context_sockets = (struct tap_usage){0};
    for (uint32_t i = 0; i < layout->n_contexts; i++) {
        const struct segment_context *context = &layout->contexts[i];
        if (context->is_open == 1)
            tap_usage_add(&self->context_sockets,
                          &(struct tap_usage){context->n_sockets, context->max_sockets, true});
    }
}

/* When the tap wrote last, by the agent's clock. Where the process's own is not known, what shows
 * is that it wrote since the reading before; the first reading takes the clocks for the same. */
static uint64_t heard(const struct tap_process *self, uint64_t now_ns)
{
    uint64_t updated_ns = self->reader.layout.updated_ns;
    if (!self->life.clock.is_sure && self->has_reading)
        return updated_ns == self->updated_ns ? self->heard_ns : now_ns;
    uint64_t heard_ns = tap_clock_to_ours(&self->life.clock, updated_ns);
    return heard_ns < now_ns ? heard_ns : now_ns;
}

static void take_reading(struct tap_process *self, const struct tap_scratch *scratch,
                         uint64_t now_ns)
{
    const struct segment_header *layout = &self->reader.layout;
    self->heard_ns = heard(self, now_ns);
    if (self->n_groups)
        memcpy(self->accounts, scratch->accounts, self->n_groups * sizeof(*self->accounts));
#define X(id, field) self->counters[TAP_PROCESS_##id] = layout->field;
    TAP_PROCESS_COUNTERS(X)
#undef X
    memcpy(&self->counters[TAP_PROCESS_API_ERRORS], layout->api_errors, sizeof(layout->api_errors));
    self->updated_ns = layout->updated_ns;
    self->n_lanes = layout->n_lanes;
    self->is_closed = layout->state == SEGMENT_CLOSED;
    self->has_reading = true;
    read_capabilities(self);
    read_contexts(self);
}

/* A container may have a boot id of its own; there the process itself shows that it is of now. */
static bool is_of_another_boot(const struct tap_process *self, const struct tap_host *host)
{
    const struct segment_header *layout = &self->reader.layout;
    bool is_contained = layout->pid_namespace != host->pid_namespace;
    return *layout->boot_id && strcmp(layout->boot_id, host->boot_id) != 0 &&
           !(is_contained && self->life.state == TAP_LIFE_ALIVE);
}

/* The first reading identifies the process. A forged file is not read further. */
static int identify(struct tap_process *self, const struct tap_reading *reading)
{
    const struct segment_header *layout = &self->reader.layout;
    if (self->program)
        return 0;
    if (layout->pid != self->name.pid || layout->start_ticks != self->name.start_ticks)
        return SEGMENT_E_INVALID;
    tap_process_search(self, reading->host, reading->now_ns);
    self->is_of_another_boot = is_of_another_boot(self, reading->host);
    if (self->is_of_another_boot || self->life.state == TAP_LIFE_FOREIGN)
        return SEGMENT_E_INVALID;

    self->id = (struct tap_process_id){layout->pid, layout->start_ticks, layout->pid_namespace,
                                       layout->created_ns};
    self->program = tap_groups_program(reading->groups, layout->program, reading->now_ns);
    if (!self->program)
        return -ENOMEM;
    self->program->n_users++;
    return 0;
}

static bool is_within_limits(const struct tap_process *self, const struct tap_quota *quota)
{
    const struct segment_header *layout = &self->reader.layout;
    return tap_quota_allows(quota, self->owner, TAP_SHARE_GROUPS, layout->n_groups) &&
           tap_quota_allows(quota, self->owner, TAP_SHARE_LANES, layout->n_lanes);
}

static int read_once(struct tap_process *self, const struct tap_reading *reading, bool is_forced)
{
    int r = segment_reader_begin(&self->reader, is_forced);
    if (r == 0 && !is_within_limits(self, reading->quota))
        r = -EDQUOT;
    if (r == 0)
        r = identify(self, reading);
    if (r == 0)
        r = read_groups(self, reading);
    if (r == 0)
        r = reserve_scratch(reading->scratch, self->n_groups);
    if (r == 0)
        r = read_lanes(self, reading);
    return r == 0 ? segment_reader_end(&self->reader) : r;
}

/* Errors that concern this file alone: its mode, or its owner's share of what is read. They may
 * pass. */
static bool is_files_own(int r)
{
    return r == -EACCES || r == -EPERM || r == -EDQUOT;
}

int tap_process_read(struct tap_process *self, const struct tap_reading *reading, bool is_forced)
{
    int r = 0;
    if (self->reader.fd < 0)
        r = segment_reader_open(reading->directory_fd, self->file, &self->reader);
    for (unsigned i = 0; r == 0 && i < TAP_READING_ATTEMPTS; i++) {
        r = read_once(self, reading, is_forced || !self->has_reading);
        if (r != SEGMENT_E_TORN)
            break;
        r = i + 1 < TAP_READING_ATTEMPTS ? 0 : SEGMENT_E_TORN;
    }

    self->is_left_out = r == -EDQUOT;
    /* A process that was killed in the middle of a round stays torn; its words are good. */
    if (r == 0 || r == SEGMENT_E_TORN)
        take_reading(self, reading->scratch, reading->now_ns);
    if (r == 0 || r == SEGMENT_E_TORN || r == SEGMENT_E_UNCHANGED || r == SEGMENT_E_PREPARING)
        return 0;
    /* What was an account once, and is cut now, will be made again by its process. */
    if (r > 0 && !self->has_reading) {
        forget_account(self, reading->now_ns);
        tap_process_close(self);
        self->state = TAP_PROCESS_REFUSED;
    }
    return r > 0 || is_files_own(r) ? 0 : r;
}

/*
 * Life
 */
void tap_process_search(struct tap_process *self, const struct tap_host *host, uint64_t now_ns)
{
    self->searched_ns = now_ns;
    const struct segment_header *layout = &self->reader.layout;
    const struct tap_life_name name = {layout->pid, layout->start_ticks, layout->pid_namespace};
    tap_life_begin(&self->life, host, &name, self->reader.owner);
}

/* A process that has closed its file may still send, in the destructors of its other libraries. */
static bool is_dead(const struct tap_process *self)
{
    bool has_ended = self->is_closed && self->life.state != TAP_LIFE_ALIVE;
    return has_ended || self->is_superseded || self->life.state == TAP_LIFE_DEAD;
}

void tap_process_judge(struct tap_process *self, uint64_t now_ns)
{
    if (self->state == TAP_PROCESS_REFUSED || self->state == TAP_PROCESS_FOLDED ||
        self->state == TAP_PROCESS_PARKED || !self->has_reading)
        return;
    uint64_t silence_ns = now_ns > self->heard_ns ? now_ns - self->heard_ns : 0;
    bool is_unsure = self->life.state == TAP_LIFE_UNSURE;
    /* With an unknown clock a heartbeat has no age until it has been read a second time. */
    bool is_watched = now_ns > self->seen_ns && now_ns - self->seen_ns > TAP_SILENT_NS;
    if (is_dead(self))
        self->state = TAP_PROCESS_DEAD;
    else if (is_unsure && is_watched && silence_ns > TAP_PARKED_NS)
        self->state = TAP_PROCESS_PARKED;
    else if (silence_ns > TAP_SILENT_NS)
        self->state = TAP_PROCESS_SILENT;
    else
        self->state = TAP_PROCESS_LIVE;
}

/*
 * Sums
 */
static uint64_t created_ns(const struct tap_process *self, uint64_t now_ns)
{
    uint64_t created_ns = tap_clock_to_ours(&self->life.clock, self->id.created_ns);
    return created_ns <= now_ns ? created_ns : 0;
}

static void add_to_program(const struct tap_process *self, uint64_t now_ns)
{
    struct tap_program *program = self->program;
    program->n_accounts++;
    program->created_ns = tap_earlier(program->created_ns, created_ns(self, now_ns));
    for (size_t i = 0; i < TAP_N_PROCESS_COUNTERS; i++)
        program->counters[i] += self->counters[i];
    bool is_peeked = self->known & TAP_PEEKED;
    program->n_tapped += !is_peeked;
    if (is_peeked) {
        program->n_processes += self->state == TAP_PROCESS_LIVE;
        return;
    }
    if (tap_process_is_silent(self)) {
        program->n_processes++;
        program->n_silent++;
        tap_usage_add(&program->descriptors, &self->descriptors);
    }
    if (self->state != TAP_PROCESS_LIVE)
        return;
    program->n_processes++;
    program->n_heard++;
    program->started_ns = tap_earlier(program->started_ns, created_ns(self, now_ns));
    tap_usage_add(&program->context_sockets, &self->context_sockets);
    tap_usage_add(&program->descriptors, &self->descriptors);
    for (size_t i = 0; i < SEGMENT_N_CAPABILITIES; i++)
        program->capabilities[i][self->capabilities[i]]++;
}

void tap_process_add(const struct tap_process *self, uint64_t now_ns)
{
    if (!tap_process_counts(self) || !self->program)
        return;
    add_to_program(self, now_ns);
    for (uint32_t i = 0; i < self->n_groups; i++) {
        struct tap_group *group = self->groups[i];
        group->n_accounts++;
        group->created_ns = tap_earlier(group->created_ns, created_ns(self, now_ns));
        if (self->state != TAP_PROCESS_PARKED)
            group->last_used_ns = now_ns;
        tap_account_add_counters(&group->sum, self->accounts[i].counters);
        if (self->state != TAP_PROCESS_LIVE) {
            group->known_once |= self->known;
            group->n_silent += tap_process_is_silent(self) && self->accounts[i].n_sockets;
            continue;
        }
        tap_account_add_gauges(&group->sum, &self->accounts[i]);
        group->known |= self->known;
        group->n_processes++;
    }
}

void tap_process_drop(struct tap_process *self, uint64_t now_ns)
{
    forget_account(self, now_ns);
    tap_process_close(self);
    self->is_dropped = true;
    self->state = TAP_PROCESS_REFUSED;
}

/* An image that called exec has not ended; how one ended that was seen from outside, is not known.
 */
static void count_end(struct tap_process *self)
{
    bool is_tapped = self->has_reading && !(self->known & TAP_PEEKED);
    if (is_tapped && !self->is_superseded)
        self->counters[self->is_closed ? TAP_PROCESS_ORDERLY_ENDS : TAP_PROCESS_ABRUPT_ENDS]++;
}

int tap_process_fold(struct tap_process *self, uint64_t now_ns)
{
    /* All the memory that is needed first, so that nothing is folded half. */
    for (uint32_t i = 0; i < self->n_groups; i++) {
        if (tap_group_prepare_base(self->groups[i]) < 0)
            return -ENOMEM;
    }
    struct tap_past past = {.created_ns = created_ns(self, now_ns), .known = self->known};
    for (uint32_t i = 0; i < self->n_groups; i++) {
        past.counters = self->accounts[i].counters;
        tap_group_add_base(self->groups[i], &past);
    }
    count_end(self);
    past.counters = self->counters;
    if (self->program) /* a parked process of a damaged state file may have none */
        tap_program_add_base(self->program, &past);
    forget_account(self, now_ns);
    self->last_life = self->life;
    tap_process_close(self);
    self->state = TAP_PROCESS_FOLDED;
    return 0;
}
