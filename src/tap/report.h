/* SPDX-License-Identifier: MPL-2.0 */
/*
 * report - says in ZMQ_EXPORTER_TAP_LOG why something cannot be measured or shown, when it begins
 * and when it ends, and not each time. Nothing if the variable was not set when the tap was loaded.
 *
 * Thread: report_read_path at load; report_start any, under the start's lock; report_round the
 *         tap's own; report_line either: it makes system calls.
 */
#ifndef TAP_REPORT_H
#define TAP_REPORT_H

#include "segment/segment_layout.h"

/* The tap's thread does not read the environment, which the program may be changing. */
void report_read_path(void);

void report_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A new segment, to be made in the directory: all is reported again. Borrows `header`. */
void report_start(const char *directory, const struct segment_header *header);

/* After a round: `result` is what segment_writer_publish returned. */
void report_round(int result);

#endif
