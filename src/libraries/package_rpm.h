/* SPDX-License-Identifier: MPL-2.0 */
/*
 * package_rpm - the package of a file in rpm's database, where that is one of SQLite.
 *
 * Its table Name has the names of packages; of those with "zmq" or "zeromq" in them the headers in
 * the table Packages are read, which have version, source and files. What an older rpm has, a file
 * of Berkeley DB, or openSUSE, ndb, is not read.
 *
 * Source: rpm 4.18, lib/backend/sqlite.c and docs/manual/format.md
 */
#ifndef LIBRARIES_PACKAGE_RPM_H
#define LIBRARIES_PACKAGE_RPM_H

#include "libraries/package_lookup.h"

/* False: no such package has it, or the database cannot be read. `database` is open. */
bool package_rpm_find(int database, const char *path, struct library_package *ret_package);

/* The same of one header. */
bool package_rpm_header_find(const uint8_t *header, size_t size, const char *path,
                             struct library_package *ret_package);

#endif
