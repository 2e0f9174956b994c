/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_join - the copies of libzmq of all processes: what is mapped, seen by the reader or by
 * the exporter itself, with what tapped processes told of themselves.
 *
 * A tapped process told its exact version and its name, and of copies that no file's name shows.
 *
 * Thread: one at a time. Owns: the texts of the rows, until the next time.
 */
#ifndef COLLECTORS_LIBRARY_LIBRARY_JOIN_H
#define COLLECTORS_LIBRARY_LIBRARY_JOIN_H

#include "collectors/library/library_rows.h"
#include "collectors/library/library_segments.h"
#include "collectors/library/untapped_rows.h"
#include "libraries/library_scan.h"
#include "peek/peek_record.h"

/* In which a file that a tap told of is seen mapped. */
#define LIBRARY_JOIN_PATIENCE_S (LIBRARY_SCAN_INTERVAL_S + 10)

struct library_waiting;

struct library_join {
    int root_fd; /* of procfs; borrowed */
    const struct release_table *releases;
    struct library_segments segments;
    struct library_rows *rows;
    struct untapped_rows untapped;
    struct library_told **told; /* whose texts are used */
    size_t n_told, capacity;
    struct library_waiting *waiting; /* processes of which only their taps tell yet */
    size_t n_waiting;
};

void library_join_init(struct library_join *self, int root_fd, const char *segments);
void library_join_finish(struct library_join *self);

/* Begins `rows` anew. Then every process is added, by whoever saw it, and then the rest. */
void library_join_begin(struct library_join *self, const struct release_table *releases,
                        struct library_rows *rows);
void library_join_add_scanned(const struct library_process *process, void *self);
void library_join_add_records(struct library_join *self, const struct peek_record_library *records,
                              size_t n);

/* `now_ns`: monotonic. `scan` has looked at the processes; NULL: the reader has. */
void library_join_end(struct library_join *self, const struct library_scan *scan, uint64_t now_ns);

#endif
