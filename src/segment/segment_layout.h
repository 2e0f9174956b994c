/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_layout - the file through which a tapped process tells its counters.
 *
 * One file per process image, `<pid>-<start ticks>[.<n>].seg` in the segment directory (see
 * SEGMENT_DIRECTORY_*), where n = 1, 2, … is the first free one after execve(), or when the name
 * is taken by somebody else. Two files of one image (same created_ns; the process gave up the
 * user that made the first) are one account: the one updated last counts. Fixed width, native
 * byte order, every word of 64 bits aligned to 8:
 *
 *     offset 0                       struct segment_header         16 KiB
 *     header.groups_offset           struct segment_group [group_capacity]
 *     header.lanes_offset            struct segment_lane  [lane_capacity]
 *
 * A *group* is what becomes a label set: socket type, endpoint and name. A *lane* is a row of words
 * for one open socket. A lane belongs to one group for ever and its counters are never reset: a
 * closed socket's lane waits for the next socket of the same group, which counts on from there.
 * So the sum over a group's lanes only grows, whatever opens, closes or is read half-way.
 *
 * Writer: the tap. On tmpfs the words that it counts in are mapped from the file, whose pages were
 * reserved, so that no end of the process costs a count; both generations are 0 then, and words
 * change at any time. Elsewhere, and for rows that there was no room for, it is pwrite(2) from
 * private memory ten times a second and at the end.
 * Order: groups and lanes are whole before the `n_groups` and `n_lanes` that publish them, the
 * header's `generation_begin` before and `generation_end` after each round. Words are whole;
 * a reader that meets unequal generations has words of two rounds, each valid by itself.
 * Reader: hostile input. Every length and offset is checked, the file is never mapped.
 */
#ifndef SEGMENT_SEGMENT_LAYOUT_H
#define SEGMENT_SEGMENT_LAYOUT_H

#include "segment/segment_counters.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_MAGIC            UINT64_C(0x0150544d51415a) /* "ZAQMTP\1" read as little endian */
#define SEGMENT_VERSION          1u
#define SEGMENT_BYTE_ORDER       UINT32_C(0x01020304)
#define SEGMENT_UNKNOWN          ((uint64_t)INT64_MIN) /* a gauge that was not measured */
#define SEGMENT_LANE_WORDS_MAX   256u
#define SEGMENT_MAX_GROUPS       1024u /* of one process, those named (other) included */
#define SEGMENT_MAX_LANES        8192u
#define SEGMENT_MAX_LIBRARIES    8u
#define SEGMENT_MAX_CONTEXTS     32u
#define SEGMENT_MAX_CAPABILITIES 32u
#define SEGMENT_MAX_IMAGES       64u    /* files of one process */
#define SEGMENT_N_TYPES          32u    /* socket types that can have a group (other) */
#define SEGMENT_LARGEST_PAGE     65536u /* of any machine's memory that maps a segment */

#define SEGMENT_DIRECTORY_VARIABLE "ZMQ_EXPORTER_DIR"
#define SEGMENT_DIRECTORY_DEFAULT  "/run/zmq_exporter"
#define SEGMENT_SUFFIX             ".seg"
#define SEGMENT_OTHER              "(other)" /* endpoint of the group beyond the limit */

enum segment_lane_word {
#define X(number, name, kind) SEGMENT_##name = (number),
    SEGMENT_LANE_WORDS(X)
#undef X
};

/* The words of the events. */
enum segment_event_word {
#define X(bit, name, text) SEGMENT_EVENT_##name = SEGMENT_EVENTS_BASE + (bit),
    SEGMENT_EVENT_NAMES(X)
#undef X
};

enum segment_capability_id {
#define X(number, name, text) SEGMENT_CAPABILITY_##name = (number),
    SEGMENT_CAPABILITIES(X)
#undef X
        SEGMENT_N_CAPABILITIES
};

enum segment_state { SEGMENT_PREPARING = 0, SEGMENT_LIVE = 1, SEGMENT_CLOSED = 2 };
enum segment_lane_state { SEGMENT_LANE_FREE = 0, SEGMENT_LANE_OPEN = 1 };

