/* SPDX-License-Identifier: MPL-2.0 */
/* fake_host - a folder made to look like /proc, with processes that have a libzmq mapped. */
#ifndef TESTS_SUPPORT_FAKE_HOST_H
#define TESTS_SUPPORT_FAKE_HOST_H

#include "support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Writes `text` to `folder`/`name`; makes the folders on the way. */
static inline void fake_host_write(const char *folder, const char *name, const char *text)
{
    char path[512];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_true(n > 0 && (size_t)n < sizeof(path));
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The process `pid` of the program feed<pid>, which has `library` mapped; "/x (deleted)" is one
 * that was removed since. */
static inline void fake_host_process(const char *folder, int pid, const char *library)
{
    char name[64], text[512];
    (void)snprintf(name, sizeof(name), "%d/stat", pid);
    (void)snprintf(text, sizeof(text), "%d (a) S%s 100 4096 1 ", pid,
                   " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0");
    fake_host_write(folder, name, text);
    (void)snprintf(name, sizeof(name), "%d/cgroup", pid);
    (void)snprintf(text, sizeof(text), "0::/system.slice/feed%d.service\n", pid);
    fake_host_write(folder, name, text);
    (void)snprintf(name, sizeof(name), "%d/maps", pid);
    (void)snprintf(text, sizeof(text), "1000-2000 r--p 0 08:01 7 %s\n", library);
    fake_host_write(folder, name, text);
}

/* A file in the process's own root. */
static inline void fake_host_file(const char *folder, int pid, const char *path, const char *text)
{
    char name[300];
    (void)snprintf(name, sizeof(name), "%d/root%s", pid, path);
    fake_host_write(folder, name, text);
}

/* dpkg's database in the process's root: one package of that name and version with that file. */
static inline void fake_host_dpkg(const char *folder, int pid, const char *name,
                                  const char *version, const char *path)
{
    char file[128], text[512];
    (void)snprintf(file, sizeof(file), "/var/lib/dpkg/info/%s:amd64.list", name);
    (void)snprintf(text, sizeof(text), "/.\n%s\n", path);
    fake_host_file(folder, pid, file, text);
    (void)snprintf(text, sizeof(text),
                   "Package: %s\nStatus: install ok installed\nArchitecture: amd64\n"
                   "Source: zeromq3\nVersion: %s\n\n",
                   name, version);
    fake_host_file(folder, pid, "/var/lib/dpkg/status", text);
}

#endif
