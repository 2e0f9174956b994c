/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_digits - whole numbers as decimal digits, three at a time from a table of their texts.
 *
 * Inline, as every line of a page has one. The table has 4 KiB, of which a page that counts small
 * things touches the beginning. Each writes at `at` and returns the end; the byte after it may be
 * touched.
 */
#ifndef METRICS_TEXT_DIGITS_H
#define METRICS_TEXT_DIGITS_H

#include <stdint.h>
#include <string.h>

#define TEXT_THOUSAND 1000u
#define TEXT_BILLION  1000000000u

struct text_triple {
    char digits[3];
    uint8_t n; /* of them, without the zeros before */
};

extern const struct text_triple text_triples[TEXT_THOUSAND];

/* Three digits of a value below a thousand. */
static inline char *text_digits_three(char *at, uint32_t value)
{
    memcpy(at, &text_triples[value], 4);
    return at + 3;
}

/* The same without zeros before it. What is moved beyond its digits is of the next entry, which the
 * last, of three digits, does not need. */
static inline char *text_digits_first(char *at, uint32_t value)
{
    unsigned n = text_triples[value].n;
    memcpy(at, (const char *)text_triples + value * sizeof(*text_triples) + 3 - n, 4);
    return at + n;
}

/* Nine digits of a value below a billion. */
static inline char *text_digits_nine(char *at, uint32_t value)
{
    uint32_t thousands = value / TEXT_THOUSAND;
    at = text_digits_three(at, thousands / TEXT_THOUSAND);
    at = text_digits_three(at, thousands % TEXT_THOUSAND);
    return text_digits_three(at, value % TEXT_THOUSAND);
}

/* Those that it has of a value below a billion. */
static inline char *text_digits_up_to_nine(char *at, uint32_t value)
{
    if (value < TEXT_THOUSAND)
        return text_digits_first(at, value);
    uint32_t thousands = value / TEXT_THOUSAND, units = value % TEXT_THOUSAND;
    if (thousands < TEXT_THOUSAND) {
        at = text_digits_first(at, thousands);
    } else {
        at = text_digits_first(at, thousands / TEXT_THOUSAND);
        at = text_digits_three(at, thousands % TEXT_THOUSAND);
    }
    return text_digits_three(at, units);
}

/* All of them. */
static inline char *text_digits_whole(char *at, uint64_t value)
{
    if (value < TEXT_BILLION)
        return text_digits_up_to_nine(at, (uint32_t)value);
    uint64_t upper = value / TEXT_BILLION;
    if (upper < TEXT_BILLION) {
        at = text_digits_up_to_nine(at, (uint32_t)upper);
    } else {
        at = text_digits_up_to_nine(at, (uint32_t)(upper / TEXT_BILLION));
        at = text_digits_nine(at, (uint32_t)(upper % TEXT_BILLION));
    }
    return text_digits_nine(at, (uint32_t)(value % TEXT_BILLION));
}

/* A point and the digits of a fraction, zeros at the end left off; nothing of none. */
static inline char *text_digits_fraction(char *at, uint32_t billionths)
{
    if (billionths == 0)
        return at;
    *at++ = '.';
    at = text_digits_nine(at, billionths);
    while (at[-1] == '0')
        at--;
    return at;
}

#endif