/* UNSET: nothing was tried yet. BOUND: the number is a bound, see the reason. */
enum segment_capability_state {
    SEGMENT_CAPABILITY_UNSET = 0,
    SEGMENT_CAPABILITY_ON = 1,
    SEGMENT_CAPABILITY_OFF = 2,
    SEGMENT_CAPABILITY_BOUND = 3,
};

struct segment_capability {
    uint32_t state; /* enum segment_capability_state */
    uint32_t reserved;
    char reason[56]; /* why it is off or a bound; NUL-terminated UTF-8, a few words */
};

struct segment_library {
    uint32_t version_major, version_minor, version_patch; /* zmq_version(3) of this copy */
    uint32_t is_draft;
    char path[240]; /* NUL-terminated; the file it was loaded from */
};

struct segment_context {
    uint64_t is_open;
    uint64_t n_sockets;   /* open, of the program */
    uint64_t max_sockets; /* as the program had set it when it made the first one */
    uint64_t io_threads;
};

struct segment_header {
    uint64_t magic;
    uint32_t version;
    uint32_t byte_order;
    uint32_t header_size;
    uint32_t group_size;
    uint32_t lane_size;
    uint32_t n_lane_words; /* words this writer knows */
    uint64_t groups_offset;
    uint64_t lanes_offset;
    uint32_t group_capacity;
    uint32_t lane_capacity;
    uint64_t generation_begin; /* both 0: words are counted in place, read them each time */
    uint64_t generation_end;
    uint64_t state;      /* enum segment_state */
    uint64_t updated_ns; /* CLOCK_MONOTONIC of the last round */
    uint32_t n_groups;
    uint32_t n_lanes;
    uint32_t n_libraries;
    uint32_t n_contexts;
    uint64_t pid;               /* as the process sees itself */
    uint64_t start_ticks;       /* field 22 of /proc/self/stat */
    uint64_t pid_namespace;     /* inode of /proc/self/ns/pid; 0: not known */
    uint64_t untracked_sockets; /* COUNTER: sockets beyond the tap's limits, not counted */
    uint64_t folded_groups;     /* COUNTER: groups that were given to (other) */
    uint64_t rounds_failed;     /* COUNTER: rounds that could not be written */
    uint64_t samples;           /* COUNTER: sampling rounds */
    uint64_t tap_cpu_ns;        /* COUNTER: CPU time of the tap's own thread */
    char boot_id[40];
    char tap_version[24];
    char program[128];   /* NUL-terminated UTF-8 */
    char command[128];   /* basename of the executable or, for an interpreter, of the script */
    uint64_t created_ns; /* CLOCK_MONOTONIC; with pid and start it names this process image */
    uint64_t api_errors[SEGMENT_PROCESS_ERRORS_SIZE]; /* COUNTER, atomic: SEGMENT_PROCESS_ERRORS */
    uint64_t net_namespace;                           /* inode of /proc/self/ns/net; 0: not known */
    uint8_t reserved[3528];
    struct segment_capability capabilities[SEGMENT_MAX_CAPABILITIES];
    struct segment_library libraries[SEGMENT_MAX_LIBRARIES];
    struct segment_context contexts[SEGMENT_MAX_CONTEXTS];
    uint8_t reserved_end[7168];
};

struct segment_group {
    uint32_t type;      /* ZMQ_PAIR … as in zmq.h */
    uint32_t is_other;  /* the group of what is beyond the limit */
    char endpoint[760]; /* NUL-terminated, as the program gave it; empty: none yet */
    char name[256];     /* a friendly name that the program gave, empty: none */
};

struct segment_lane {
    uint64_t words[SEGMENT_LANE_WORDS_MAX];
};

