/* SPDX-License-Identifier: MPL-2.0 */
/*
 * text_number - numbers as the text formats write them, fast.
 *
 * Each function writes at `at`, where TEXT_NUMBER_MAX bytes are free, and returns the place after
 * the last digit; no NUL.
 */
#ifndef METRICS_TEXT_NUMBER_H
#define METRICS_TEXT_NUMBER_H

#include <stdint.h>

#define TEXT_NUMBER_MAX 32u

char *text_number_write_u64(char *at, uint64_t value);

/* A text that reads back as the same double, the shortest unless more than 15 digits are needed;
 * NaN, +Inf, -Inf. Whole numbers have no decimal point. */
char *text_number_write_real(char *at, double value);

#endif
