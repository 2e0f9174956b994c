/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: rows are found by section and text of their labels in a hash table. A row's values are
 * not kept, only a sum of them that tells whether they are the same as before. Two collectors may
 * give sets with the same labels: those are two rows, told apart by their order.
 */
#include "live/live_rows.h"

#include "base/fnv.h"
#include "metrics/json_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64u

struct live_row {
    struct live_row *next; /* in its bucket */
    uint64_t sum;          /* of the values */
    uint64_t first;        /* revision at which it was new, or is there again; 0: never looked at */
    uint64_t changed, seen, gone; /* revisions; gone is 0 while it is there */
    uint64_t touched_ns;
    struct live_history *history; /* NULL: none */
    uint32_t id, hash;
    enum label_section section;
    uint32_t size; /* of the text */
    char labels[];
};

static void free_row(struct live_rows *self, struct live_row *row)
{
    self->n_histories -= row->history != NULL;
    self->n--;
    free(row->history);
    free(row);
}

void live_rows_finish(struct live_rows *self)
{
    for (size_t i = 0; i < self->n_buckets; i++) {
        while (self->buckets[i]) {
            struct live_row *row = self->buckets[i];
            self->buckets[i] = row->next;
            free_row(self, row);
        }
    }
    free(self->buckets);
    *self = (struct live_rows){0};
}

static int grow(struct live_rows *self)
{
    size_t n = self->n_buckets ? self->n_buckets * 2 : FIRST_BUCKETS;
    struct live_row **buckets = calloc(n, sizeof(struct live_row *));
    if (!buckets)
        return -ENOMEM;
    for (size_t i = 0; i < self->n_buckets; i++) {
        while (self->buckets[i]) {
            struct live_row *row = self->buckets[i];
            self->buckets[i] = row->next;
            row->next = buckets[row->hash & (n - 1)];
            buckets[row->hash & (n - 1)] = row;
        }
    }
    free(self->buckets);
    self->buckets = buckets;
    self->n_buckets = n;
    return 0;
}

static struct live_row *add_row(struct live_rows *self, const struct label_set *set, uint32_t hash)
{
    const struct sample *first = set->samples->sample;
    if (self->n >= self->n_buckets && grow(self) < 0)
        return NULL;
    struct live_row *row = calloc(1, sizeof(*row) + first->labels_size + 1);
    if (!row)
        return NULL;
    row->id = ++self->next_id;
    row->hash = hash;
    row->section = set->section;
    row->size = first->labels_size;
    if (row->size)
        memcpy(row->labels, first->labels, row->size);
    row->next = self->buckets[hash & (self->n_buckets - 1)];
    self->buckets[hash & (self->n_buckets - 1)] = row;
    self->n++;
    return row;
}

/* What a row is found by. */
struct wanted {
    enum label_section section;
    const char *labels;
    size_t size;
    uint64_t unseen; /* not the rows that were seen at this revision; 0: any */
};

static uint32_t hash_of(const struct wanted *wanted)
{
    uint64_t wide = fnv_bytes_64(FNV_BASIS_64 + wanted->section, wanted->labels, wanted->size);
    return (uint32_t)(wide ^ wide >> 32);
}

static bool is_wanted(const struct live_row *row, const struct wanted *wanted)
{
    return row->section == wanted->section && row->size == wanted->size &&
           (!wanted->unseen || row->seen != wanted->unseen) &&
           (!row->size || memcmp(row->labels, wanted->labels, row->size) == 0);
}

/* The oldest of those that fit; NULL: none. */
static struct live_row *find(const struct live_rows *self, const struct wanted *wanted,
                             uint32_t hash)
{
    struct live_row *found = NULL;
    struct live_row *row = self->n_buckets ? self->buckets[hash & (self->n_buckets - 1)] : NULL;
    for (; row; row = row->next) {
        if (row->hash == hash && is_wanted(row, wanted) && (!found || row->id < found->id))
            found = row;
    }
    return found;
}

