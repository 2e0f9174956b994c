/* SPDX-License-Identifier: MPL-2.0 */
/*
 * package_version - versions of packages in the order that their package manager has.
 *
 * dpkg  [epoch:]upstream[-revision], deb-version(7)
 * rpm   [epoch:]version[-release], rpm-version(7); what has no release is before what has one
 * apk   number{.number}[letter]{_suffix[number]}[~hash][-rNUMBER], apk-package(5)
 *
 * Anything can be compared, and each order is one: what is no version has a place in it, too.
 */
#ifndef COLLECTORS_LIBRARY_PACKAGE_VERSION_H
#define COLLECTORS_LIBRARY_PACKAGE_VERSION_H

#include "libraries/package_lookup.h"

/* Less than, equal to, greater than 0. */
int package_version_compare(enum package_manager manager, const char *a, const char *b);

/* The three orders. */
int package_version_compare_dpkg(const char *a, const char *b);
int package_version_compare_rpm(const char *a, const char *b);
int package_version_compare_apk(const char *a, const char *b);

#endif
