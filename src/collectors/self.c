/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/self.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct self {
    int proc_fd;
    pid_t pid;
    double start_seconds; /* since the epoch */
    struct string_buffer text;
    struct string_buffer build_labels;
    struct self_source sources[SELF_MAX_SOURCES];
    size_t n_sources;
};

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void add_cpu(const struct self *self, struct samples *out)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return;
    samples_add_real(out, FAMILY_PROCESS_CPU_SECONDS, LABEL_TEXT_NONE, NULL,
                     seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime));
    samples_add_created(out, FAMILY_PROCESS_CPU_SECONDS, text_number_of_real(self->start_seconds));
}

static int add_memory(struct self *self, struct samples *out)
{
    int r = procfs_read(self->proc_fd, self->pid, "statm", &self->text);
    if (r < 0)
        return r;

    unsigned long long virtual_pages, resident_pages;
    if (sscanf(self->text.data, "%llu %llu", &virtual_pages, &resident_pages) != 2)
        return -EBADMSG;
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    samples_add_u64(out, FAMILY_PROCESS_VIRTUAL_MEMORY, LABEL_TEXT_NONE, NULL,
                    virtual_pages * page_size);
    samples_add_u64(out, FAMILY_PROCESS_RESIDENT_MEMORY, LABEL_TEXT_NONE, NULL,
                    resident_pages * page_size);
    return 0;
}

static void close_directory(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* The size of the folder is their number since Linux 6.2, and 0 before. Reading it takes longer
 * than all the rest of a scrape when there are hundreds of connections. */
static int count_fds(uint64_t *ret_n)
{
    struct stat status;
    if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
        *ret_n = (uint64_t)status.st_size;
        return 0;
    }
    cleanup(close_directory) DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return -errno;
    uint64_t n = 0;
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        n += entry->d_name[0] != '.';
    *ret_n = n - 1; /* less its own */
    return 0;
}

static int add_fds(struct samples *out)
{
    uint64_t n = 0;
    int r = count_fds(&n);
    if (r < 0)
        return r;
    samples_add_u64(out, FAMILY_PROCESS_OPEN_FDS, LABEL_TEXT_NONE, NULL, n);

    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        samples_add_u64(out, FAMILY_PROCESS_MAX_FDS, LABEL_TEXT_NONE, NULL, limit.rlim_cur);
    return 0;
}

static int self_collect(void *state, struct samples *out, struct error *err)
{
    struct self *self = state;
    struct label_text build = {self->build_labels.data, (uint32_t)self->build_labels.size};

    samples_add_u64(out, FAMILY_EXPORTER_BUILD_INFO, build, NULL, 1);
    samples_add_real(out, FAMILY_PROCESS_START_TIME, LABEL_TEXT_NONE, NULL, self->start_seconds);
    for (size_t i = 0; i < self->n_sources; i++)
        self->sources[i].add(self->sources[i].state, out);
    add_cpu(self, out);

    int r = add_memory(self, out);
    if (r == 0)
        r = add_fds(out);
    return r == 0 ? 0 : error_set(err, r, "cannot read /proc/self: %s", strerror(-r));
}

static void self_destroy(void *state)
{
    struct self *self = state;
    if (self->proc_fd >= 0)
        close(self->proc_fd);
    string_buffer_finish(&self->text);
    string_buffer_finish(&self->build_labels);
    free(self);
}

/* The kernel counts the start in ticks since boot; the epoch's second of boot is now less the
 * time since boot. */
static int find_start(struct self *self)
{
    uint64_t ticks;
    int r = procfs_start_time(self->proc_fd, self->pid, &ticks);
    if (r < 0)
        return r;
    double boot = (double)(clock_realtime_ns() - clock_read_ns(CLOCK_BOOTTIME)) / 1e9;
    double start = boot + (double)ticks / (double)sysconf(_SC_CLK_TCK);
    self->start_seconds = (double)(int64_t)(start * 100) / 100;
    return 0;
}

int self_collector_new(const struct self_options *options, struct collector *ret_collector)
{
    struct self *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->pid = getpid();
    self->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = self->proc_fd < 0 ? -errno : find_start(self);

    string_buffer_append_text(&self->build_labels, options->build_labels);
    self->n_sources = options->n_sources < SELF_MAX_SOURCES ? options->n_sources : SELF_MAX_SOURCES;
    if (self->n_sources)
        memcpy(self->sources, options->sources, self->n_sources * sizeof(*self->sources));
    if (r == 0 && self->build_labels.has_failed)
        r = -ENOMEM;
    if (r < 0) {
        self_destroy(self);
        return r;
    }
    *ret_collector = (struct collector){
        .name = "self", .state = self, .collect = self_collect, .destroy = self_destroy};
    return 0;
}
