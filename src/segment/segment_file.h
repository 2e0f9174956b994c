/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_file - the segment's name in the directory: made once, found again each round.
 *
 * The directory may be missing, full, read-only or shared with hostile users. A file is made with
 * O_EXCL and opened again with O_NOFOLLOW and O_NONBLOCK; it is used only while it is the very
 * file that was made (device, inode, owner, regular) and no shorter than it was. Nothing here
 * follows a link, waits for a FIFO, or writes to what somebody else put in place.
 *
 * Part of the tap: libc only. Errors: a negative errno; -ESTALE: the file that was made is gone,
 * cut or replaced, make another.
 */
#ifndef SEGMENT_SEGMENT_FILE_H
#define SEGMENT_SEGMENT_FILE_H

#include "segment/segment_layout.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* No file is kept where less is free: so much, or this part of a small file system. */
#define SEGMENT_FILE_RESERVED_BYTES (16u << 20)
#define SEGMENT_FILE_RESERVED_PART  8u

struct segment_file {
    char directory[PATH_MAX - 64]; /* absolute */
    char path[PATH_MAX];
    dev_t device;
    ino_t inode;
    uid_t owner;
    off_t size; /* at least this, if nobody cut it */
    bool is_made;
    bool is_protected; /* mode 0440 while it is not open: who maps it must not lose it to a cut */
};

/* Remembers the directory, made absolute. -ENAMETOOLONG. */
int segment_file_init(struct segment_file *self, const char *directory);

bool segment_file_is_on_tmpfs(const struct segment_file *self);

/* Makes an empty file of mode 0640 under the first free name of the image that `header` is, and
 * marks the files of this process's older images closed. Gives the open descriptor. -ENOSPC where
 * the file system has little room left. */
int segment_file_make(struct segment_file *self, const struct segment_header *header, int *ret_fd);

/* Opens the file that was made, for writing. Closed by segment_file_release. */
int segment_file_open(const struct segment_file *self, int *ret_fd);

/* From now on the file is protected while it is not open. */
void segment_file_protect(struct segment_file *self, int fd);
void segment_file_release(const struct segment_file *self, int fd);

/* Whether the directory has no such file any more, or another one. Opens nothing. A path that leads
 * nowhere, as after chroot(2), says that too: only if another file can be made is it gone. */
bool segment_file_is_missing(const struct segment_file *self);

/* Takes the file out of the directory, if it is still the one that was made. */
void segment_file_remove(struct segment_file *self);

#endif
