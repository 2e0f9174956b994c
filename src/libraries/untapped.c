/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/untapped.h"

#include "base/cleanup.h"
#include "base/fnv.h"
#include "base/procfs.h"
#include "libraries/library_file.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_THREADS 512u /* of a process whose names are read */
#define TAP_NAME    "libzmqtap"

const char *untapped_label(enum untapped_reason reason)
{
    static const char *const labels[UNTAPPED_N_REASONS] = {
#define X(id, label, remedy) [UNTAPPED_##id] = label,
        UNTAPPED_REASONS(X)
#undef X
    };
    return labels[reason];
}

const char *untapped_remedy(enum untapped_reason reason)
{
    static const char *const remedies[UNTAPPED_N_REASONS] = {
#define X(id, label, remedy) [UNTAPPED_##id] = remedy,
        UNTAPPED_REASONS(X)
#undef X
    };
    return remedies[reason];
}

struct untapped_maps untapped_read_maps(const char *maps)
{
    return (struct untapped_maps){.has_tap = strstr(maps, "/" TAP_NAME) != NULL,
                                  .has_glibc = strstr(maps, "/libc.so.6\n") ||
                                               strstr(maps, "/libc-2.")};
}

/* The value of a variable in the text of /proc/<pid>/environ, or NULL. */
static const char *find_variable(const struct string_buffer *text, const char *name)
{
    size_t size = strlen(name);
    const char *end = text->data + text->size;
    for (const char *at = text->data; at && at < end; at += strnlen(at, (size_t)(end - at)) + 1) {
        size_t length = strnlen(at, (size_t)(end - at));
        if (length > size && memcmp(at, name, size) == 0 && at[size] == '=')
            return at + size + 1;
    }
    return NULL;
}

static bool has_value(const struct string_buffer *text, const char *name, const char *value)
{
    const char *found = find_variable(text, name);
    return found && strcmp(found, value) == 0;
}

