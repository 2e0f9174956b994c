/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_identity.h"

#include "base/clock.h"
#include "base/program_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(((struct segment_header *)0)->command) == PROGRAM_NAME_SIZE, "command");
static_assert(sizeof(((struct segment_header *)0)->program) == PROGRAM_NAME_SIZE, "program");

/* The first `size` - 1 bytes of a file, NUL-terminated. Returns how many, 0 on failure. */
static size_t read_text(const char *path, char *ret_text, size_t size)
{
    size_t used = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && used < size - 1) {
        ssize_t n = read(fd, ret_text + used, size - 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    ret_text[used] = '\0';
    return used;
}

/* Field 22; the second is the program's name in parentheses and may hold anything. */
static uint64_t start_ticks(void)
{
    char text[1024]; /* 52 numbers and a name of 16 bytes */
    size_t n = read_text("/proc/self/stat", text, sizeof(text));
    const char *field = n ? memrchr(text, ')', n) : NULL;
    for (int i = 0; field && i < 20; i++)
        field = strchr(field + 1, ' ');
    return field ? strtoull(field + 1, NULL, 10) : 0;
}

/* The path that the program was started by, as the kernel left it in its memory: all there is after
 * chroot(2) into a place without /proc. */
static const char *started_path(void)
{
    const char *path = (const char *)getauxval(AT_EXECFN);
    return path ? path : "";
}

static void fill_command(struct segment_header *header, struct segment_identity_scratch *scratch)
{
    ssize_t n = readlink("/proc/self/exe", scratch->executable, sizeof(scratch->executable) - 1);
    scratch->executable[n > 0 ? n : 0] = '\0';
    size_t size = read_text("/proc/self/cmdline", scratch->text, sizeof(scratch->text));
    const char *path = n > 0 || size > 0 ? scratch->executable : started_path();
    program_name_from_command(path, scratch->text, size, header->command);
}

static void fill_program(struct segment_header *header, struct segment_identity_scratch *scratch)
{
    const char *given = secure_getenv(SEGMENT_PROGRAM_VARIABLE);
    if (!given || !*given)
        given = secure_getenv(SEGMENT_FORMER_PROGRAM_VARIABLE);
    if (given && *given) {
        strncpy(header->program, given, sizeof(header->program) - 1);
        return;
    }
    if (read_text("/proc/self/cgroup", scratch->text, sizeof(scratch->text)) > 0 &&
        program_name_from_cgroup(scratch->text, header->program))
        return;
    memcpy(header->program, header->command, sizeof(header->program));
}

void segment_identity_fill(struct segment_header *header, struct segment_identity_scratch *scratch)
{
    int saved_errno = errno;
    struct stat status;

    header->pid = (uint64_t)getpid();
    header->start_ticks = start_ticks();
    header->pid_namespace = stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
    header->net_namespace = stat("/proc/self/ns/net", &status) == 0 ? status.st_ino : 0;
    header->created_ns = clock_monotonic_ns();
    read_text("/proc/sys/kernel/random/boot_id", header->boot_id, 37);
    strncpy(header->tap_version, PROJECT_VERSION, sizeof(header->tap_version) - 1);
    fill_command(header, scratch);
    fill_program(header, scratch);
    errno = saved_errno;
}
