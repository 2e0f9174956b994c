/* SPDX-License-Identifier: MPL-2.0 */
/* Databases of packages, and versions, which must have one order whatever they are. */
#include "collectors/library/package_version.h"
#include "libraries/package_lookup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

/* The first three lines as versions. */
static void compare(const char *text, size_t size)
{
    char versions[3][64] = {{0}};
    for (unsigned i = 0; i < 3; i++) {
        size_t n = 0;
        while (n < size && text[n] != '\n')
            n++;
        memcpy(versions[i], text, n < 63 ? n : 63);
        text += n < size ? n + 1 : n;
        size -= n < size ? n + 1 : n;
    }
    for (enum package_manager manager = PACKAGE_NONE + 1; manager < PACKAGE_N; manager++) {
        int ab = sign(package_version_compare(manager, versions[0], versions[1]));
        int bc = sign(package_version_compare(manager, versions[1], versions[2]));
        int ac = sign(package_version_compare(manager, versions[0], versions[2]));
        if (ab != -sign(package_version_compare(manager, versions[1], versions[0])) ||
            package_version_compare(manager, versions[0], versions[0]) != 0 ||
            (ab == bc && ac != ab) || (ab == 0 && ac != bc))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct library_package package = {0};
    (void)package_list_has(text, size, "/usr/lib/libzmq.so.5.2.4");
    (void)package_status_find(text, size, "libzmq5:amd64", &package);
    (void)package_apk_find(text, size, "/usr/lib/libzmq.so.5.2.5", &package);
    if (strnlen(package.version, sizeof(package.version)) == sizeof(package.version))
        abort();
    compare(text, size);
    return 0;
}
