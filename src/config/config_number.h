/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_number - numbers, durations and sizes as people write them.
 *
 * Each returns false, and leaves its output alone, for anything but the form named here.
 */
#ifndef CONFIG_CONFIG_NUMBER_H
#define CONFIG_CONFIG_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* "-12": decimal digits, a sign only if negative, no spaces. */
bool config_number_parse_integer(const char *text, int64_t *ret);

/* "0", or one or more of "<digits><d, h, m, s or ms>", in that order: as Prometheus has them. */
bool config_number_parse_duration(const char *text, int64_t *ret_ms);

/* "<digits>", or with KiB, MiB or GiB. */
bool config_number_parse_size(const char *text, int64_t *ret_bytes);

#endif
