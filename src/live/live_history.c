/* SPDX-License-Identifier: MPL-2.0 */
#include "live/live_history.h"

#include <inttypes.h>
#include <math.h>

#define UNKNOWN 0xffffu

static const char *const names[LIVE_N_VALUES] = {
#define X(value, name) [LIVE_##value] = (name),
    LIVE_VALUES(X)
#undef X
};

/* The upper half of a float, rounded: its sign, its exponent, and seven digits after the first. */
static uint16_t pack(double value)
{
    float number = (float)value;
    uint32_t bits;
    if (!isfinite(number))
        return UNKNOWN;
    memcpy(&bits, &number, sizeof(bits));
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static double unpack(uint16_t packed)
{
    uint32_t bits = (uint32_t)packed << 16;
    float number;
    memcpy(&number, &bits, sizeof(number));
    return (double)number;
}

static uint16_t *points_at(struct live_history *self, uint64_t tick)
{
    return self->points[tick % LIVE_HISTORY_POINTS];
}

static void set_unknown(uint16_t *points)
{
    for (unsigned i = 0; i < LIVE_N_VALUES; i++)
        points[i] = UNKNOWN;
}

void live_history_begin(struct live_history *self, uint64_t tick, const struct live_moment *moment)
{
    uint16_t *points = points_at(self, tick);
    for (unsigned i = 0; i < LIVE_N_VALUES; i++)
        points[i] = i < LIVE_FIRST_COUNTER ? pack(moment->values[i]) : UNKNOWN;
    self->first_tick = self->last_tick = tick;
    self->last = *moment;
}

static double rate(const struct live_history *self, const struct live_moment *moment, unsigned i)
{
    double seconds = (double)(moment->at_ns - self->last.at_ns) / (double)CLOCK_NS_PER_SECOND;
    double n = moment->values[i] - self->last.values[i];
    return seconds > 0 && n >= 0 ? n / seconds : NAN; /* NAN where one is not known */
}

void live_history_add(struct live_history *self, uint64_t tick, const struct live_moment *moment)
{
    bool has_gap = tick > self->last_tick + 1;
    uint64_t gap = self->last_tick + 1;
    if (tick - gap > LIVE_HISTORY_POINTS)
        gap = tick - LIVE_HISTORY_POINTS;
    for (; gap < tick; gap++)
        set_unknown(points_at(self, gap));
    uint16_t *points = points_at(self, tick);
    for (unsigned i = 0; i < LIVE_N_VALUES; i++) {
        if (i < LIVE_FIRST_COUNTER)
            points[i] = pack(moment->values[i]);
        else
            points[i] = has_gap ? UNKNOWN : pack(rate(self, moment, i));
    }
    self->last_tick = tick;
    self->last = *moment;
}

static bool is_known(const struct live_history *self, uint64_t first, unsigned value)
{
    for (uint64_t tick = first; tick <= self->last_tick; tick++) {
        if (self->points[tick % LIVE_HISTORY_POINTS][value] != UNKNOWN)
            return true;
    }
    return false;
}

static void append_value(const struct live_history *self, uint64_t first, unsigned value,
                         struct string_buffer *json)
{
    string_buffer_append_format(json, ",\"%s\":[", names[value]);
    for (uint64_t tick = first; tick <= self->last_tick; tick++) {
        uint16_t packed = self->points[tick % LIVE_HISTORY_POINTS][value];
        if (tick > first)
            string_buffer_append(json, ",", 1);
        if (packed == UNKNOWN)
            string_buffer_append(json, "null", 4);
        else if (packed == 0)
            string_buffer_append(json, "0", 1);
        else
            string_buffer_append_format(json, "%.4g", unpack(packed));
    }
    string_buffer_append(json, "]", 1);
}

void live_history_append_json(const struct live_history *self, uint64_t since, uint64_t now,
                              struct string_buffer *json)
{
    uint64_t first = self->first_tick > since ? self->first_tick : since + 1;
    if (now >= LIVE_HISTORY_POINTS && first <= now - LIVE_HISTORY_POINTS)
        first = now - LIVE_HISTORY_POINTS + 1;
    string_buffer_append_format(json, "\"first\":%" PRIu64, first);
    for (unsigned value = 0; value < LIVE_N_VALUES; value++) {
        if (is_known(self, first, value))
            append_value(self, first, value, json);
    }
}
