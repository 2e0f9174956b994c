/* SPDX-License-Identifier: MPL-2.0 */
/*
 * rpm_blobs - the packages' headers in a database of rpm that is not one of SQLite.
 *
 * rpm_bdb  var/lib/rpm/Packages, a hash of Berkeley DB: rpm before 4.16, as in RHEL 8 and older
 *          Source: rpm 4.18, lib/backend/bdb_ro.c
 * rpm_ndb  Packages.db of openSUSE and SLES
 *          Source: rpm 4.18, lib/backend/ndb/rpmpkg.c
 *
 * There is no index of names in these files, so all headers are visited; of each only the beginning
 * is read until it is wanted. The files may be anything: what is read and how large a header may be
 * are limited. A file that is written meanwhile gives what is in it at that moment, or
 * LIMITED_FILE_E_BROKEN.
 *
 * Thread: one at a time.   Blocks: on the file.
 * Errors: LIMITED_FILE_E_BROKEN, -errno of reading, -ENOMEM
 */
#ifndef LIBRARIES_RPM_BLOBS_H
#define LIBRARIES_RPM_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPM_BLOBS_READ_MAX ((size_t)64 << 20)
#define RPM_BLOBS_SIZE_MAX ((size_t)4 << 20) /* of one; larger ones are left out */
#define RPM_BLOBS_START    4096u             /* bytes of one that are read at first, at most */

struct rpm_blobs_visitor {
    void *data;
    /* Whether the one whose first `n` bytes these are is to be visited. */
    bool (*wants)(void *data, const uint8_t *start, size_t n, size_t size);
    /* False: no more are wanted. */
    bool (*visit)(void *data, const uint8_t *blob, size_t size);
};

/* Whether the file's first bytes, of which there are RPM_BLOBS_MAGIC, are those of the format. */
#define RPM_BLOBS_MAGIC 16u
bool rpm_bdb_is(const uint8_t start[static RPM_BLOBS_MAGIC]);
bool rpm_ndb_is(const uint8_t start[static RPM_BLOBS_MAGIC]);

int rpm_bdb_each(int fd, const struct rpm_blobs_visitor *visitor);
int rpm_ndb_each(int fd, const struct rpm_blobs_visitor *visitor);

#endif
