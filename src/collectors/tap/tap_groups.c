/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_groups.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/fnv.h"
#include "collectors/tap/tap_types.h"
#include "metrics/labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS ((size_t)256)

struct tap_text {
    struct tap_text *next;
    uint64_t retired_ns;
    char *text;
};

void tap_groups_init(struct tap_groups *self, uint32_t max_groups)
{
    *self = (struct tap_groups){.max_groups = max_groups};
}

static void free_group(struct tap_group *group)
{
    if (!group)
        return;
    free(group->endpoint);
    free(group->name);
    free(group->base);
    free(group);
}

static void free_program(struct tap_program *program)
{
    if (!program)
        return;
    free(program->name);
    free(program);
}

static void free_labels(struct label_text labels)
{
    free((void *)(uintptr_t)labels.text);
}

void tap_groups_finish(struct tap_groups *self)
{
    for (size_t i = 0; i < self->n_groups; i++) {
        free_labels(self->groups[i]->labels);
        free_group(self->groups[i]);
    }
    for (size_t i = 0; i < self->n_programs; i++) {
        free_labels(self->programs[i]->labels);
        free_program(self->programs[i]);
    }
    tap_groups_clean(self, UINT64_MAX);
    free(self->groups);
    free(self->slots);
    free(self->programs);
    *self = (struct tap_groups){0};
}

void tap_groups_clean(struct tap_groups *self, uint64_t now_ns)
{
    struct tap_text **place = &self->retired;
    while (*place && now_ns - (*place)->retired_ns < TAP_LABELS_LINGER_NS)
        place = &(*place)->next;
    while (*place) {
        struct tap_text *text = *place;
        *place = text->next;
        free(text->text);
        free(text);
    }
}

/* If memory is short the text is not freed: better lost than read by a page after that. */
static void retire_labels(struct tap_groups *self, struct label_text labels, uint64_t now_ns)
{
    struct tap_text *text = malloc(sizeof(*text));
    if (!text)
        return;
    *text = (struct tap_text){self->retired, now_ns, (char *)(uintptr_t)labels.text};
    self->retired = text;
}

/* Takes the text out of the buffer. */
static bool take_labels(struct string_buffer *text, struct label_text *ret_labels)
{
    if (text->has_failed)
        return false;
    *ret_labels = (struct label_text){text->data, (uint32_t)text->size};
    *text = (struct string_buffer){0};
    return true;
}

/*
 * Programs
 */
static void remove_program(struct tap_groups *self, size_t i, uint64_t now_ns)
{
    retire_labels(self, self->programs[i]->labels, now_ns);
    free_program(self->programs[i]);
    self->n_programs--;
    memmove(&self->programs[i], &self->programs[i + 1],
            (self->n_programs - i) * sizeof(*self->programs));
}

static void forget_idle_program(struct tap_groups *self, uint64_t now_ns)
{
    for (size_t i = 0; i < self->n_programs; i++) {
        const struct tap_program *program = self->programs[i];
        bool is_idle = !program->has_base || now_ns - program->last_used_ns > TAP_GROUP_IDLE_NS;
        if (is_idle && program->n_users == 0 && program->n_groups == 0) {
            remove_program(self, i, now_ns);
            return;
        }
    }
}

static struct tap_program *add_program(struct tap_groups *self, const char *name)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    if (!array_make_room(&self->programs, &self->programs_capacity, self->n_programs,
                         sizeof(*self->programs)))
        return NULL;
    struct tap_program *program = calloc(1, sizeof(*program));
    if (!program)
        return NULL;
    labels_append(&text, "program", name);
    program->name = strdup(name);
    if (!program->name || !take_labels(&text, &program->labels)) {
        free_program(program);
        return NULL;
    }
    self->programs[self->n_programs++] = program;
    return program;
}

static struct tap_program *find_program(const struct tap_groups *self, const char *name)
{
    for (size_t i = 0; i < self->n_programs; i++) {
        if (strcmp(self->programs[i]->name, name) == 0)
            return self->programs[i];
    }
    return NULL;
}

struct tap_program *tap_groups_program(struct tap_groups *self, const char *name, uint64_t now_ns)
{
    struct tap_program *program = find_program(self, name);
    if (!program && self->n_programs >= TAP_MAX_PROGRAMS)
        forget_idle_program(self, now_ns);
    if (!program && self->n_programs >= TAP_MAX_PROGRAMS) {
        name = SEGMENT_OTHER;
        program = find_program(self, name);
    }
    if (!program)
        program = add_program(self, name);
    if (program)
        program->last_used_ns = now_ns;
    return program;
}

