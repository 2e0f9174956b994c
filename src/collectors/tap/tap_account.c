/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_account.h"

#include <string.h>

enum combination { SUM, LIMIT, GREATEST, SMALLEST };

static const struct {
    uint16_t word;
    uint16_t combination;
} gauges[TAP_N_GAUGES] = {
#define X(name, kind) {SEGMENT_##name, kind},
    TAP_GAUGES(X)
#undef X
};

static_assert(SUM == 0 && LIMIT == 1 && GREATEST == 2 && SMALLEST == 3, "order of combine");

static uint64_t combine(enum combination combination, uint64_t a, uint64_t b)
{
    if (a == SEGMENT_UNKNOWN)
        return b;
    if (b == SEGMENT_UNKNOWN)
        return a;
    switch (combination) {
    case SUM:
        return a + b;
    case LIMIT:
        return a == 0 || (b != 0 && b < a) ? b : a;
    case GREATEST:
        return a > b ? a : b;
    case SMALLEST:
        return (int64_t)a < (int64_t)b ? a : b;
    }
    return a;
}

void tap_account_clear_gauges(struct tap_account *self)
{
    for (size_t i = 0; i < TAP_N_GAUGES; i++)
        self->gauges[i] = SEGMENT_UNKNOWN;
    self->n_sockets = 0;
    self->mechanisms = 0;
}

void tap_account_clear(struct tap_account *self)
{
    memset(self->counters, 0, sizeof(self->counters));
    tap_account_clear_gauges(self);
}

void tap_account_add_counters(struct tap_account *self, const uint64_t *counters)
{
    for (size_t i = 0; i < TAP_N_COUNTERS; i++)
        self->counters[i] += counters[i];
}

void tap_account_add_lane(struct tap_account *self, const struct segment_lane *lane)
{
    const uint64_t *words = lane->words;
    tap_account_add_counters(self, words + SEGMENT_FIRST_COUNTER);
    if (words[SEGMENT_STATE] != SEGMENT_LANE_OPEN)
        return;

    for (size_t i = 0; i < TAP_N_GAUGES; i++)
        self->gauges[i] = combine(gauges[i].combination, self->gauges[i], words[gauges[i].word]);
    if (words[SEGMENT_OPTION_MECHANISM] < 32)
        self->mechanisms |= 1u << words[SEGMENT_OPTION_MECHANISM];
    self->n_sockets++;
}

void tap_account_add_gauges(struct tap_account *self, const struct tap_account *other)
{
    for (size_t i = 0; i < TAP_N_GAUGES; i++)
        self->gauges[i] = combine(gauges[i].combination, self->gauges[i], other->gauges[i]);
    self->mechanisms |= other->mechanisms;
    self->n_sockets += other->n_sockets;
}
