/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_number.h"

#include <endian.h>
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
 *
 * Digits are made eight at a time in one 64-bit word, without a loop whose end the processor
 * would have to guess for every number.
 */

#define EXACT_MAX 9007199254740992.0 /* 2^53: every whole number up to it is a double */
#define EIGHT     UINT64_C(100000000)

#define DIGITS_MAX 16u /* of a number with a point */

const uint64_t text_number_powers[20] = {1u,
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

/* The eight decimal digits of `value` < 10^8, one a byte, the first one lowest. */
static uint64_t spread_digits(uint64_t value)
{
    uint64_t fours = value / 10000 + (value % 10000 << 32);
    uint64_t tops = ((fours * 10486) >> 20) & UINT64_C(0x0000007f0000007f); /* / 100 */
    uint64_t twos = tops + ((fours - 100 * tops) << 16);
    uint64_t tens = ((twos * 103) >> 10) & UINT64_C(0x000f000f000f000f); /* / 10 */
    return tens + ((twos - 10 * tens) << 8);
}

static void store_digits(char *at, uint64_t spread)
{
    uint64_t text = htole64(spread | UINT64_C(0x3030303030303030));
    memcpy(at, &text, sizeof(text));
}

/* The last `n` of the eight digits, 1 to 8. Touches 8 bytes. */
static char *write_some(char *at, uint64_t value, unsigned n)
{
    store_digits(at, spread_digits(value) >> (64 - 8 * n));
    return at + n;
}

/* All `n` digits that the value has. */
static char *write_whole(char *at, uint64_t value, unsigned n)
{
    if (n <= 8)
        return write_some(at, value, n);
    uint64_t upper = value / EIGHT;
    if (n <= 16) {
        at = write_some(at, upper, n - 8);
    } else {
        at = write_some(at, upper / EIGHT, n - 16);
        at = write_some(at, upper % EIGHT, 8);
    }
    return write_some(at, value % EIGHT, 8);
}

/* All its digits, zeros before them, then the two parts with the point between. */
static char *write_scaled(char *at, uint64_t digits, unsigned places, unsigned size)
{
    char text[32];
    unsigned n_whole = size - places - 1;
    store_digits(text, spread_digits(digits / EIGHT));
    store_digits(text + 8, spread_digits(digits % EIGHT));
    memcpy(at, text + 16 - places - n_whole, 16);
    at += n_whole;
    *at++ = '.';
    memcpy(at, text + 16 - places, 16);
    return at + places;
}

/* digits / 10^places, with zeros at the end left off. */
static struct text_number scaled(uint64_t digits, unsigned places, bool is_negative)
{
    if (places >= 6 && digits % 1000000 == 0) {
        digits /= 1000000;
        places -= 6;
    }
    if (places >= 3 && digits % 1000 == 0) {
        digits /= 1000;
        places -= 3;
    }
    while (places && digits % 10 == 0) {
        digits /= 10;
        places--;
    }
    unsigned n = text_number_of_u64(digits).size;
    if (places)
        n = (n > places ? n : places + 1) + 1; /* at least a zero before the point */
    return (struct text_number){.digits = digits,
                                .form = is_negative ? TEXT_NUMBER_NEGATIVE
                                        : places    ? TEXT_NUMBER_SCALED
                                                    : TEXT_NUMBER_WHOLE,
                                .places = (uint8_t)places,
                                .size = (uint8_t)(n + is_negative)};
}

struct text_number text_number_of_scaled(uint64_t digits, unsigned places)
{
    if (digits >= text_number_powers[DIGITS_MAX])
        return text_number_of_real((double)digits / (double)text_number_powers[places]);
    return scaled(digits, places, false);
}

static bool try_scale(double value, unsigned places, struct text_number *ret_number)
{
    double scale = (double)text_number_powers[places], positive = fabs(value);
    double product = positive * scale;
    if (!(product < EXACT_MAX))
        return false;
    uint64_t digits = (uint64_t)(product + 0.5);
    if ((double)digits / scale != positive)
        return false;
    *ret_number = scaled(digits, places, signbit(value));
    return true;
}

/* Anything, for printf. `room` has TEXT_NUMBER_MAX bytes; returns the length. */
static unsigned print(char *room, double value)
{
    if (isnan(value) || isinf(value))
        return (unsigned)snprintf(room, TEXT_NUMBER_MAX, "%s",
                                  isnan(value) ? "NaN"
                                  : value > 0  ? "+Inf"
                                               : "-Inf");
    int n = 0;
    for (int precision = 15; precision <= 17; precision++) {
        n = snprintf(room, TEXT_NUMBER_MAX, "%.*g", precision, value);
        if (strtod(room, NULL) == value)
            break;
    }
    return (unsigned)n;
}

struct text_number text_number_of_real(double value)
{
    struct text_number number;
    if (try_scale(value, 9, &number) || try_scale(value, 6, &number) ||
        try_scale(value, 0, &number))
        return number;
    char room[TEXT_NUMBER_MAX];
    number = (struct text_number){.form = TEXT_NUMBER_ANY, .size = (uint8_t)print(room, value)};
    memcpy(&number.digits, &value, sizeof(value));
    return number;
}

static __attribute__((noinline)) char *write_any(char *at, struct text_number number)
{
    double value;
    char room[TEXT_NUMBER_MAX];
    memcpy(&value, &number.digits, sizeof(value));
    unsigned n = print(room, value);
    memcpy(at, room, n);
    return at + n;
}

char *text_number_write(char *at, struct text_number number)
{
    if (number.form == TEXT_NUMBER_WHOLE)
        return write_whole(at, number.digits, number.size);
    if (number.form == TEXT_NUMBER_ANY)
        return write_any(at, number);
    unsigned size = number.size;
    if (number.form == TEXT_NUMBER_NEGATIVE) {
        *at++ = '-';
        size--;
    }
    if (number.places)
        return write_scaled(at, number.digits, number.places, size);
    return write_whole(at, number.digits, size);
}
