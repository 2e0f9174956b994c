/* SPDX-License-Identifier: MPL-2.0 */
/*
 * package_version - versions of Debian packages in the order that dpkg has (deb-version(7)).
 *
 * A version is [epoch:]upstream[-revision]. Anything can be compared; what is no version sorts as
 * its characters do.
 */
#ifndef COLLECTORS_LIBRARY_PACKAGE_VERSION_H
#define COLLECTORS_LIBRARY_PACKAGE_VERSION_H

/* Less than, equal to, greater than 0. */
int package_version_compare(const char *a, const char *b);

#endif
