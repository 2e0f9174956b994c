/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_reader - the process that looks at other processes, and tells the exporter what it saw.
 *
 * Told first what it is to leave alone, it runs until the exporter is gone, one pass a second.
 * Asked by the exporter it tells more: connections, and whose a socket of the kernel is
 * (peek_record.h).
 */
#ifndef PEEK_PEEK_READER_H
#define PEEK_PEEK_READER_H

#include <stdbool.h>
#include <sys/types.h>

#define PEEK_READER_FD 3 /* the socket's end, as it is inherited */

struct peek_reader_options {
    int fd;               /* PEEK_READER_FD but in tests */
    unsigned interval_ms; /* between passes; 0: a second */
    bool is_launched;     /* in a process that a launcher made of itself */
};

/* Returns a negative errno if it could not start, 0 when the exporter is gone. */
int peek_reader_run(const struct peek_reader_options *options);

#endif
