/* SPDX-License-Identifier: MPL-2.0 */
/*
 * flags - the command line of one command: a table of rows, parsed and explained from the same.
 *
 * `--name=value`, `--name value`, `--switch`; `--` ends the flags. A value is never empty, and one
 * that begins with two dashes needs the '='. A flag may be repeated where its row says so,
 * otherwise a second one is an error.
 *
 * Errors: -EINVAL with `err` filled: it names the flag and the remedy.
 */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define FLAGS_MAX        64u /* of one table */
#define FLAGS_MAX_VALUES 16u

/* What `--help` and `--version` lead to: not an error, but nothing to run either. */
#define FLAGS_E_HELP 1

struct flag_values {
    const char *items[FLAGS_MAX_VALUES]; /* borrowed from argv */
    size_t n;
};

enum flag_kind { FLAG_TEXT, FLAG_TEXTS, FLAG_NUMBER, FLAG_SWITCH };

struct flag {
    const char *name;    /* without dashes */
    const char *value;   /* what stands for it in the help, NULL for a switch */
    const char *preset;  /* its default as shown in the help, NULL: none */
    const char *help;    /* one sentence or two */
    enum flag_kind kind; /* of what `target` points to: */
    void *target;        /* const char *, struct flag_values, unsigned, bool */
};

/* Sets the targets; those of absent flags stay as they are. `*ret_rest` is the index of the first
 * argument that is not a flag (argc if none). FLAGS_E_HELP: --help or -h was among them. */
int flags_parse(const struct flag *flags, size_t n, int argc, char **argv, int *ret_rest,
                struct error *err);

/* The explanation of each flag on standard output. */
void flags_print(const struct flag *flags, size_t n);

/* One line for each flag, for the completion of shells: `--name`, or `--name=` where it takes a
 * value, a tab, and its explanation up to the first full stop. */
void flags_list(const struct flag *flags, size_t n);

#endif
