/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/package_lookup.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "libraries/library_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DPKG_STATUS   "var/lib/dpkg/status"
#define DPKG_INFO     "var/lib/dpkg/info"
#define APK_FILE      "lib/apk/db/installed"
#define LIST_SUFFIX   ".list"
#define MAX_LIST_NAME ((int)(PACKAGE_NAME_SIZE - 1 + sizeof(LIST_SUFFIX) - 1))

const char *package_manager_name(enum package_manager manager)
{
    static const char *const names[] = {"", "dpkg", "apk"};
    return names[manager];
}

void package_lookup_finish(struct package_lookup *self)
{
    string_buffer_finish(&self->text);
    *self = (struct package_lookup){0};
}

/* False: it cannot be read, or is too large to be such a file. */
static bool read_file(struct package_lookup *self, int fd, size_t max)
{
    string_buffer_clear(&self->text);
    return read_all(fd, max, &self->text) == 0;
}

static bool is_candidate(const char *name)
{
    size_t n = strlen(name), suffix = strlen(LIST_SUFFIX);
    return n > suffix && n - suffix < PACKAGE_NAME_SIZE &&
           strcmp(name + n - suffix, LIST_SUFFIX) == 0 &&
           (strstr(name, "zmq") || strstr(name, "zeromq"));
}

/* The name of the package whose list has the path. */
static bool find_list(struct package_lookup *self, int process_root, const char *path,
                      char ret_name[static PACKAGE_NAME_SIZE])
{
    int fd = library_file_open_folder(process_root, DPKG_INFO);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool is_found = false;
    const struct dirent *item;
    for (unsigned n = 0; !is_found && n < PACKAGE_LOOKUP_NAMES_MAX && (item = readdir(folder));
         n++) {
        char file[sizeof(DPKG_INFO) + PACKAGE_NAME_SIZE + sizeof(LIST_SUFFIX)];
        if (!is_candidate(item->d_name))
            continue;
        (void)snprintf(file, sizeof(file), DPKG_INFO "/%.*s", MAX_LIST_NAME, item->d_name);
        cleanup_fd int list = library_file_open_in_root(process_root, file);
        if (list < 0 || !read_file(self, list, PACKAGE_LOOKUP_LIST_MAX) ||
            !package_list_has(self->text.data, self->text.size, path))
            continue;
        (void)snprintf(ret_name, PACKAGE_NAME_SIZE, "%.*s",
                       (int)(strlen(item->d_name) - strlen(LIST_SUFFIX)), item->d_name);
        is_found = true;
    }
    closedir(folder);
    return is_found;
}

static void find_dpkg(struct package_lookup *self, int process_root, int database, const char *path,
                      struct library_package *ret_package)
{
    char name[PACKAGE_NAME_SIZE];
    if (find_list(self, process_root, path, name) &&
        read_file(self, database, PACKAGE_LOOKUP_DATABASE_MAX))
        (void)package_status_find(self->text.data, self->text.size, name, ret_package);
}

static void find_apk(struct package_lookup *self, int database, const char *path,
                     struct library_package *ret_package)
{
    if (read_file(self, database, PACKAGE_LOOKUP_DATABASE_MAX))
        (void)package_apk_find(self->text.data, self->text.size, path, ret_package);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const struct package_lookup_entry *a, const struct package_lookup_entry *b)
{
    return a->ino == b->ino && a->dev == b->dev && a->database_ino == b->database_ino &&
           a->database_dev == b->database_dev && is_same_time(&a->changed, &b->changed) &&
           is_same_time(&a->database_changed, &b->database_changed) &&
           strcmp(a->path, b->path) == 0;
}

/* The identity of both files; false where the library's is not to be had. */
static bool identify(struct package_lookup_entry *entry, int process_root, int database)
{
    struct stat library, status;
    cleanup_fd int fd = library_file_open_in_root(process_root, entry->path);
    if (fd < 0 || fstat(fd, &library) < 0 || fstat(database, &status) < 0)
        return false;
    entry->dev = library.st_dev;
    entry->ino = library.st_ino;
    entry->changed = library.st_ctim;
    entry->database_dev = status.st_dev;
    entry->database_ino = status.st_ino;
    entry->database_changed = status.st_ctim;
    return true;
}

void package_lookup_find(struct package_lookup *self, int process_root, const char *path,
                         struct library_package *ret_package)
{
    struct package_lookup_entry entry = {0};
    *ret_package = (struct library_package){0};
    if (strlen(path) >= sizeof(entry.path))
        return;
    memcpy(entry.path, path, strlen(path) + 1);

    cleanup_fd int dpkg = library_file_open_in_root(process_root, DPKG_STATUS);
    cleanup_fd int apk = dpkg < 0 ? library_file_open_in_root(process_root, APK_FILE) : -1;
    int database = dpkg < 0 ? apk : dpkg;
    if (database < 0 || !identify(&entry, process_root, database))
        return;
    for (unsigned i = 0; i < self->n; i++) {
        if (is_same(&self->entries[i], &entry)) {
            *ret_package = self->entries[i].package;
            return;
        }
    }
    self->n_read++;
    if (dpkg >= 0)
        find_dpkg(self, process_root, dpkg, path, &entry.package);
    else
        find_apk(self, apk, path, &entry.package);
    string_buffer_finish(&self->text); /* megabytes, once a package */
    *ret_package = entry.package;
    self->entries[self->next] = entry;
    self->next = (self->next + 1) % PACKAGE_LOOKUP_CACHE_SIZE;
    if (self->n < PACKAGE_LOOKUP_CACHE_SIZE)
        self->n++;
}
