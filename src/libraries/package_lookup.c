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
#define LIST_SUFFIX   ".list"
#define MAX_LIST_NAME ((int)(PACKAGE_NAME_SIZE - 1 + sizeof(LIST_SUFFIX) - 1))

static const char *const manager_names[PACKAGE_N] = {"", "dpkg", "apk", "rpm", ""};

const char *package_manager_name(enum package_manager manager)
{
    return manager_names[manager];
}

bool package_manager_parse(const char *name, enum package_manager *ret_manager)
{
    for (unsigned i = PACKAGE_NONE + 1; i < PACKAGE_N; i++) {
        if (*name && strcmp(manager_names[i], name) == 0) {
            *ret_manager = i;
            return true;
        }
    }
    return false;
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

/* A database, open, and the root that it is of. */
struct place {
    int root, database;
    const char *file;
};

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

static void find_dpkg(struct package_lookup *self, const struct place *place, const char *path,
                      struct library_package *ret_package)
{
    char name[PACKAGE_NAME_SIZE];
    if (find_list(self, place->root, path, name) &&
        read_file(self, place->database, PACKAGE_LOOKUP_DATABASE_MAX))
        (void)package_status_find(self->text.data, self->text.size, name, ret_package);
}

static void find_apk(struct package_lookup *self, const struct place *place, const char *path,
                     struct library_package *ret_package)
{
    if (read_file(self, place->database, PACKAGE_LOOKUP_DATABASE_MAX))
        (void)package_apk_find(self->text.data, self->text.size, path, ret_package);
}

/* What a transaction of rpm has not finished is in a file beside the database, which is empty
 * otherwise. */
static bool has_unfinished(const struct place *place)
{
    char file[128];
    struct stat status;
    (void)snprintf(file, sizeof(file), "%s-wal", place->file);
    cleanup_fd int log = library_file_open_in_root(place->root, file);
    return log >= 0 && (fstat(log, &status) < 0 || status.st_size > 0);
}

static void find_rpm(struct package_lookup *self, const struct place *place, const char *path,
                     struct library_package *ret_package)
{
    (void)self;
    if (has_unfinished(place) || package_rpm_find(place->database, path, ret_package) != 0)
        ret_package->manager = PACKAGE_UNREAD;
}

/* The first that is there is the root's; a distribution may have a link to it where it was. */
static const struct database {
    const char *file;
    void (*find)(struct package_lookup *self, const struct place *place, const char *path,
                 struct library_package *ret_package);
} databases[] = {
    {DPKG_STATUS, find_dpkg},
    {"lib/apk/db/installed", find_apk},
    {"usr/lib/apk/db/installed", find_apk},
    {"usr/lib/sysimage/rpm/rpmdb.sqlite", find_rpm},
    {"var/lib/rpm/rpmdb.sqlite", find_rpm},
    {"usr/lib/sysimage/rpm/Packages.db", find_rpm}, /* ndb */
    {"var/lib/rpm/Packages.db", find_rpm},
    {"usr/lib/sysimage/rpm/Packages", find_rpm}, /* Berkeley DB */
    {"var/lib/rpm/Packages", find_rpm},
};

static const struct database *open_database(struct place *place)
{
    for (size_t i = 0; i < sizeof(databases) / sizeof(*databases); i++) {
        place->file = databases[i].file;
        place->database = library_file_open_in_root(place->root, place->file);
        if (place->database >= 0)
            return &databases[i];
    }
    return NULL;
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
static bool identify(struct package_lookup_entry *entry, const struct place *place)
{
    struct stat library, status;
    cleanup_fd int fd = library_file_open_in_root(place->root, entry->path);
    if (fd < 0 || fstat(fd, &library) < 0 || fstat(place->database, &status) < 0)
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

    struct place place = {process_root, -1, NULL};
    const struct database *database = open_database(&place);
    cleanup_fd int fd = place.database;
    if (fd < 0 || !identify(&entry, &place))
        return;
    for (unsigned i = 0; i < self->n; i++) {
        if (is_same(&self->entries[i], &entry)) {
            *ret_package = self->entries[i].package;
            return;
        }
    }
    self->n_read++;
    database->find(self, &place, path, &entry.package);
    string_buffer_finish(&self->text); /* megabytes, once a package */
    *ret_package = entry.package;
    self->entries[self->next] = entry;
    self->next = (self->next + 1) % PACKAGE_LOOKUP_CACHE_SIZE;
    if (self->n < PACKAGE_LOOKUP_CACHE_SIZE)
        self->n++;
}
