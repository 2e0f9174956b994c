/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_record - what the reader tells the exporter: records of one size, over a socket pair.
 *
 * Counts, types, options that are numbers, endpoints, names of programs, which libzmq they run, how
 * each process is seen, and whose the kernel's sockets are: nothing else leaves the reader. The
 * exporter takes each record for hostile (peek_model.h). Both are of one build.
 *
 * First the exporter says what is to be left alone: EXCLUDE and FAILED, then BEGIN. After that it
 * says two things: ASK, that the next pass is to tell connections too; WANTED, that the owners of
 * these sockets are to be found.
 *
 * A pass is: a PROCESS for each process with libzmq that was looked at, followed by a SOCKET for
 * each of its `n_sockets`; then one PASS. A process is told when something is new of it, which is
 * in each pass while it is seen. LOOKING comes before a process is looked at, so that a process on
 * which the reader dies or hangs is known. When something is new of libraries, all are told: a
 * LIBRARIES, then a LIBRARY for each. After an ASK, CONNECTIONS follow the sockets of each process;
 * an OWNER comes when it is found.
 */
#ifndef PEEK_PEEK_RECORD_H
#define PEEK_PEEK_RECORD_H

#include "base/program_name.h"
#include "libraries/build_id.h"
#include "libraries/package_lookup.h"
#include "libraries/untapped.h"
#include "peek/peek_connection.h"
#include "peek/peek_options.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define PEEK_RECORD_MAGIC    UINT32_C(0x4b454550)
#define PEEK_RECORD_SIZE     1024u
#define PEEK_RECORD_UNKNOWN  (UINT64_C(1) << 63)
#define PEEK_RECORD_ENDPOINT 256u
#define PEEK_RECORD_PATH     400u
#define PEEK_MAX_SOCKETS     4096u /* of one process */
#define PEEK_MAX_PROCESSES   1024u /* with libzmq */
#define PEEK_MAX_LIBRARIES   4096u /* copies of libzmq, each in one process */
#define PEEK_MAX_EXCLUDED    1024u
#define PEEK_MAX_FAILED      32u

enum peek_record_kind {
    PEEK_RECORD_LOOKING = 1,
    PEEK_RECORD_PROCESS,
    PEEK_RECORD_SOCKET,
    PEEK_RECORD_GONE, /* the process ended, or has no context any more */
    PEEK_RECORD_PASS,
    PEEK_RECORD_LIBRARIES,
    PEEK_RECORD_LIBRARY,
    PEEK_RECORD_EXCLUDE, /* from the exporter, as the next two */
    PEEK_RECORD_FAILED,
    PEEK_RECORD_BEGIN,
    PEEK_RECORD_CONNECTIONS,
    PEEK_RECORD_OWNER,
    PEEK_RECORD_ASK, /* from the exporter, as the next one */
    PEEK_RECORD_WANTED,
    PEEK_RECORD_N_KINDS
};

/* Why a process is not seen. */
#define PEEK_REASONS(X)                                                                            \
    X(NONE, "", "it is seen")                                                                      \
    X(PERMISSION, "permission", "the kernel does not let the exporter look")                       \
    X(EXCLUDED, "excluded", "the configuration leaves it out")                                     \
    X(WORD_SIZE, "word_size", "it is a 32-bit program")                                            \
    X(CLASSES, "type_information", "its libzmq has no type information that is known")             \
    X(CONTEXT, "context", "no context was found through its threads")                              \
    X(LAYOUT, "layout", "its objects are not laid out as in a known libzmq")                       \
    X(TIME, "time", "looking at it took too long")                                                 \
    X(LIMIT, "limit", "more processes than the reader follows")                                    \
    X(FAILED, "failed", "the reader ended or hung while it looked")

enum peek_reason {
#define X(id, label, text) PEEK_REASON_##id,
    PEEK_REASONS(X)
#undef X
        PEEK_N_REASONS
};

struct peek_record_process {
    uint32_t pid;
    uint32_t reason; /* enum peek_reason; NONE: it is seen */
    uint64_t start_ticks;
    uint32_t n_sockets; /* that follow; only where it is seen */
    uint32_t n_contexts;
    uint32_t n_left_out;     /* sockets beyond PEEK_MAX_SOCKETS */
    uint32_t n_invalid;      /* sockets that changed while they were read, in this pass */
    uint32_t is_without_tap; /* none of its threads is a tap's */
    char program[PROGRAM_NAME_SIZE];
    uint64_t net_namespace; /* inode of /proc/PID/ns/net; 0: not known */
};

/* PEEK_RECORD_UNKNOWN where it is not known. Signed options in two's complement. */
struct peek_record_socket {
    uint64_t serial; /* unlike that of any other of the process */
    uint32_t type;
    uint32_t is_closed; /* by the program; libzmq still holds messages */
    uint32_t n_pipes, n_inproc, n_send_full;
    uint32_t is_valid; /* the numbers of queues are of this pass */
    uint64_t send_queue, receive_queue, send_fullest, receive_fullest;
    uint64_t n_written, n_read; /* whole messages, of all pipes that were seen; never decrease */
    uint64_t n_written_more, n_read_more; /* of these, since the socket was told last */
    uint64_t send_hwm, receive_hwm;
    struct peek_options options;
    uint64_t send_age_ns, receive_age_ns; /* of the oldest message that waits; 0: none does */
    uint64_t handle;                      /* socket_handle_of its address */
    uint64_t context;                     /* its number in the process, in this pass */
    char endpoint[PEEK_RECORD_ENDPOINT];
};

struct peek_record_pass {
    uint32_t n_processes; /* of the host that the reader sees */
    uint32_t n_followed;  /* of these, with libzmq */
    uint64_t elapsed_ns, cpu_ns;
    uint32_t has_connections; /* of all processes that are seen, as was asked */
    uint32_t unused;
};

struct peek_record_libraries {
    uint32_t n_libraries;                          /* that follow */
    uint32_t n_processes, n_unreadable, n_pending; /* as struct library_scan_totals */
    uint32_t n_left_out;                           /* beyond PEEK_MAX_LIBRARIES */
};

/* One copy of libzmq in one process. Empty texts: not known. */
struct peek_record_library {
    uint32_t pid;
    uint16_t is_replaced, is_inside; /* an executable or add-on that has it linked in */
    uint64_t start_ticks;
    struct untapped untapped; /* of the process */
    struct library_package package;
    char program[PROGRAM_NAME_SIZE];
    char build_id[BUILD_ID_TEXT_SIZE];
    char version[16];
    char path[PEEK_RECORD_PATH]; /* a longer one is cut */
};

/* Of EXCLUDE. */
struct peek_record_name {
    char program[PROGRAM_NAME_SIZE];
};

struct peek_record {
    uint32_t magic;
    uint32_t kind;
    union {
        struct peek_record_process process; /* of LOOKING, GONE and FAILED, too */
        struct peek_record_socket socket;
        struct peek_record_pass pass;
        struct peek_record_libraries libraries;
        struct peek_record_library library;
        struct peek_record_name name;
        struct peek_record_connections connections;
        struct peek_owner owner;
        struct peek_record_wanted wanted;
        unsigned char bytes[PEEK_RECORD_SIZE - 8];
    };
};

static_assert(sizeof(struct peek_record) == PEEK_RECORD_SIZE, "record");

/* All else is 0: whole records cross a process's border. */
static inline struct peek_record peek_record_of(enum peek_record_kind kind)
{
    struct peek_record record;
    memset(&record, 0, sizeof(record));
    record.magic = PEEK_RECORD_MAGIC;
    record.kind = kind;
    return record;
}

#endif
