/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_number - numbers as the text formats write them: measured when they are taken, written
 * later without printf.
 */
#ifndef METRICS_TEXT_NUMBER_H
#define METRICS_TEXT_NUMBER_H

#include <stdint.h>

#define TEXT_NUMBER_MAX   32u /* no text is longer */
#define TEXT_NUMBER_SLACK 16u /* bytes after the text that a write may touch */

enum text_number_form {
    TEXT_NUMBER_WHOLE,    /* digits */
    TEXT_NUMBER_SCALED,   /* digits with a point before the last `places` of them */
    TEXT_NUMBER_NEGATIVE, /* the same after a minus */
    TEXT_NUMBER_ANY,      /* the bits of a double, for printf */
};

struct text_number {
    uint64_t digits;
    uint8_t form; /* enum text_number_form */
    uint8_t places;
    uint8_t size; /* of the text */
};

static inline struct text_number text_number_of_u64(uint64_t value)
{
    extern const uint64_t text_number_powers[20]; /* of ten */
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12; /* bits * log10(2), at most one too small */
    unsigned n = guess + (guess == 0 || value >= text_number_powers[guess]);
    return (struct text_number){.digits = value, .size = (uint8_t)n};
}

/* A text that reads back as the same double, the shortest unless more than 15 digits are needed;
 * NaN, +Inf, -Inf. Whole numbers have no decimal point. */
struct text_number text_number_of_real(double value);

/* digits / 10^places, exactly but for more than 16 digits; at most 9 places. */
struct text_number text_number_of_scaled(uint64_t digits, unsigned places);

/* Writes `size` bytes at `at`, perhaps TEXT_NUMBER_SLACK more, no NUL; returns the end. */
char *text_number_write(char *at, struct text_number number);

#endif
