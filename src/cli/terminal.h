/* SPDX-License-Identifier: MPL-2.0 */
/*
 * terminal - colours for a person who looks, nothing for a pipe.
 *
 * Each text is empty unless the stream is a terminal that knows colours and NO_COLOR is not set.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/error.h"

#include <stdio.h>

struct terminal_ink {
    const char *bold, *red, *yellow, *green, *plain;
};

struct terminal_ink terminal_ink(FILE *stream);

/* The one line on standard error that says why `program` ("zmq_exporter run") gives up. */
void terminal_fail(const char *program, const struct error *err);

/* As terminal_fail, of what goes on all the same. */
void terminal_warn(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
