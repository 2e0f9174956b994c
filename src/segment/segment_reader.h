/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_reader - read one process's counters from its segment file.
 *
 * The file is written by another process, possibly hostile or dying. It is read with pread and
 * never mapped; every length and offset goes through one function that checks it against the
 * file's size; texts are ended by the reader; numbers that index something are checked here or
 * said to be unchecked. What memory a file can cost is bounded by the caller's buffers.
 *
 * A reading is: begin, any number of groups and lanes, end. The descriptor stays open, so that
 * the account of a process can still be read when its file's name is gone.
 *
 * Thread:  one a reader.   Blocks: no.
 * Owns:    the descriptor.
 * Errors:  SEGMENT_E_PREPARING  no header yet                    (normal: look again)
 *          SEGMENT_E_INVALID    not a segment, or not a regular file, or cut
 *          SEGMENT_E_VERSION    of a format that this reader does not know
 *          SEGMENT_E_UNCHANGED  no round since the reading before (normal: keep what you have)
 *          SEGMENT_E_TORN       a round went by during the reading (normal: read again; what was
 *                               read is of two rounds, each word valid by itself)
 *          -errno               anything else
 */
#ifndef SEGMENT_SEGMENT_READER_H
#define SEGMENT_SEGMENT_READER_H

#include "segment/segment_layout.h"

#include <stdbool.h>
#include <sys/stat.h>

#define SEGMENT_LANE_SIZE_MAX  16384u /* of other releases */
#define SEGMENT_GROUP_SIZE_MAX 16384u

enum segment_error {
    SEGMENT_E_PREPARING = 1,
    SEGMENT_E_INVALID,
    SEGMENT_E_VERSION,
    SEGMENT_E_UNCHANGED,
    SEGMENT_E_TORN,
};

struct segment_reader {
    int fd;
    dev_t device;
    ino_t inode;
    uid_t owner;
    uint64_t size;                /* of the file, at the last begin */
    uint64_t generation;          /* of the last reading */
    struct segment_header layout; /* as begin found it */
};

/* What a file's name says. */
struct segment_name {
    uint64_t pid, start_ticks;
    uint32_t image;
};

/* Whether `name` is one that a tap gives: `<pid>-<start ticks>[.<n>].seg`. */
bool segment_name_parse(const char *name, struct segment_name *ret_name);

/* Opens `name` in the directory; not through a link, and without waiting for anything. */
int segment_reader_open(int directory_fd, const char *name, struct segment_reader *ret_reader);
void segment_reader_close(struct segment_reader *self);

/* Reads the header into self->layout: counts within capacities, texts ended, numbers of
 * libraries, contexts and words brought into what this reader knows. With `is_forced` also
 * where no round has been written since. */
int segment_reader_begin(struct segment_reader *self, bool is_forced);

/* Reads groups [first, first + n) of layout.n_groups. Fields of type and is_other are unchecked. */
int segment_reader_groups(struct segment_reader *self, uint32_t first, uint32_t n,
                          struct segment_group *ret_groups);

/* Reads lanes [first, first + n) of layout.n_lanes. Words that the writer does not have read as 0
 * or, gauges, as SEGMENT_UNKNOWN. All words are unchecked, the lane's group too. */
int segment_reader_lanes(struct segment_reader *self, uint32_t first, uint32_t n,
                         struct segment_lane *ret_lanes);

/* Says whether the reading was of one round. */
int segment_reader_end(struct segment_reader *self);

#endif
