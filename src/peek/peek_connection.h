/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_connection - what the reader tells of connections, in records of their own (peek_record.h).
 *
 * Told only in a pass before which the exporter has asked: for each process that is seen its
 * connections, in as many records as it takes. The kernel's sockets are known by their inodes, for
 * whose owners the exporter may ask, whatever program they are.
 */
#ifndef PEEK_PEEK_CONNECTION_H
#define PEEK_PEEK_CONNECTION_H

#include "base/program_name.h"

#include <stdint.h>

#define PEEK_CONNECTIONS_IN_RECORD 24u
#define PEEK_WANTED_IN_RECORD      120u
#define PEEK_MAX_WANTED            4096u

struct peek_connection {
    uint64_t serial; /* of its ZeroMQ socket */
    uint64_t inode;  /* of the kernel's socket; 0: a socket of the same process */
    uint64_t send_queue, receive_queue; /* messages */
    uint64_t full_since_ns;             /* since the epoch, as far as it was seen; 0: it is not */
};

struct peek_record_connections {
    uint32_t pid;
    uint32_t n; /* here */
    uint64_t start_ticks;
    uint32_t n_all; /* of the process, in this pass */
    uint32_t n_left_out;
    struct peek_connection items[PEEK_CONNECTIONS_IN_RECORD];
};

struct peek_owner {
    uint64_t inode;
    uint64_t start_ticks;
    uint32_t pid; /* 0: none was found */
    uint32_t unused;
    char program[PROGRAM_NAME_SIZE];
};

struct peek_record_wanted {
    uint32_t n, unused;
    uint64_t inodes[PEEK_WANTED_IN_RECORD];
};

#endif