/* Every offset, so that no compiler and no word size makes another file of it. */
#define SEGMENT_SIZE_IS(name, size) static_assert(sizeof(struct segment_##name) == (size), #name)
#define SEGMENT_OFFSET_IS(name, field, offset)                                                     \
    static_assert(offsetof(struct segment_##name, field) == (offset), #name "." #field)

SEGMENT_SIZE_IS(capability, 64);
SEGMENT_OFFSET_IS(capability, state, 0);
SEGMENT_OFFSET_IS(capability, reserved, 4);
SEGMENT_OFFSET_IS(capability, reason, 8);
SEGMENT_SIZE_IS(library, 256);
SEGMENT_OFFSET_IS(library, version_major, 0);
SEGMENT_OFFSET_IS(library, version_minor, 4);
SEGMENT_OFFSET_IS(library, version_patch, 8);
SEGMENT_OFFSET_IS(library, is_draft, 12);
SEGMENT_OFFSET_IS(library, path, 16);
SEGMENT_SIZE_IS(context, 32);
SEGMENT_OFFSET_IS(context, is_open, 0);
SEGMENT_OFFSET_IS(context, n_sockets, 8);
SEGMENT_OFFSET_IS(context, max_sockets, 16);
SEGMENT_OFFSET_IS(context, io_threads, 24);
SEGMENT_SIZE_IS(header, 16384);
SEGMENT_OFFSET_IS(header, magic, 0);
SEGMENT_OFFSET_IS(header, version, 8);
SEGMENT_OFFSET_IS(header, byte_order, 12);
SEGMENT_OFFSET_IS(header, header_size, 16);
SEGMENT_OFFSET_IS(header, group_size, 20);
SEGMENT_OFFSET_IS(header, lane_size, 24);
SEGMENT_OFFSET_IS(header, n_lane_words, 28);
SEGMENT_OFFSET_IS(header, groups_offset, 32);
SEGMENT_OFFSET_IS(header, lanes_offset, 40);
SEGMENT_OFFSET_IS(header, group_capacity, 48);
SEGMENT_OFFSET_IS(header, lane_capacity, 52);
SEGMENT_OFFSET_IS(header, generation_begin, 56);
SEGMENT_OFFSET_IS(header, generation_end, 64);
SEGMENT_OFFSET_IS(header, state, 72);
SEGMENT_OFFSET_IS(header, updated_ns, 80);
SEGMENT_OFFSET_IS(header, n_groups, 88);
SEGMENT_OFFSET_IS(header, n_lanes, 92);
SEGMENT_OFFSET_IS(header, n_libraries, 96);
SEGMENT_OFFSET_IS(header, n_contexts, 100);
SEGMENT_OFFSET_IS(header, pid, 104);
SEGMENT_OFFSET_IS(header, start_ticks, 112);
SEGMENT_OFFSET_IS(header, pid_namespace, 120);
SEGMENT_OFFSET_IS(header, untracked_sockets, 128);
SEGMENT_OFFSET_IS(header, folded_groups, 136);
SEGMENT_OFFSET_IS(header, rounds_failed, 144);
SEGMENT_OFFSET_IS(header, samples, 152);
SEGMENT_OFFSET_IS(header, tap_cpu_ns, 160);
SEGMENT_OFFSET_IS(header, boot_id, 168);
SEGMENT_OFFSET_IS(header, tap_version, 208);
SEGMENT_OFFSET_IS(header, program, 232);
SEGMENT_OFFSET_IS(header, command, 360);
SEGMENT_OFFSET_IS(header, created_ns, 488);
SEGMENT_OFFSET_IS(header, api_errors, 496);
SEGMENT_OFFSET_IS(header, net_namespace, 560);
SEGMENT_OFFSET_IS(header, reserved, 568);
SEGMENT_OFFSET_IS(header, capabilities, 4096);
SEGMENT_OFFSET_IS(header, libraries, 6144);
SEGMENT_OFFSET_IS(header, contexts, 8192);
SEGMENT_OFFSET_IS(header, reserved_end, 9216);
SEGMENT_SIZE_IS(group, 1024);
SEGMENT_OFFSET_IS(group, type, 0);
SEGMENT_OFFSET_IS(group, is_other, 4);
SEGMENT_OFFSET_IS(group, endpoint, 8);
SEGMENT_OFFSET_IS(group, name, 768);
SEGMENT_SIZE_IS(lane, 2048);
SEGMENT_OFFSET_IS(lane, words, 0);

#endif
