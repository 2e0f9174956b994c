/* SPDX-License-Identifier: MPL-2.0 */
/* A database of rpm, and the same bytes as the header of a package. */
#include "libraries/package_lookup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIBRARY "/usr/lib64/libzmq.so.5.2.4"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct library_package *package)
{
    bool is_found = package->manager == PACKAGE_RPM;
    if ((!is_found && package->manager != PACKAGE_NONE) ||
        strnlen(package->version, sizeof(package->version)) == sizeof(package->version) ||
        strnlen(package->source, sizeof(package->source)) == sizeof(package->source) ||
        (is_found && (!*package->name || !*package->version || !*package->source)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct library_package package = {0};
    if (package_rpm_header_find(data, size, LIBRARY, &package) != (package.manager == PACKAGE_RPM))
        abort();
    check(&package);
    int fd = memfd_create("Packages", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    package = (struct library_package){0};
    (void)package_rpm_find(fd, LIBRARY, &package);
    check(&package);
    close(fd);
    return 0;
}