/*
 * Groups
 */
static uint32_t hash_text(uint32_t hash, const char *text)
{
    return fnv_text_32(hash, text) * 31 + 1;
}

static uint32_t hash_key(const struct tap_group *key)
{
    uint32_t hash = hash_text(FNV_BASIS_32 ^ key->type, key->program->name);
    return hash_text(hash_text(hash, key->endpoint), key->name);
}

static bool is_key(const struct tap_group *group, const struct tap_group *key)
{
    return group->hash == key->hash && group->program == key->program && group->type == key->type &&
           strcmp(group->endpoint, key->endpoint) == 0 && strcmp(group->name, key->name) == 0;
}

static struct tap_group *find_group(const struct tap_groups *self, const struct tap_group *key)
{
    for (size_t i = key->hash; self->n_slots; i++) {
        uint32_t slot = self->slots[i & (self->n_slots - 1)];
        if (slot == 0)
            return NULL;
        if (is_key(self->groups[slot - 1], key))
            return self->groups[slot - 1];
    }
    return NULL;
}

static void fill_slot(struct tap_groups *self, size_t group)
{
    size_t i = self->groups[group]->hash & (self->n_slots - 1);
    while (self->slots[i])
        i = (i + 1) & (self->n_slots - 1);
    self->slots[i] = (uint32_t)group + 1;
}

/* At most half full, so that a search ends soon. */
static bool make_slots(struct tap_groups *self, size_t n_groups)
{
    size_t n = self->n_slots ? self->n_slots : FIRST_SLOTS;
    while (n < n_groups * 2)
        n *= 2;
    if (n != self->n_slots) {
        uint32_t *slots = calloc(n, sizeof(*slots));
        if (!slots)
            return false;
        free(self->slots);
        self->slots = slots;
        self->n_slots = n;
    }
    memset(self->slots, 0, n * sizeof(*self->slots));
    for (size_t i = 0; i < self->n_groups; i++)
        fill_slot(self, i);
    return true;
}

static bool is_other(const struct tap_group *group)
{
    return strcmp(group->endpoint, SEGMENT_OTHER) == 0;
}

/* How long nobody has had a use for the group; 0: it is in use. */
static uint64_t idle_time(const struct tap_group *group, uint64_t now_ns)
{
    if (group->n_users > 0 || is_other(group))
        return 0;
    return group->base ? now_ns - group->last_used_ns : UINT64_MAX;
}

static bool forget_idle_group(struct tap_groups *self, uint64_t now_ns)
{
    size_t oldest = SIZE_MAX;
    uint64_t longest_ns = TAP_GROUP_IDLE_NS;
    for (size_t i = 0; i < self->n_groups; i++) {
        uint64_t idle_ns = idle_time(self->groups[i], now_ns);
        if (idle_ns > longest_ns) {
            longest_ns = idle_ns;
            oldest = i;
        }
    }
    if (oldest == SIZE_MAX)
        return false;

    struct tap_group *group = self->groups[oldest];
    group->program->n_groups--;
    retire_labels(self, group->labels, now_ns);
    free_group(group);
    self->n_groups--;
    self->n_ordinary--;
    self->has_new_order = true;
    memmove(&self->groups[oldest], &self->groups[oldest + 1],
            (self->n_groups - oldest) * sizeof(*self->groups));
    return make_slots(self, self->n_groups);
}

static bool render_labels(const struct tap_group *group, struct label_text *ret_labels)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    labels_append(&text, "program", group->program->name);
    labels_append(&text, "type", tap_type_name(group->type));
    labels_append(&text, "address", group->endpoint);
    if (*group->name)
        labels_append(&text, "socket", group->name);
    return take_labels(&text, ret_labels);
}

