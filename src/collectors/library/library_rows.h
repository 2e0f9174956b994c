/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_rows - what zmq_library families say, one row for each program, version, path,
 * build id and package, however many processes share it.
 *
 * Paths and programs come from other users' processes, so the number of rows is limited: beyond
 * LIBRARY_ROWS_MAX a process counts in `n_folded` only.
 *
 * Owns: nothing; texts are borrowed from the scan and from segments until the next clear.
 */
#ifndef COLLECTORS_LIBRARY_LIBRARY_ROWS_H
#define COLLECTORS_LIBRARY_LIBRARY_ROWS_H

#include "collectors/library/library_tables.h"

#include <stddef.h>

#define LIBRARY_ROWS_MAX 500

struct library_row {
    const char *program, *path, *build_id;
    const struct library_package *package;
    char version[32];              /* "4.3.4", "4.1.2-4.1.4"; empty: not known */
    bool has_number;               /* the next is valid */
    struct release_version newest; /* of the range */
    unsigned n_processes, n_replaced;
    uint32_t hash; /* of what makes it a row of its own; library_rows_add() sets it */
};

struct library_rows {
    struct library_row rows[LIBRARY_ROWS_MAX];
    size_t n;
    size_t n_folded; /* processes for which there was no row left */
};

/* Fills in version, has_number and newest from the base name of `path`, and from the package where
 * that tells the same or more. */
void library_row_from_file(struct library_row *row, const struct release_table *releases);

/* The same from a version that the process itself told. */
void library_row_from_version(struct library_row *row, struct release_version version);

/* Adds one process: `row` has n_processes 1. */
void library_rows_add(struct library_rows *self, const struct library_row *row);

#endif
