/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: the samples are numbered by label set (a hash table on the text's address, which one set
 * keeps through a part) while they are counted, then each goes to its set's place.
 */
#include "metrics/label_sets.h"

#include <errno.h>
#include <stdlib.h>

/* A sample that is wanted, as it came. */
struct found {
    struct label_set_sample sample;
    size_t set; /* number, by first appearance */
};

struct gathering {
    const bool *is_wanted;
    struct found *found;
    size_t n;
    struct label_set *sets; /* by number */
    size_t n_sets;
    struct slot {
        const char *labels; /* NULL as well: the set without labels */
        enum label_section section;
        size_t set; /* + 1; 0: free */
    } * slots;
    size_t n_slots; /* a power of two */
};

static const char *const names[LABEL_N_SECTIONS] = {
#define X(section, name) [LABEL_SECTION_##section] = (name),
    LABEL_SECTIONS(X)
#undef X
};

const char *label_section_name(enum label_section section)
{
    return names[section];
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum label_section section_of(const char *family)
{
    if (has_prefix(family, "zmq_socket"))
        return LABEL_SECTION_SOCKETS;
    if (has_prefix(family, "zmq_library_"))
        return LABEL_SECTION_LIBRARIES;
    if (has_prefix(family, "zmq_probe_"))
        return LABEL_SECTION_PROBES;
    if (has_prefix(family, "zmq_exporter_") || has_prefix(family, "process_"))
        return LABEL_SECTION_EXPORTER;
    return LABEL_SECTION_PROGRAMS;
}

static size_t set_number(struct gathering *self, const char *labels, enum label_section section)
{
    size_t at = ((uintptr_t)labels >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    for (at += section;; at++) {
        struct slot *slot = &self->slots[at & (self->n_slots - 1)];
        if (slot->set == 0) {
            self->sets[self->n_sets] = (struct label_set){.section = section};
            *slot = (struct slot){labels, section, ++self->n_sets};
            return slot->set - 1;
        }
        if (slot->labels == labels && slot->section == section)
            return slot->set - 1;
    }
}

static void gather_family(struct gathering *self, enum family_id id, const struct sample_list *list)
{
    enum label_section section = section_of(family_get(id)->name);
    for (const struct sample *sample = list->items; sample < list->next; sample++) {
        if (sample->kind != SAMPLE_VALUE)
            continue;
        size_t set = set_number(self, sample->labels, section);
        self->found[self->n++] = (struct found){{sample, id}, set};
        self->sets[set].n++;
    }
}

static bool is_wanted(const struct gathering *self, size_t id)
{
    return !self->is_wanted || self->is_wanted[id];
}

static size_t count_samples(const struct gathering *self, const struct samples *const *parts,
                            size_t n_parts)
{
    size_t n = 0;
    for (size_t i = 0; i < n_parts; i++) {
        for (size_t id = 0; id < FAMILY_N; id++)
            n += is_wanted(self, id) ? sample_list_n(&parts[i]->lists[id]) : 0;
    }
    return n;
}

static int find(struct gathering *self, const struct samples *const *parts, size_t n_parts)
{
    size_t n = count_samples(self, parts, n_parts);
    for (self->n_slots = 64; self->n_slots < 2 * n; self->n_slots *= 2)
        ;
    self->found = calloc(n + 1, sizeof(*self->found));
    self->sets = calloc(n + 1, sizeof(*self->sets));
    self->slots = calloc(self->n_slots, sizeof(*self->slots));
    if (!self->found || !self->sets || !self->slots)
        return -ENOMEM;
    for (size_t id = 0; id < FAMILY_N; id++) {
        for (size_t i = 0; is_wanted(self, id) && i < n_parts; i++)
            gather_family(self, (enum family_id)id, &parts[i]->lists[id]);
    }
    return 0;
}

/* Gives each set its place in `ret`, and each sample its place in its set. */
static int arrange(struct gathering *self, struct label_sets *ret)
{
    ret->sets = calloc(self->n_sets + 1, sizeof(*ret->sets));
    ret->samples = calloc(self->n + 1, sizeof(*ret->samples));
    struct label_set_sample **next = calloc(self->n_sets + 1, sizeof(struct label_set_sample *));
    if (!ret->sets || !ret->samples || !next) {
        free(next);
        return -ENOMEM;
    }
    struct label_set_sample *place = ret->samples;
    for (unsigned section = 0; section < LABEL_N_SECTIONS; section++) {
        for (size_t i = 0; i < self->n_sets; i++) {
            if (self->sets[i].section != section)
                continue;
            next[i] = place;
            self->sets[i].samples = place;
            ret->sets[ret->n++] = self->sets[i];
            place += self->sets[i].n;
        }
    }
    for (size_t i = 0; i < self->n; i++)
        *next[self->found[i].set]++ = self->found[i].sample;
    free(next);
    return 0;
}

int label_sets_gather(const struct samples *const *parts, size_t n_parts, const bool *wanted,
                      struct label_sets *ret)
{
    struct gathering gathering = {.is_wanted = wanted};
    *ret = (struct label_sets){0};
    int r = find(&gathering, parts, n_parts);
    if (r == 0)
        r = arrange(&gathering, ret);
    free(gathering.found);
    free(gathering.sets);
    free(gathering.slots);
    return r;
}

void label_sets_finish(struct label_sets *self)
{
    free(self->sets);
    free(self->samples);
    *self = (struct label_sets){0};
}
