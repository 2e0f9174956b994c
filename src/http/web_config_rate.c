/* SPDX-License-Identifier: MPL-2.0 */
#include "config/config_keys.h"
#include "config/config_number.h"
#include "http/web_config.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct rate {
    const char *interval;
    int64_t burst;
};

static const struct config_key keys[] = {
    {"interval", CONFIG_TEXT, offsetof(struct rate, interval), .fallback_text = "0",
     .takes_nothing = true},
    {"burst", CONFIG_INTEGER, offsetof(struct rate, burst), .takes_nothing = true},
};

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},       {"us", 1000},        {"\xc2\xb5s", 1000},  {"\xce\xbcs", 1000},
    {"ms", 1000000}, {"s", 1000000000LL}, {"m", 60000000000LL}, {"h", 3600000000000LL},
};

/* The unit that `*text` begins with, up to the next digit; moves behind it. */
static int64_t parse_unit(const char **text)
{
    size_t length = strcspn(*text, ".0123456789");
    for (size_t i = 0; i < COUNT(units); i++) {
        if (strlen(units[i].name) == length && memcmp(units[i].name, *text, length) == 0) {
            *text += length;
            return units[i].ns;
        }
    }
    return 0;
}

/* "12.5" as whole and thousand-millionths; digits beyond those count nothing. */
static bool parse_decimal(const char **text, int64_t *ret_whole, int64_t *ret_fraction)
{
    const char *c = *text;
    size_t n_digits = strspn(c, "0123456789");
    *ret_whole = *ret_fraction = 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (__builtin_mul_overflow(*ret_whole, 10, ret_whole) ||
            __builtin_add_overflow(*ret_whole, *c - '0', ret_whole))
            return false;
    }
    if (*c == '.') {
        int64_t scale = 100000000;
        for (c++; *c >= '0' && *c <= '9'; c++, scale /= 10, n_digits++)
            *ret_fraction += (*c - '0') * scale;
    }
    *text = c;
    return n_digits > 0;
}

bool web_config_parse_duration(const char *text, int64_t *ret_ns)
{
    bool is_negative = *text == '-';
    int64_t sum = 0;
    text += *text == '-' || *text == '+';
    if (strcmp(text, "0") == 0) {
        *ret_ns = 0;
        return true;
    }
    if (!*text)
        return false;
    while (*text) {
        int64_t whole, fraction, part;
        if (!parse_decimal(&text, &whole, &fraction))
            return false;
        int64_t unit = parse_unit(&text);
        if (unit == 0 || __builtin_mul_overflow(whole, unit, &part) ||
            __builtin_add_overflow(part, (int64_t)((__int128)fraction * unit / 1000000000),
                                   &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return false;
    }
    *ret_ns = is_negative ? -sum : sum;
    return true;
}

int web_config_read_rate(const struct config_node *node, struct web_config *self, struct error *err)
{
    struct rate rate;
    int r = config_keys_read(node, keys, COUNT(keys), &rate, err);
    if (r < 0)
        return r;
    const struct config_node *interval = config_node_find(node, "interval");
    self->rate_burst = rate.burst;
    /* A number without a unit is nanoseconds, as Go reads it. */
    if (!*rate.interval ||
        (interval && interval->is_plain &&
         config_number_parse_integer(rate.interval, &self->rate_interval_ns)) ||
        web_config_parse_duration(rate.interval, &self->rate_interval_ns))
        return 0;
    return config_node_error(interval, err,
                             "'interval' must be a duration such as 500ms, 1s or 1m30s, not '%s'",
                             rate.interval);
}
