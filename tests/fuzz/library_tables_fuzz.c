/* SPDX-License-Identifier: MPL-2.0 */
/* A table of releases, advisories or packages, as the first byte says; then a judgement by it. */
#include "collectors/library/library_tables.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct library_tables *tables)
{
    static const struct library_package package = {PACKAGE_DPKG, "libzmq5", "1", "zeromq3",
                                                   "4.3.1-4+deb10u2"};
    const struct library_subject subject = {{4, 3, 1}, &package, "/x", ""};
    const struct release *oldest, *newest;
    struct library_verdict verdict;
    library_tables_judge(tables, &subject, &verdict);
    if (verdict.patched & ~verdict.affected)
        abort();
    if (tables->releases.n) {
        (void)release_table_behind(&tables->releases, subject.version);
        (void)release_table_find_file(&tables->releases, "libzmq.so.5.2.4", &oldest, &newest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct library_tables tables = {0};
    struct error err;
    if (size < 1)
        return 0;
    const char *text = (const char *)data + 1;
    char kind = (char)*data;
    size--;
    if (kind == 'r')
        (void)release_table_parse("t", text, size, &tables.releases, &err);
    else if (kind == 'a')
        (void)advisory_table_parse("t", text, size, &tables.advisories, &err);
    else
        (void)package_table_parse("t", text, size, &tables.advisories, &tables.packages, &err);
    look_up(&tables);
    release_table_finish(&tables.releases);
    advisory_table_finish(&tables.advisories);
    package_table_finish(&tables.packages);
    return 0;
}
