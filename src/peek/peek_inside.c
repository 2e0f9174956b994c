/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_inside.h"

#include "libraries/library_maps.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK       ((size_t)256 << 10)
#define OVERLAP     ((size_t)128) /* more than what tells a version */
#define CACHE_SIZE  64u
#define PATH_LENGTH 4352u

static const char deleted[] = " (deleted)";

/* Of files that were looked through; the reader has one thread. */
static struct {
    uint64_t device, inode;
    int64_t changed_s;
    char version[16];
} cache[CACHE_SIZE];
static unsigned n_cached;

static void note(char text[static 16], const char *version)
{
    if (*text == '\0')
        (void)snprintf(text, 16, "%s", version);
    else if (strcmp(text, version) != 0)
        (void)snprintf(text, 16, "?");
}

static size_t number_at(const unsigned char *bytes, size_t size, unsigned *ret_number)
{
    size_t n = 0;
    *ret_number = 0;
    for (; n < size && n < 3 && isdigit(bytes[n]); n++)
        *ret_number = 10 * *ret_number + (unsigned)(bytes[n] - '0');
    return n;
}

/* "4.3.5" with no digit behind. */
static bool version_at(const unsigned char *bytes, size_t size, char ret_version[static 16])
{
    unsigned numbers[3];
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        size_t n = number_at(bytes + at, size - at, &numbers[i]);
        at += n;
        if (n == 0 || at >= size || (i < 2 ? bytes[at++] != '.' : isdigit(bytes[at])))
            return false;
    }
    (void)snprintf(ret_version, 16, "%u.%u.%u", numbers[0], numbers[1], numbers[2]);
    return numbers[0] >= 2 && numbers[0] <= 9;
}

/* What stands between the name and the version in the folders of the usual sources. */
static size_t skip_separator(const unsigned char *bytes, size_t size)
{
    static const char *const between[] = {"-v", "-", "3-", "/src/v", "/v", "/", "_"};
    for (size_t i = 0; i < sizeof(between) / sizeof(*between); i++) {
        size_t n = strlen(between[i]);
        if (n < size && memcmp(bytes, between[i], n) == 0)
            return n;
    }
    return 0;
}

static void look_for_paths(const unsigned char *bytes, size_t size, const char *name,
                           char text[static 16])
{
    size_t length = strlen(name);
    const unsigned char *at = bytes, *end = bytes + size;
    while ((at = memmem(at, (size_t)(end - at), name, length))) {
        char version[16];
        at += length;
        size_t n = skip_separator(at, (size_t)(end - at));
        if (n > 0 && version_at(at + n, (size_t)(end - at) - n, version))
            note(text, version);
    }
}

/* movl $major,(%rdi); movl $minor,(%rsi); movl $patch,(%rdx); ret */
static void look_for_code(const unsigned char *bytes, size_t size, char text[static 16])
{
    static const unsigned char begin[] = {0xc7, 0x07, 0x04, 0, 0, 0, 0xc7, 0x06};
    const unsigned char *at = bytes, *end = bytes + size;
    while ((at = memmem(at, (size_t)(end - at), begin, sizeof(begin)))) {
        char version[16];
        if (end - at < 19)
            return;
        bool is_it = at[9] == 0 && at[10] == 0 && at[11] == 0 && at[12] == 0xc7 && at[13] == 0x02 &&
                     at[15] == 0 && at[16] == 0 && at[17] == 0 && at[18] == 0xc3;
        (void)snprintf(version, sizeof(version), "4.%u.%u", at[8], at[14]);
        if (is_it)
            note(text, version);
        at++;
    }
}

void peek_inside_find_version(const unsigned char *bytes, size_t size, char ret_text[static 16])
{
    look_for_paths(bytes, size, "zeromq", ret_text);
    look_for_paths(bytes, size, "libzmq", ret_text);
    look_for_code(bytes, size, ret_text);
}

static void look_through(int fd, char ret_version[static 16])
{
    unsigned char *chunk = malloc(CHUNK);
    uint64_t offset = 0;
    ssize_t n;
    while (chunk && offset < PEEK_INSIDE_MAX_BYTES &&
           (n = pread(fd, chunk, CHUNK, (off_t)offset)) > 0) {
        peek_inside_find_version(chunk, (size_t)n, ret_version);
        /* CZMQ has a function like zmq_version(), and both may be in it. */
        offset += (size_t)n == CHUNK ? CHUNK - OVERLAP : (size_t)n;
    }
    free(chunk);
    if (*ret_version == '?')
        *ret_version = '\0';
}

static void find_version(int fd, struct peek_inside *inside)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return;
    for (unsigned i = 0; i < CACHE_SIZE && i < n_cached; i++) {
        if (cache[i].device == inside->device && cache[i].inode == inside->inode &&
            cache[i].changed_s == status.st_mtim.tv_sec) {
            memcpy(inside->version, cache[i].version, sizeof(inside->version));
            return;
        }
    }
    look_through(fd, inside->version);
    unsigned i = n_cached++ % CACHE_SIZE;
    cache[i].device = inside->device;
    cache[i].inode = inside->inode;
    cache[i].changed_s = status.st_mtim.tv_sec;
    memcpy(cache[i].version, inside->version, sizeof(inside->version));
}

bool peek_inside_read(const struct peek_target *target, const struct peek_mapping *mapping,
                      struct peek_inside *ret_inside)
{
    char path[PATH_LENGTH];
    const size_t suffix = sizeof(deleted) - 1;
    if (peek_target_read_path(target, mapping, path, sizeof(path)) < 0)
        return false;
    size_t length = strlen(path);
    *ret_inside = (struct peek_inside){.device = mapping->device, .inode = mapping->inode};
    ret_inside->is_deleted = length > suffix && strcmp(path + length - suffix, deleted) == 0;
    if (ret_inside->is_deleted)
        path[length -= suffix] = '\0';
    if (library_maps_is_libzmq(path, length))
        return false;
    (void)snprintf(ret_inside->path, sizeof(ret_inside->path), "%.*s",
                   (int)sizeof(ret_inside->path) - 1, path);
    int fd = peek_target_open_file(target, mapping);
    if (fd < 0)
        return true;
    if (build_id_read(fd, ret_inside->build_id) < 0)
        ret_inside->build_id[0] = '\0';
    find_version(fd, ret_inside);
    close(fd);
    return true;
}
