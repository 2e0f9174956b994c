/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_number.h"

#include "config/config_keys.h"

#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t size;
};

static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
#define N_DURATION_UNITS (sizeof(duration_units) / sizeof(*duration_units))

/* Reads digits from `*text` on and moves it behind them. */
static bool parse_digits(const char **text, int64_t *ret)
{
    const char *c = *text;
    int64_t value = 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *c - '0', &value))
            return false;
    }
    if (c == *text)
        return false;
    *text = c;
    *ret = value;
    return true;
}

bool config_number_parse_integer(const char *text, int64_t *ret)
{
    bool is_negative = *text == '-';
    int64_t value;
    text += is_negative;
    if (!parse_digits(&text, &value) || *text)
        return false;
    *ret = is_negative ? -value : value;
    return true;
}

static size_t unit_length(const char *text)
{
    return strspn(text, "dhms");
}

bool config_number_parse_duration(const char *text, int64_t *ret_ms)
{
    int64_t total = 0;
    size_t next_unit = 0;
    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return true;
    }
    do {
        int64_t value;
        if (!parse_digits(&text, &value))
            return false;
        size_t length = unit_length(text);
        while (next_unit < N_DURATION_UNITS &&
               (strlen(duration_units[next_unit].name) != length ||
                strncmp(text, duration_units[next_unit].name, length) != 0))
            next_unit++;
        if (next_unit == N_DURATION_UNITS ||
            __builtin_mul_overflow(value, duration_units[next_unit].size, &value) ||
            __builtin_add_overflow(total, value, &total))
            return false;
        next_unit++;
        text += length;
    } while (*text);
    *ret_ms = total;
    return true;
}

bool config_number_parse_size(const char *text, int64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    int64_t value;
    if (!parse_digits(&text, &value))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (strcmp(text, units[i].name) == 0 &&
            !__builtin_mul_overflow(value, units[i].size, &value)) {
            *ret_bytes = value;
            return true;
        }
    }
    return false;
}

void config_duration_format(int64_t ms, char ret[static 32])
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < N_DURATION_UNITS && used < 32; i++) {
        int64_t count = ms / duration_units[i].size;
        ms %= duration_units[i].size;
        if (count)
            used += (size_t)snprintf(ret + used, 32 - used, "%lld%s", (long long)count,
                                     duration_units[i].name);
    }
    if (!ret[0])
        (void)snprintf(ret, 32, "0");
}
