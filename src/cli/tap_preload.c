/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/tap_preload.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAP_FILE "libzmqtap.so"

/* From the folder of this program; the absolute one is where it was to be installed. */
static const char *const places[] = {
    "../tap/" TAP_FILE,
    TAP_FILE,
    TAP_PRELOAD_RELATIVE_LIBDIR "/" TAP_FILE,
    TAP_PRELOAD_LIBDIR "/" TAP_FILE,
};

static int own_folder(char ret_folder[static PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", ret_folder, PATH_MAX - 1);
    if (n < 0)
        return -errno;
    ret_folder[n] = '\0';
    char *slash = strrchr(ret_folder, '/');
    if (!slash)
        return -ENOENT;
    *slash = '\0';
    return 0;
}

/* The real path, for a child may run in another folder. */
static bool is_there(const char *path, char ret_path[static PATH_MAX])
{
    char resolved[PATH_MAX];
    if (access(path, R_OK) < 0 || !realpath(path, resolved))
        return false;
    memcpy(ret_path, resolved, strlen(resolved) + 1);
    return true;
}

static int search(char ret_path[static PATH_MAX], struct error *err)
{
    char folder[PATH_MAX], path[2 * PATH_MAX];
    int r = own_folder(folder);
    if (r < 0)
        return error_set(err, r, "/proc/self/exe: %s", strerror(-r));
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        bool is_absolute = places[i][0] == '/';
        (void)snprintf(path, sizeof(path), "%s%s%s", is_absolute ? "" : folder,
                       is_absolute ? "" : "/", places[i]);
        if (is_there(path, ret_path))
            return 0;
    }
    return error_set(err, -ENOENT,
                     TAP_FILE " is neither beside %s nor in " TAP_PRELOAD_LIBDIR
                              "; install it there or name it with --tap.library=PATH",
                     folder);
}

/* The loader says what it thinks of another file, and starts the program without it. */
static bool is_object(const char *path)
{
    char magic[4] = "";
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
           memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

int tap_preload_find(const char *given, char ret_path[static PATH_MAX], struct error *err)
{
    char path[PATH_MAX];
    if (given && !is_there(given, path))
        return error_set(err, -ENOENT, "--tap.library=%s: %s", given, strerror(errno));
    if (given && !is_object(path))
        return error_set(err, -ENOEXEC,
                         "--tap.library=%s: not a shared library; it is called " TAP_FILE, given);
    if (!given) {
        int r = search(path, err);
        if (r < 0)
            return r;
    }
    if (strpbrk(path, " :"))
        return error_set(err, -EINVAL,
                         "%s: " TAP_PRELOAD_VARIABLE
                         " cannot hold a path with a space or a colon; move the file or link to it",
                         path);
    memcpy(ret_path, path, strlen(path) + 1);
    return 0;
}

static bool has_entry(const char *list, const char *path)
{
    size_t n = strlen(path);
    for (const char *entry = list; *entry;) {
        size_t size = strcspn(entry, " :");
        if (size == n && memcmp(entry, path, n) == 0)
            return true;
        entry += size + strspn(entry + size, " :");
    }
    return false;
}

int tap_preload_set(const char *path, struct error *err)
{
    const char *list = getenv(TAP_PRELOAD_VARIABLE);
    cleanup_free char *value = NULL;
    if (!list || !*list)
        value = strdup(path);
    else if (has_entry(list, path))
        return 0;
    else if (asprintf(&value, "%s:%s", path, list) < 0)
        value = NULL;
    if (!value || setenv(TAP_PRELOAD_VARIABLE, value, 1) < 0)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    return 0;
}
