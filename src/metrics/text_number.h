/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_number - numbers as the text formats write them, without printf.
 *
 * A number is taken as it comes, which costs nothing, and becomes text when it is written.
 */
#ifndef METRICS_TEXT_NUMBER_H
#define METRICS_TEXT_NUMBER_H

#include <stdint.h>
#include <string.h>

#define TEXT_NUMBER_ROOM 40u /* that a write needs, with a NUL after it */

enum text_number_form {
    TEXT_NUMBER_WHOLE,  /* digits */
    TEXT_NUMBER_SCALED, /* digits / 10^places, zeros at the end left off */
    TEXT_NUMBER_REAL,   /* the bits of a double */
};

struct text_number {
    uint64_t digits;
    uint8_t form; /* enum text_number_form */
    uint8_t places;
};

static inline struct text_number text_number_of_u64(uint64_t value)
{
    return (struct text_number){.digits = value, .form = TEXT_NUMBER_WHOLE};
}

/* digits / 10^places, exactly; at most 9 places. */
static inline struct text_number text_number_of_scaled(uint64_t digits, unsigned places)
{
    return (struct text_number){
        .digits = digits, .form = TEXT_NUMBER_SCALED, .places = (uint8_t)places};
}

/* Its text reads back as the same double, the shortest unless more than 15 digits are needed;
 * NaN, +Inf, -Inf. Whole numbers have no decimal point. */
static inline struct text_number text_number_of_real(double value)
{
    struct text_number number = {.form = TEXT_NUMBER_REAL};
    memcpy(&number.digits, &value, sizeof(value));
    return number;
}

/* Writes the text at `at`, perhaps touching more of the room, no NUL; returns its end. */
char *text_number_write(char *at, struct text_number number);

#endif
