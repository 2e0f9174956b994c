/* SPDX-License-Identifier: MPL-2.0 */
/*
 * error - a message for the person who wrote the input that failed.
 *
 * Functions return 0, a negative errno (fatal to the operation, forwarded unchanged) or a
 * positive MODULE_E_* (a documented outcome for the direct caller). Where a human wrote the
 * input, the last parameter is a `struct error *`, filled once, where the error is born:
 *
 *     return error_set(err, -EINVAL, "%s:%u: unknown key '%s'", path, line, key);
 *
 * agent/ and cli/ print it, once; library folders never log. A message names the place and
 * the remedy and ends without a full stop.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

struct error {
    char message[1024]; /* the names of all cipher suites, and what is wrong with one */
};

/* Formats the message (cut at 1023 bytes) and returns `code`. `err` may be NULL. */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts `format` and ": " before the message that is there; returns `code`. */
int error_prefix(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