/* libzmq's threads run once a socket was made. */
static bool has_sockets(int root_fd, pid_t pid)
{
    char path[64], name[32];
    (void)snprintf(path, sizeof(path), "%d/task", pid);
    int fd = openat(root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *item;
    bool is_found = false;
    if (!directory && fd >= 0)
        close(fd);
    for (unsigned n = 0; directory && n < MAX_THREADS && !is_found && (item = readdir(directory));
         n++) {
        (void)snprintf(path, sizeof(path), "%.16s/comm", item->d_name);
        cleanup_fd int comm = isdigit((unsigned char)item->d_name[0])
                                  ? openat(dirfd(directory), path, O_RDONLY | O_CLOEXEC)
                                  : -1;
        ssize_t size = comm >= 0 ? read(comm, name, sizeof(name) - 1) : 0;
        name[size > 0 ? size : 0] = '\0';
        is_found = strstr(name, "ZMQbg") != NULL;
    }
    if (directory)
        closedir(directory);
    return is_found;
}

/* Of a line of /proc/<pid>/status, the number in column `i` from 0; false: there is none. */
static bool read_column(const struct string_buffer *status, const char *name, unsigned i,
                        unsigned long *ret_number)
{
    const char *line = status->data ? strstr(status->data, name) : NULL;
    if (!line)
        return false;
    line += strlen(name);
    for (unsigned at = 0;; at++) {
        line += strspn(line, " \t");
        if (!isdigit((unsigned char)*line))
            return false;
        char *end;
        *ret_number = strtoul(line, &end, 10);
        line = end;
        if (at == i)
            return true;
    }
}

/* AT_SECURE of its auxiliary vector. */
static bool is_secure(int root_fd, pid_t pid, struct string_buffer *text)
{
    unsigned long pair[2];
    if (procfs_read(root_fd, pid, "auxv", text) < 0)
        return false;
    for (size_t at = 0; at + sizeof(pair) <= text->size; at += sizeof(pair)) {
        memcpy(pair, text->data + at, sizeof(pair));
        if (pair[0] == AT_SECURE)
            return pair[1] != 0;
    }
    return false;
}

/* Other groups of the process are not asked for: where the group may write, it is taken to be one
 * of them. */
static bool may_write(const struct stat *status, unsigned long uid)
{
    mode_t wanted = status->st_uid == uid ? S_IWUSR : S_IWOTH | S_IWGRP;
    return uid == 0 || (status->st_mode & wanted) != 0;
}

static bool is_directory_good(int root_fd, pid_t pid, const char *directory,
                              struct string_buffer *text)
{
    struct stat status;
    struct statfs system;
    unsigned long uid;
    cleanup_fd int root = library_file_open_root(root_fd, pid);
    if (root < 0 || procfs_read(root_fd, pid, "status", text) < 0 ||
        !read_column(text, "\nUid:", 1, &uid))
        return true; /* not known */
    cleanup_fd int fd = library_file_open_folder(root, directory);
    if (fd < 0)
        return fd != -ENOENT && fd != -ENOTDIR;
    return fstat(fd, &status) < 0 || fstatfs(fd, &system) < 0 ||
           (may_write(&status, uid) && !(system.f_flags & MS_RDONLY) && system.f_bavail > 0);
}

uint64_t untapped_hash(const char *directory)
{
    return fnv_bytes_64(FNV_BASIS_64, directory, strlen(directory));
}

enum untapped_reason untapped_reason_in(const struct untapped *self, const char *directory)
{
    bool is_known = self->reason != UNTAPPED_DIRECTORY && self->reason != UNTAPPED_DLSYM &&
                    self->reason != UNTAPPED_DEEPBIND;
    return is_known || self->directory == untapped_hash(directory) ? self->reason
                                                                   : UNTAPPED_OTHER_DIRECTORY;
}

/* In the process's own words, pids and all, it has the names that are looked for. */
static bool has_own_pids(int root_fd, pid_t pid, struct string_buffer *text)
{
    unsigned long inner;
    return procfs_read(root_fd, pid, "status", text) < 0 ||
           read_column(text, "\nNSpid:", 1, &inner);
}

static bool is_asked_for(const struct string_buffer *environment)
{
    const char *preloaded = find_variable(environment, "LD_PRELOAD");
    return preloaded && strstr(preloaded, TAP_NAME);
}

static enum untapped_reason find_reason(int root_fd, pid_t pid, bool has_glibc,
                                        struct string_buffer *text, uint64_t *ret_directory)
{
    char directory[PATH_MAX];
    const char *own = find_variable(text, "ZMQ_EXPORTER_DIR");
    bool is_dlsym_off = has_value(text, "ZMQ_EXPORTER_TAP_DLSYM", "off");
    if (has_value(text, "ZMQ_EXPORTER_TAP", "off"))
        return UNTAPPED_OFF;
    if (!has_glibc)
        return UNTAPPED_C_LIBRARY;
    (void)snprintf(directory, sizeof(directory), "%s",
                   own && *own ? own : UNTAPPED_DEFAULT_DIRECTORY);
    *ret_directory = untapped_hash(directory);
    if (!is_directory_good(root_fd, pid, directory, text))
        return UNTAPPED_DIRECTORY;
    return is_dlsym_off ? UNTAPPED_DLSYM : UNTAPPED_DEEPBIND;
}

struct untapped untapped_find(int root_fd, pid_t pid, struct untapped_maps maps,
                              struct string_buffer *text)
{
    struct untapped found = {.reason = UNTAPPED_NONE};
    if (has_own_pids(root_fd, pid, text) || !has_sockets(root_fd, pid) ||
        procfs_read(root_fd, pid, "environ", text) < 0)
        return found;
    if (maps.has_tap)
        found.reason = find_reason(root_fd, pid, maps.has_glibc, text, &found.directory);
    else if (is_asked_for(text) && is_secure(root_fd, pid, text))
        found.reason = UNTAPPED_SET_USER_ID;
    return found;
}
