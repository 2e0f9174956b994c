/* SPDX-License-Identifier: MPL-2.0 */
/*
 * package_lookup - which package of a distribution a library file belongs to.
 *
 * The package manager's database is read where the process sees it, in its own root, so that a
 * container's library is looked up in the container's database. Nothing is executed. The files
 * belong to whoever made that root and may be anything: sizes are limited, no link is followed.
 *
 * dpkg  var/lib/dpkg/info/NAME.list of packages whose names have "zmq" or "zeromq" in them, then
 *       their versions in var/lib/dpkg/status
 * apk   lib/apk/db/installed, or usr/lib/apk/db/installed
 * rpm   rpmdb.sqlite, Packages.db (ndb) or Packages (Berkeley DB) in usr/lib/sysimage/rpm or
 *       var/lib/rpm (package_rpm.c). One that is broken, too large or in the middle of a
 *       transaction: UNREAD
 *
 * Thread: one at a time.   Blocks: on the files.
 */
#ifndef LIBRARIES_PACKAGE_LOOKUP_H
#define LIBRARIES_PACKAGE_LOOKUP_H

#include "base/string_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define PACKAGE_NAME_SIZE           64u
#define PACKAGE_VERSION_SIZE        96u
#define PACKAGE_LOOKUP_CACHE_SIZE   64u
#define PACKAGE_LOOKUP_PATH_SIZE    256u
#define PACKAGE_LOOKUP_LIST_MAX     ((size_t)1 << 20)
#define PACKAGE_LOOKUP_DATABASE_MAX ((size_t)32 << 20)
#define PACKAGE_LOOKUP_NAMES_MAX    65536u /* of files in info/ that are looked at */

enum package_manager {
    PACKAGE_NONE,
    PACKAGE_DPKG,
    PACKAGE_APK,
    PACKAGE_RPM,
    PACKAGE_UNREAD, /* there may be one: the root's database could not be read */
    PACKAGE_N
};

/* What was not found is NONE or UNREAD, with empty texts. */
struct library_package {
    enum package_manager manager;
    char name[PACKAGE_NAME_SIZE], version[PACKAGE_VERSION_SIZE];
    char source[PACKAGE_NAME_SIZE], source_version[PACKAGE_VERSION_SIZE];
};

/* What was found is kept for as long as library and database are the same files. */
struct package_lookup {
    struct package_lookup_entry {
        char path[PACKAGE_LOOKUP_PATH_SIZE];
        dev_t dev, database_dev;
        ino_t ino, database_ino;
        struct timespec changed, database_changed;
        struct library_package package;
    } entries[PACKAGE_LOOKUP_CACHE_SIZE];
    unsigned n, next;
    uint64_t n_read; /* databases that were read: not from what was kept */
    struct string_buffer text;
};

/* "dpkg", "apk", "rpm"; "" for the others, which cannot be parsed. */
const char *package_manager_name(enum package_manager manager);
bool package_manager_parse(const char *name, enum package_manager *ret_manager);

/* The package of the file `path` under `process_root`, an open directory. */
void package_lookup_find(struct package_lookup *self, int process_root, const char *path,
                         struct library_package *ret_package);

void package_lookup_finish(struct package_lookup *self);

/* Whether a dpkg list names the path; with or without /usr, as that may be one folder. */
bool package_list_has(const char *text, size_t size, const char *path);

/* The installed package of that name in the text of dpkg's status; `name` as a list's name has
 * it, "libzmq5:amd64". False if there is none. */
bool package_status_find(const char *text, size_t size, const char *name,
                         struct library_package *ret_package);

/* The package that has the path in the text of apk's database. */
bool package_apk_find(const char *text, size_t size, const char *path,
                      struct library_package *ret_package);

/* The package that has the path in rpm's database, an open file; untouched if there is none.
 * Returns 0, -errno, or LIMITED_FILE_E_BROKEN: it is no such database, or broken, or too large. */
int package_rpm_find(int database, const char *path, struct library_package *ret_package);

/* The same of the header of one package. */
bool package_rpm_header_find(const uint8_t *header, size_t size, const char *path,
                             struct library_package *ret_package);

#endif
