/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Design. Nearly every real number on a page is a whole number of nanoseconds, billionths or
 * microseconds. So a real is scaled to an integer n, and where n / scale gives the very same
 * double back, n's digits with a point among them are a right text: division rounds correctly,
 * as reading does. Only the rest goes through printf, which costs a hundred times as much.
 */

#define EXACT_MAX 9007199254740992.0 /* 2^53: every whole number up to it is a double */

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

static unsigned count_digits(uint64_t value)
{
    static const uint64_t powers[] = {0,
                                      10u,
                                      100u,
                                      1000u,
                                      10000u,
                                      100000u,
                                      1000000u,
                                      10000000u,
                                      100000000u,
                                      1000000000u,
                                      10000000000u,
                                      100000000000u,
                                      1000000000000u,
                                      10000000000000u,
                                      100000000000000u,
                                      1000000000000000u,
                                      10000000000000000u,
                                      100000000000000000u,
                                      1000000000000000000u,
                                      10000000000000000000u};
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12; /* bits * log10(2), at most one too small */
    return guess + (value >= powers[guess]);
}

/* Exactly `n` digits, zeros in front. */
static void write_digits(char *at, uint64_t value, unsigned n)
{
    char *end = at + n;
    while (n >= 2) {
        end -= 2;
        memcpy(end, pairs + 2 * (value % 100), 2);
        value /= 100;
        n -= 2;
    }
    if (n)
        *at = (char)('0' + value % 10);
}

char *text_number_write_u64(char *at, uint64_t value)
{
    if (value < 10) {
        *at = (char)('0' + value);
        return at + 1;
    }
    unsigned n = count_digits(value);
    write_digits(at, value, n);
    return at + n;
}

/* n / 10^places without trailing zeros. */
static char *write_scaled(char *at, uint64_t n, uint64_t scale, unsigned places)
{
    at = text_number_write_u64(at, n / scale);
    uint64_t rest = n % scale;
    if (rest == 0)
        return at;
    *at++ = '.';
    write_digits(at, rest, places);
    at += places;
    while (at[-1] == '0')
        at--;
    return at;
}

static bool try_scale(char **at, double value, uint64_t scale, unsigned places)
{
    double scaled = value * (double)scale;
    if (!(scaled < EXACT_MAX))
        return false;
    uint64_t n = (uint64_t)(scaled + 0.5);
    if ((double)n / (double)scale != value)
        return false;
    *at = write_scaled(*at, n, scale, places);
    return true;
}

static char *write_any(char *at, double value)
{
    int n = 0;
    for (int precision = 15; precision <= 17; precision++) {
        n = snprintf(at, TEXT_NUMBER_MAX, "%.*g", precision, value);
        if (strtod(at, NULL) == value)
            break;
    }
    return at + n;
}

char *text_number_write_real(char *at, double value)
{
    if (isnan(value)) {
        memcpy(at, "NaN", 3);
        return at + 3;
    }
    if (isinf(value)) {
        memcpy(at, value > 0 ? "+Inf" : "-Inf", 4);
        return at + 4;
    }
    if (signbit(value)) {
        *at++ = '-';
        value = -value;
    }
    if (try_scale(&at, value, UINT64_C(1000000000), 9) || try_scale(&at, value, 1000000, 6) ||
        try_scale(&at, value, 1, 0))
        return at;
    return write_any(at, value);
}
