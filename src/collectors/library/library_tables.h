/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_tables - what is known of libzmq's releases, its advisories, and who fixed them.
 *
 * Compiled in from the .txt files beside this one; the configuration's section `library` may name
 * files of the same form that take their place, and may declare what somebody patched:
 *
 *     library:
 *       releases_file: releases.txt
 *       advisories_file: advisories.txt
 *       packages_file: packages.txt
 *       patched:
 *         - path: /opt/feed/libzmq.so.*    # as fnmatch(3), or
 *           build_id: 0123456789abcdef
 *           advisories: [CVE-2021-20236]
 *
 * Two statements are kept apart: upstream's release of that version is affected, and what runs has
 * the fix all the same.
 *
 * Thread: any; read-only once loaded.   Blocks: on the files.
 * Errors: -EINVAL, -errno with `err` set: the file, its line, and why.
 */
#ifndef COLLECTORS_LIBRARY_LIBRARY_TABLES_H
#define COLLECTORS_LIBRARY_LIBRARY_TABLES_H

#include "collectors/library/package_table.h"
#include "config/config_document.h"

#define LIBRARY_TABLES_FILE_MAX    ((size_t)1 << 20)
#define LIBRARY_TABLES_PATCHED_MAX 1000

struct library_patched;

struct library_tables {
    struct release_table releases;
    struct advisory_table advisories;
    struct package_table packages;
    struct library_patched *patched; /* declared */
    size_t n_patched;
};

/* One library as it runs. */
struct library_subject {
    struct release_version version;
    const struct library_package *package;
    const char *path, *build_id;
};

struct library_verdict {
    advisory_set affected; /* upstream's release of that version is */
    advisory_set patched;  /* of these, fixed in what runs */
    bool is_package_known; /* it is a package's, of that version */
    unsigned n[ADVISORY_N_SEVERITIES], n_patched[ADVISORY_N_SEVERITIES];
};

/* `section` is the configuration's, NULL for none; it is not needed afterwards. */
int library_tables_load(const struct config_node *section, struct library_tables **ret_tables,
                        struct error *err);
void library_tables_destroy(struct library_tables **self_p);

/* The upstream version in a package's version. False if it has none. */
bool library_tables_package_version(const struct library_package *package,
                                    struct release_version *ret_version);

void library_tables_judge(const struct library_tables *self, const struct library_subject *subject,
                          struct library_verdict *ret_verdict);

#endif
