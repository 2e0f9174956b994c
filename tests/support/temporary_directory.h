/* SPDX-License-Identifier: MPL-2.0 */
/* temporary_directory - a fresh directory for one test, gone with all it holds at its end. */
#ifndef TESTS_SUPPORT_TEMPORARY_DIRECTORY_H
#define TESTS_SUPPORT_TEMPORARY_DIRECTORY_H

#include "support/cmocka.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static inline void temporary_directory_make(char ret_path[static 64])
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(ret_path, 64, "%s/zt-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(ret_path));
}

static inline int temporary_directory_visit(const char *path, const struct stat *status, int type,
                                            struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static inline void temporary_directory_remove(const char *path)
{
    (void)nftw(path, temporary_directory_visit, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