/* Made if there is none. */
static struct live_row *row_of(struct live_rows *self, const struct label_set *set, uint64_t unseen)
{
    const struct sample *first = set->samples->sample;
    const struct wanted wanted = {set->section, first->labels, first->labels_size, unseen};
    uint32_t hash = hash_of(&wanted);
    struct live_row *row = find(self, &wanted, hash);
    return row ? row : add_row(self, set, hash);
}

uint32_t live_rows_find(const struct live_rows *self, enum label_section section,
                        const char *labels, size_t size)
{
    const struct wanted wanted = {section, labels, size, 0};
    const struct live_row *row = find(self, &wanted, hash_of(&wanted));
    return row ? row->id : 0;
}

static uint64_t mix(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

static uint64_t sum_of(const struct label_set *set)
{
    uint64_t sum = set->n;
    for (size_t i = 0; i < set->n; i++) {
        const struct sample *sample = set->samples[i].sample;
        sum = mix(sum, set->samples[i].family + UINT64_C(1));
        if (sample->extra)
            sum = mix(sum, fnv_bytes_64(FNV_BASIS_64, sample->extra, sample->extra_size));
        sum = mix(sum, sample->value.digits);
        sum = mix(sum, (uint64_t)sample->form << 8 | sample->places);
    }
    return sum;
}

/* Marks what is not there any more, and forgets what has long been gone. */
static void sweep(struct live_rows *self, uint64_t now_ns)
{
    for (size_t i = 0; i < self->n_buckets; i++) {
        for (struct live_row **place = &self->buckets[i]; *place;) {
            struct live_row *row = *place;
            if (row->seen != self->revision && row->gone == 0 && row->first)
                row->gone = self->revision;
            if (now_ns - row->touched_ns <= LIVE_ROWS_LINGER_NS) {
                place = &row->next;
                continue;
            }
            if (row->gone > self->oldest)
                self->oldest = row->gone;
            *place = row->next;
            free_row(self, row);
        }
    }
}

int live_rows_look(struct live_rows *self, const struct label_sets *sets, uint64_t now_ns,
                   struct live_row **ret_rows)
{
    uint64_t revision = ++self->revision;
    for (size_t i = 0; i < sets->n; i++) {
        struct live_row *row = row_of(self, &sets->sets[i], revision);
        if (!row)
            return -ENOMEM;
        uint64_t sum = sum_of(&sets->sets[i]);
        if (!row->first || row->gone)
            row->first = row->changed = revision;
        else if (row->sum != sum)
            row->changed = revision;
        row->sum = sum;
        row->seen = revision;
        row->gone = 0;
        row->touched_ns = now_ns;
        ret_rows[i] = row;
    }
    sweep(self, now_ns);
    return 0;
}

static void append_row(const struct label_set *set, const struct live_row *row, uint64_t since,
                       struct string_buffer *json)
{
    string_buffer_append_text(json, "{\"id\":");
    string_buffer_append_u64(json, row->id);
    string_buffer_append(json, ",", 1);
    if (row->first > since) {
        json_writer_set_labels(json, set);
        string_buffer_append(json, ",", 1);
    }
    json_writer_set_values(json, set);
    string_buffer_append(json, "}", 1);
}

static void append_gone(const struct live_rows *self, uint64_t since, struct string_buffer *json)
{
    const char *separator = "";
    string_buffer_append_text(json, ",\"gone\":[");
    for (size_t i = 0; since && i < self->n_buckets; i++) {
        for (const struct live_row *row = self->buckets[i]; row; row = row->next) {
            if (row->gone <= since)
                continue;
            string_buffer_append_format(json, "%s%" PRIu32, separator, row->id);
            separator = ",";
        }
    }
    string_buffer_append(json, "]", 1);
}

void live_rows_append_json(const struct live_rows *self, uint64_t since,
                           const struct label_sets *sets, struct live_row *const *rows,
                           struct string_buffer *json)
{
    if (since < self->oldest || since > self->revision)
        since = 0;
    string_buffer_append_format(json, "\"is_whole\":%s", since ? "false" : "true");
    size_t i = 0;
    for (unsigned section = 0; section < LABEL_N_SECTIONS; section++) {
        const char *separator = "";
        string_buffer_append_format(json, ",\"%s\":[",
                                    label_section_name((enum label_section)section));
        for (; i < sets->n && sets->sets[i].section == section; i++) {
            if (rows[i]->changed <= since)
                continue;
            string_buffer_append_text(json, separator);
            append_row(&sets->sets[i], rows[i], since, json);
            separator = ",";
        }
        string_buffer_append(json, "]", 1);
    }
    append_gone(self, since, json);
}

static double number_of(const struct sample *sample)
{
    double number = (double)sample->value.digits;
    if (sample->form == TEXT_NUMBER_REAL) {
        uint64_t bits = sample->value.digits;
        memcpy(&number, &bits, sizeof(number));
    } else if (sample->form == TEXT_NUMBER_SCALED) {
        for (unsigned i = 0; i < sample->places; i++)
            number /= 10;
    }
    return number;
}

static unsigned value_of(enum family_id family)
{
    switch (family) {
    case FAMILY_SOCKET_SEND_HWM_PROXIMITY:
        return LIVE_SEND_FILL;
    case FAMILY_SOCKET_RECEIVE_HWM_PROXIMITY:
        return LIVE_RECEIVE_FILL;
    case FAMILY_SOCKET_SEND_QUEUE:
        return LIVE_SEND_QUEUE;
    case FAMILY_SOCKET_RECEIVE_QUEUE:
        return LIVE_RECEIVE_QUEUE;
    case FAMILY_SOCKET_SENT_MESSAGES:
        return LIVE_SENT;
    case FAMILY_SOCKET_RECEIVED_MESSAGES:
        return LIVE_RECEIVED;
    case FAMILY_SOCKET_DROPPED_MESSAGES:
        return LIVE_DROPPED;
    default:
        return LIVE_N_VALUES;
    }
}

/* Drops are a sample for each reason. */
static struct live_moment moment_of(const struct label_set *set, uint64_t now_ns)
{
    struct live_moment moment = {.at_ns = now_ns};
    for (unsigned i = 0; i < LIVE_N_VALUES; i++)
        moment.values[i] = NAN;
    for (size_t i = 0; i < set->n; i++) {
        unsigned value = value_of(set->samples[i].family);
        if (value == LIVE_N_VALUES)
            continue;
        double *place = &moment.values[value];
        *place = (isnan(*place) ? 0 : *place) + number_of(set->samples[i].sample);
    }
    return moment;
}

static int remember(struct live_rows *self, struct live_row *row, uint64_t tick,
                    const struct live_moment *moment)
{
    if (row->history) {
        live_history_add(row->history, tick, moment);
        return 0;
    }
    if (self->n_histories == LIVE_ROWS_HISTORY_MAX)
        return 0;
    row->history = calloc(1, sizeof(*row->history));
    if (!row->history)
        return -ENOMEM;
    self->n_histories++;
    live_history_begin(row->history, tick, moment);
    return 0;
}

int live_rows_remember(struct live_rows *self, const struct label_sets *sets, uint64_t tick,
                       uint64_t now_ns)
{
    int r = 0;
    self->tick = tick;
    for (size_t i = 0; r == 0 && i < sets->n; i++) {
        if (sets->sets[i].section != LABEL_SECTION_SOCKETS)
            continue;
        struct live_row *row = row_of(self, &sets->sets[i], 0);
        if (!row)
            return -ENOMEM;
        row->touched_ns = now_ns;
        struct live_moment moment = moment_of(&sets->sets[i], now_ns);
        if (!row->history || row->history->last_tick < tick)
            r = remember(self, row, tick, &moment);
    }
    return r;
}

void live_rows_append_history(const struct live_rows *self, uint32_t id, uint64_t since,
                              struct string_buffer *json)
{
    for (size_t i = 0; i < self->n_buckets; i++) {
        for (const struct live_row *row = self->buckets[i]; row; row = row->next) {
            if (row->id != id || !row->history)
                continue;
            string_buffer_append_format(json, "{\"id\":%" PRIu32 ",", id);
            live_history_append_json(row->history, since, self->tick, json);
            string_buffer_append(json, "}", 1);
        }
    }
}
