/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_writer - keeps the segment's file what a segment_table says.
 *
 * Where segment_writer_map succeeds, words are counted in the file itself (segment_map.h), and a
 * round stores a heartbeat, makes room for more rows, and looks once a second whether the file is
 * there. What is not mapped is written, round by round.
 *
 * No descriptor is kept between rounds: the program may close or reuse any number it likes, and
 * a descriptor of ours that it closed would let us write into a file of its own. A round that
 * writes opens the file by name (O_NOFOLLOW), checks that it is the one that was made (device,
 * inode, owner), writes what changed, and closes. A file that is gone or was cut is made again,
 * whole, and from then on written. No call blocks on anything but the file system; no signal is
 * raised; errno is kept.
 *
 * Thread: one at a time (the tap's thread, or the last call at the end of the process).
 * Errors: the round is given up and counted in header.rounds_failed; the next one tries again,
 *         at most every second while the directory is missing or refuses.
 */
#ifndef SEGMENT_SEGMENT_WRITER_H
#define SEGMENT_SEGMENT_WRITER_H

#include "segment/segment_map.h"

struct segment_writer;

/* Fills in the header's identity (pid, start, namespace, boot, program, command) from /proc and
 * the environment. Makes no file yet. `directory` is copied. */
int segment_writer_new(struct segment_table *table, const char *directory,
                       struct segment_writer **ret_writer);

/* Makes the file and lays the table there, before any of its rows is taken. Returns 0 or a negative
 * errno, after which rounds write; SEGMENT_CAPABILITY_DURABLE says which, and why. `lock` is taken
 * by later rounds for as long as mapping a few pages takes. */
int segment_writer_map(struct segment_writer *self, const struct segment_map_lock *lock);

/* The heartbeat of a mapped file alone: no system call. For when rounds are forbidden. */
void segment_writer_beat(struct segment_writer *self);

/* One round. Returns 0 or a negative errno, for tests; callers need not look. */
int segment_writer_publish(struct segment_writer *self);

/* Whether segment_writer_close makes no system call. */
bool segment_writer_closes_quietly(const struct segment_writer *self);

/* A last round that marks the file closed: the agent folds it at once. Only at the end of the
 * process: a round after it still writes to the file, if it is there, but makes none. */
void segment_writer_close(struct segment_writer *self);

/* Frees the writer and leaves the file. Also for a forked child, whose parent owns the file. */
void segment_writer_destroy(struct segment_writer **self_p);

#endif
