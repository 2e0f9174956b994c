/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_scan_internal.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

static int compare_files(const void *a, const void *b)
{
    const struct tap_process *const *one = a, *const *other = b;
    return strcmp((*one)->file, (*other)->file);
}

static struct tap_process *find_file(const struct tap_scan *self, size_t n_sorted, const char *file)
{
    size_t low = 0, high = n_sorted;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(file, self->processes[middle]->file);
        if (order == 0)
            return self->processes[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool tap_scan_is_same_file(const struct tap_scan *self, const struct tap_process *process)
{
    struct stat status;
    return fstatat(self->directory_fd, process->file, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_dev == process->reader.device && status.st_ino == process->reader.inode;
}

/*
 * New files
 */
enum kind {
    RUBBISH, /* neither a segment nor the beginning of one */
    PENDING, /* may become a segment, or be readable, later */
    SEGMENT, /* begins like one */
};

static bool is_short(const struct stat *status)
{
    return S_ISREG(status->st_mode) && (uint64_t)status->st_size < sizeof(struct segment_header);
}

static enum kind classify(const struct tap_scan *self, const char *file, const struct stat *status)
{
    uint64_t magic;
    if (!S_ISREG(status->st_mode))
        return RUBBISH;
    if (is_short(status))
        return PENDING;
    cleanup_fd int fd = openat(self->directory_fd, file, OPEN_FLAGS);
    if (fd < 0 || pread(fd, &magic, sizeof(magic), 0) != sizeof(magic) || magic == 0)
        return PENDING;
    return magic == SEGMENT_MAGIC ? SEGMENT : RUBBISH;
}

static int append(struct tap_scan *self, struct tap_process **process_p, uint64_t now_ns)
{
    int r = tap_scan_add(self, *process_p);
    if (r < 0)
        tap_process_destroy(process_p, now_ns);
    return r;
}

static int make_process(const char *file, const struct stat *status, uint64_t now_ns,
                        struct tap_process **ret_process)
{
    struct segment_name name = {0};
    (void)segment_name_parse(file, &name);
    int r = tap_process_new(file, &name, now_ns, ret_process);
    if (r < 0)
        return r;
    struct tap_process *process = *ret_process;
    process->is_on_disk = true;
    process->owner = status->st_uid;
    process->reader.device = status->st_dev;
    process->reader.inode = status->st_ino;
    return 0;
}

/* A short file grows at once or never. An empty one may be a tap's that has not written yet. */
static bool is_pending(const struct tap_process *process, const struct stat *status)
{
    uint64_t changed_ns = (uint64_t)status->st_ctim.tv_sec * CLOCK_NS_PER_SECOND;
    bool is_old = clock_realtime_ns() > changed_ns + TAP_GARBAGE_NS;
    return process->state == TAP_PROCESS_NEW &&
           !(is_short(status) && status->st_size > 0 && is_old);
}

/* Counts a file that is not added. */
static void count(struct tap_scan *self, const struct tap_process *process,
                  const struct stat *status)
{
    if (process->is_left_out)
        self->n_left_out++;
    else
        self->n_invalid++;
    self->has_pending = self->has_pending || is_pending(process, status);
}

bool tap_scan_is_short(const struct tap_scan *self, struct tap_process *process, uint64_t now_ns)
{
    struct stat status;
    if (fstatat(self->directory_fd, process->file, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !is_short(&status))
        return process->is_rubbish = false;
    process->is_rubbish = status.st_size > 0 && now_ns - process->seen_ns > TAP_GARBAGE_NS;
    return true;
}

/* A file that is a segment has its place, whatever its owner has put here besides. */
static int take_in(struct tap_scan *self, const char *file, const struct stat *status,
                   uint64_t now_ns)
{
    enum kind kind = classify(self, file, status);
    bool is_welcome = tap_quota_allows(&self->quota, status->st_uid, TAP_SHARE_CANDIDATES, 1);
    struct tap_process *found;
    int r = make_process(file, status, now_ns, &found);
    if (r < 0)
        return r;
    if (kind == RUBBISH) {
        found->is_rubbish = true;
        found->state = TAP_PROCESS_REFUSED;
    }
    tap_quota_add(&self->quota, found->owner, TAP_SHARE_CANDIDATES, 1);
    if (kind == SEGMENT)
        (void)tap_scan_read_first(self, found, now_ns); /* what fails may pass */
    if (found->has_reading || is_welcome)
        return append(self, &found, now_ns);
    tap_quota_return(&self->quota, found->owner, TAP_SHARE_CANDIDATES, 1);
    count(self, found, status);
    tap_process_destroy(&found, now_ns);
    return 0;
}

static int take_entry(struct tap_scan *self, const char *file, size_t n_sorted, uint64_t now_ns)
{
    struct segment_name name;
    struct stat status;
    if (!segment_name_parse(file, &name))
        return 0;
    struct tap_process *process = find_file(self, n_sorted, file);
    if (process && tap_scan_is_same_file(self, process)) {
        process->is_on_disk = true;
        return 0;
    }
    if (process)
        process->has_lost_name = true;
    if (fstatat(self->directory_fd, file, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (tap_quota_take(&self->quota, status.st_uid, TAP_SHARE_OPENED, 1))
        return take_in(self, file, &status, now_ns);
    self->n_left_out++;
    return 0;
}

static int list_entries(struct tap_scan *self, uint64_t now_ns)
{
    size_t n_sorted = self->n_processes;
    int fd = openat(self->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        int r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    for (size_t i = 0; i < n_sorted; i++)
        self->processes[i]->is_on_disk = false;
    self->n_left_out = self->n_invalid = 0;
    self->has_pending = false;
    tap_quota_clear_share(&self->quota, TAP_SHARE_OPENED);

    int r = 0;
    while (r == 0) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) {
            r = -errno;
            break;
        }
        r = take_entry(self, entry->d_name, n_sorted, now_ns);
    }
    closedir(directory);
    for (size_t i = 0; i < n_sorted; i++) {
        if (self->processes[i]->has_lost_name)
            self->processes[i]->file[0] = '\0';
    }
    if (self->n_processes)
        qsort(self->processes, self->n_processes, sizeof(*self->processes), compare_files);
    return r;
}

/* A change within the clock's grain of the last listing may not show in the time stamp. */
static bool is_recent(const struct timespec *changed)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - changed->tv_sec < 2;
}

int tap_scan_list(struct tap_scan *self, uint64_t now_ns)
{
    struct stat status;
    if (fstat(self->directory_fd, &status) < 0)
        return -errno;
    bool is_known = self->is_listed && status.st_mtim.tv_sec == self->changed.tv_sec &&
                    status.st_mtim.tv_nsec == self->changed.tv_nsec;
    if (is_known)
        return 0;
    int r = list_entries(self, now_ns);
    self->changed = status.st_mtim;
    self->is_listed = r == 0 && !is_recent(&status.st_mtim) && !self->has_pending &&
                      self->n_left_out == 0;
    return r;
}