static struct tap_group *add_group(struct tap_groups *self, const struct tap_group *key)
{
    if (!array_make_room(&self->groups, &self->groups_capacity, self->n_groups,
                         sizeof(*self->groups)) ||
        (self->n_slots < (self->n_groups + 1) * 2 && !make_slots(self, self->n_groups + 1)))
        return NULL;
    struct tap_group *group = calloc(1, sizeof(*group));
    if (!group)
        return NULL;
    *group = (struct tap_group){.program = key->program, .type = key->type, .hash = key->hash};
    group->endpoint = strdup(key->endpoint);
    group->name = strdup(key->name);
    if (!group->endpoint || !group->name || !render_labels(group, &group->labels)) {
        free_group(group);
        return NULL;
    }
    self->groups[self->n_groups++] = group;
    self->n_ordinary += !is_other(group);
    self->has_new_order = self->has_new_order || tap_groups_is_full(self);
    fill_slot(self, self->n_groups - 1);
    group->program->n_groups++;
    return group;
}

struct tap_group *tap_groups_intern(struct tap_groups *self, struct tap_program *program,
                                    const struct segment_group *wanted, uint64_t now_ns)
{
    /* The key borrows the texts, which nothing changes. */
    struct tap_group key = {.program = program,
                            .type = wanted->type < SEGMENT_N_TYPES ? wanted->type : SEGMENT_N_TYPES,
                            .endpoint = (char *)(uintptr_t)wanted->endpoint,
                            .name = (char *)(uintptr_t)wanted->name};
    key.hash = hash_key(&key);
    struct tap_group *group = find_group(self, &key);
    if (!group && !is_other(&key) && tap_groups_is_full(self) && !forget_idle_group(self, now_ns)) {
        static char other[] = SEGMENT_OTHER, none[] = "";
        program->base[TAP_PROCESS_FOLDED_GROUPS]++;
        key.endpoint = other;
        key.name = none;
        key.hash = hash_key(&key);
        group = find_group(self, &key);
    }
    if (!group)
        group = add_group(self, &key);
    if (group)
        group->last_used_ns = now_ns;
    return group;
}

int tap_group_prepare_base(struct tap_group *self)
{
    if (self->base)
        return 0;
    self->base = calloc(TAP_N_COUNTERS, sizeof(*self->base));
    self->base_created_ns = UINT64_MAX;
    return self->base ? 0 : -ENOMEM;
}

void tap_group_add_base(struct tap_group *self, const struct tap_past *past)
{
    for (size_t i = 0; i < TAP_N_COUNTERS; i++)
        self->base[i] += past->counters[i];
    self->base_created_ns = tap_earlier(self->base_created_ns, past->created_ns);
    self->base_known |= past->known;
}

void tap_program_add_base(struct tap_program *self, const struct tap_past *past)
{
    for (size_t i = 0; i < TAP_N_PROCESS_COUNTERS; i++)
        self->base[i] += past->counters[i];
    self->base_created_ns = self->has_base ? tap_earlier(self->base_created_ns, past->created_ns)
                                           : past->created_ns;
    self->has_base = true;
}

static double fullness(const struct tap_usage *usage)
{
    return usage->limit ? (double)usage->used / (double)usage->limit : 0;
}

void tap_usage_add(struct tap_usage *self, const struct tap_usage *other)
{
    if (other->is_known && (!self->is_known || fullness(other) > fullness(self)))
        *self = *other;
}

void tap_groups_start(struct tap_groups *self)
{
    for (size_t i = 0; i < self->n_groups; i++) {
        struct tap_group *group = self->groups[i];
        tap_account_clear_gauges(&group->sum);
        if (group->base)
            memcpy(group->sum.counters, group->base, sizeof(group->sum.counters));
        else
            memset(group->sum.counters, 0, sizeof(group->sum.counters));
        group->created_ns = group->base ? group->base_created_ns : UINT64_MAX;
        group->known = 0;
        group->known_once = group->base_known;
        group->n_processes = group->n_silent = 0;
        group->n_lingering = group->lingering_messages = 0;
        group->n_accounts = 0;
    }
    for (size_t i = 0; i < self->n_programs; i++) {
        struct tap_program *program = self->programs[i];
        memcpy(program->counters, program->base, sizeof(program->counters));
        program->created_ns = program->has_base ? program->base_created_ns : UINT64_MAX;
        memset(program->capabilities, 0, sizeof(program->capabilities));
        program->n_processes = program->n_heard = program->n_silent = program->n_tapped = 0;
        program->n_accounts = 0;
        program->started_ns = UINT64_MAX;
        program->context_sockets = program->descriptors = (struct tap_usage){0};
    }
}
