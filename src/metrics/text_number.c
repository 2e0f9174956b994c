/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_number.h"

#include "metrics/text_digits.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Design. Nearly every real number on a page is a whole number of nanoseconds, billionths or
 * microseconds. So a real is scaled to an integer n, and where n / scale gives the very same
 * double back, n's digits with a point among them are a right text: division rounds correctly,
 * as reading does. Only the rest goes through printf, which costs a hundred times as much.
 */

#define EXACT_MAX 9007199254740992.0 /* 2^53: every whole number up to it is a double */

#define DIGIT(n) ((char)('0' + (n)))
#define TRIPLE(n)                                                                                  \
    {                                                                                              \
        {DIGIT((n) / 100), DIGIT((n) / 10 % 10), DIGIT((n) % 10)}, 1 + ((n) > 9) + ((n) > 99)      \
    }
#define TEN(n)                                                                                     \
    TRIPLE(n), TRIPLE(n + 1), TRIPLE(n + 2), TRIPLE(n + 3), TRIPLE(n + 4), TRIPLE(n + 5),          \
        TRIPLE(n + 6), TRIPLE(n + 7), TRIPLE(n + 8), TRIPLE(n + 9)
#define HUNDRED(n)                                                                                 \
    TEN(n), TEN(n + 10), TEN(n + 20), TEN(n + 30), TEN(n + 40), TEN(n + 50), TEN(n + 60),          \
        TEN(n + 70), TEN(n + 80), TEN(n + 90)

const struct text_triple text_triples[TEXT_THOUSAND] = {
    HUNDRED(0),   HUNDRED(100), HUNDRED(200), HUNDRED(300), HUNDRED(400),
    HUNDRED(500), HUNDRED(600), HUNDRED(700), HUNDRED(800), HUNDRED(900)};

static const uint32_t powers[10] = {1u,      10u,      100u,      1000u,      10000u,
                                    100000u, 1000000u, 10000000u, 100000000u, 1000000000u};

static char *put_scaled(char *at, uint64_t digits, unsigned places)
{
    uint64_t whole = digits / powers[places];
    uint32_t fraction = (uint32_t)(digits % powers[places]);
    return text_digits_fraction(text_digits_whole(at, whole), fraction * powers[9 - places]);
}

/* value * 10^places, where that and nothing else is meant by it. */
static bool try_scale(double value, unsigned places, uint64_t *ret_digits)
{
    double scale = powers[places], product = value * scale;
    if (!(product < EXACT_MAX))
        return false;
    uint64_t digits = (uint64_t)(product + 0.5);
    if ((double)digits / scale != value)
        return false;
    *ret_digits = digits;
    return true;
}

static char *print(char *at, double value)
{
    if (isnan(value) || isinf(value)) {
        memcpy(at, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf", 4);
        return at + (isnan(value) ? 3 : 4);
    }
    char text[TEXT_NUMBER_ROOM];
    int n = 0;
    for (int precision = 15; precision <= 17; precision++) {
        n = snprintf(text, sizeof(text), "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    memcpy(at, text, (size_t)n);
    return at + n;
}

static __attribute__((noinline)) char *put_real(char *at, double value)
{
    static const unsigned tried[] = {9, 6, 0};
    double positive = fabs(value);
    for (unsigned i = 0; i < sizeof(tried) / sizeof(*tried); i++) {
        uint64_t digits;
        if (!try_scale(positive, tried[i], &digits))
            continue;
        if (signbit(value))
            *at++ = '-';
        return put_scaled(at, digits, tried[i]);
    }
    return print(at, value);
}

char *text_number_write(char *at, struct text_number number)
{
    if (number.form == TEXT_NUMBER_WHOLE)
        return text_digits_whole(at, number.digits);
    if (number.form == TEXT_NUMBER_SCALED)
        return put_scaled(at, number.digits, number.places);
    double value;
    memcpy(&value, &number.digits, sizeof(value));
    return put_real(at, value);
}
