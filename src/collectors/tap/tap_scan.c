/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_scan.h"

#include "base/cleanup.h"
#include "collectors/tap/tap_scan_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tap_scan_init(struct tap_scan *self, const char *directory, const char *procfs,
                  struct tap_groups *groups)
{
    *self = (struct tap_scan){.directory_fd = -1, .groups = groups};
    self->host.procfs_fd = -1;
    self->directory = strdup(directory);
    return self->directory ? tap_host_init(&self->host, procfs) : -ENOMEM;
}

void tap_scan_finish(struct tap_scan *self)
{
    for (size_t i = 0; i < self->n_processes; i++)
        tap_process_destroy(&self->processes[i], 0);
    if (self->directory_fd >= 0)
        close(self->directory_fd);
    tap_host_finish(&self->host);
    free(self->processes);
    free(self->polls);
    tap_folded_finish(&self->folded);
    tap_quota_finish(&self->quota);
    free(self->scratch.accounts);
    free(self->directory);
    *self = (struct tap_scan){.directory_fd = -1};
}

/*
 * The directory
 */
static bool is_same_directory(const struct tap_scan *self)
{
    struct stat open_one, named_one;
    return self->directory_fd >= 0 && fstat(self->directory_fd, &open_one) == 0 &&
           stat(self->directory, &named_one) == 0 && open_one.st_dev == named_one.st_dev &&
           open_one.st_ino == named_one.st_ino;
}

int tap_scan_open(struct tap_scan *self, bool *ret_is_new)
{
    *ret_is_new = !is_same_directory(self);
    if (!*ret_is_new)
        return 0;
    int fd = open(self->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (self->directory_fd >= 0)
        close(self->directory_fd);
    self->directory_fd = fd;
    self->is_listed = false;
    return 0;
}

int tap_scan_add(struct tap_scan *self, struct tap_process *process)
{
    if (self->n_processes == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 64;
        struct tap_process **processes = reallocarray(self->processes, capacity,
                                                      sizeof(struct tap_process *));
        if (!processes)
            return -ENOMEM;
        self->processes = processes;
        self->capacity = capacity;
    }
    self->processes[self->n_processes++] = process;
    return 0;
}

/*
 * Lives
 */
/* A search may have failed for lack of memory or descriptors; repeating it often costs too much. */
static void search_again(const struct tap_scan *self, struct tap_process *process, uint64_t now_ns)
{
    bool is_lost = process->life.state == TAP_LIFE_UNSURE && process->life.pid == 0;
    if (is_lost && now_ns - process->searched_ns > TAP_SEARCH_INTERVAL_NS)
        tap_process_search(process, &self->host, now_ns);
}

static int reserve_polls(struct tap_scan *self)
{
    if (self->polls_capacity >= self->n_processes)
        return 0;
    struct pollfd *polls = reallocarray(self->polls, self->capacity, sizeof(*polls));
    if (!polls)
        return -ENOMEM;
    self->polls = polls;
    self->polls_capacity = self->capacity;
    return 0;
}

/* One call for all; a descriptor of -1 is passed over. */
static int update_lives(struct tap_scan *self)
{
    int r = reserve_polls(self);
    if (r < 0)
        return r;
    for (size_t i = 0; i < self->n_processes; i++)
        self->polls[i] = (struct pollfd){.fd = self->processes[i]->life.pidfd, .events = POLLIN};
    if (self->n_processes && poll(self->polls, self->n_processes, 0) < 0)
        return -errno;
    for (size_t i = 0; i < self->n_processes; i++)
        tap_life_update(&self->processes[i]->life, &self->host, self->polls[i].revents != 0);
    return 0;
}

/*
 * Who supersedes whom
 */
static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_processes(const struct tap_process_id *a, const struct tap_process_id *b)
{
    int order = compare_u64(a->pid, b->pid);
    if (order == 0)
        order = compare_u64(a->start_ticks, b->start_ticks);
    return order ? order : compare_u64(a->pid_namespace, b->pid_namespace);
}

/* The images of a process from old to new; of one image, the account written last at the end. */
static int compare_images(const void *a, const void *b)
{
    const struct tap_process *one = *(struct tap_process *const *)a;
    const struct tap_process *other = *(struct tap_process *const *)b;
    int order = compare_processes(&one->id, &other->id);
    if (order == 0)
        order = compare_u64(one->id.created_ns, other->id.created_ns);
    if (order == 0) /* of the same image the folded account counts */
        order = (one->state == TAP_PROCESS_FOLDED) - (other->state == TAP_PROCESS_FOLDED);
    return order ? order : compare_u64(one->updated_ns, other->updated_ns);
}

static void resolve_pair(struct tap_process *older, const struct tap_process *newer,
                         uint64_t now_ns)
{
    if (compare_processes(&older->id, &newer->id) != 0)
        return;
    if (older->id.created_ns != newer->id.created_ns)
        older->is_superseded = true;
    else
        tap_process_drop(older, now_ns); /* the newer one's counters hold the older one's */
}

static int resolve(struct tap_scan *self, uint64_t now_ns)
{
    size_t n = 0;
    struct tap_process **known = calloc(self->n_processes + 1, sizeof(struct tap_process *));
    if (!known)
        return -ENOMEM;
    for (size_t i = 0; i < self->n_processes; i++) {
        struct tap_process *process = self->processes[i];
        if (process->has_reading && process->state != TAP_PROCESS_REFUSED)
            known[n++] = process;
    }
    qsort(known, n, sizeof(*known), compare_images);
    for (size_t i = 0; i + 1 < n; i++)
        resolve_pair(known[i], known[i + 1], now_ns);
    free(known);
    self->is_unresolved = false;
    return 0;
}

/*
 * Reading
 */
static void share(struct tap_scan *self, const struct tap_process *process)
{
    tap_quota_add(&self->quota, process->owner, TAP_SHARE_GROUPS, process->n_groups);
    tap_quota_add(&self->quota, process->owner, TAP_SHARE_LANES, process->n_lanes);
}

static void unshare(struct tap_scan *self, const struct tap_process *process)
{
    tap_quota_return(&self->quota, process->owner, TAP_SHARE_GROUPS, process->n_groups);
    tap_quota_return(&self->quota, process->owner, TAP_SHARE_LANES, process->n_lanes);
}

int tap_scan_read(struct tap_scan *self, struct tap_process *process, bool is_forced,
                  uint64_t now_ns)
{
    const struct tap_reading reading = {
        self->directory_fd, &self->host, self->groups, &self->scratch,
        &self->quota,       self->peers, now_ns};
    unshare(self, process);
    int r = tap_process_read(process, &reading, is_forced);
    share(self, process);
    return r;
}

int tap_scan_read_first(struct tap_scan *self, struct tap_process *process, uint64_t now_ns)
{
    if (tap_scan_is_short(self, process, now_ns))
        return 0;
    process->is_left_out = !tap_quota_allows(&self->quota, process->owner, TAP_SHARE_PLACES, 1);
    if (process->is_left_out)
        return 0;
    int r = tap_scan_read(self, process, true, now_ns);
    if (!process->has_reading)
        return r;
    tap_quota_return(&self->quota, process->owner, TAP_SHARE_CANDIDATES, 1);
    tap_quota_add(&self->quota, process->owner, TAP_SHARE_PLACES, 1);
    self->is_unresolved = true;
    if (tap_folded_has(&self->folded, &process->id)) {
        tap_process_drop(process, now_ns);
        process->state = TAP_PROCESS_FOLDED;
        return 0;
    }
    return r;
}

/* Also where no round was finished since: counters may move while nothing else does. */
static int read_process(struct tap_scan *self, struct tap_process *process, uint64_t now_ns)
{
    if (!process->has_reading)
        return tap_scan_read_first(self, process, now_ns);
    int r = tap_scan_read(self, process, true, now_ns);
    search_again(self, process, now_ns);
    return r;
}

static bool is_readable(const struct tap_process *process)
{
    return process->state == TAP_PROCESS_NEW || process->state == TAP_PROCESS_LIVE ||
           process->state == TAP_PROCESS_SILENT || process->state == TAP_PROCESS_DEAD;
}

/* Its end will be told by its pidfd; until then there is no hurry to know what it counts. */
static bool can_wait(const struct tap_process *process)
{
    return process->has_reading && process->life.pidfd >= 0 &&
           process->life.state == TAP_LIFE_ALIVE;
}

static void count_shares(struct tap_scan *self)
{
    tap_quota_clear(&self->quota);
    for (size_t i = 0; i < self->n_processes; i++) {
        const struct tap_process *process = self->processes[i];
        bool is_candidate = !process->has_reading || process->state == TAP_PROCESS_REFUSED;
        share(self, process);
        tap_quota_add(&self->quota, process->owner,
                      is_candidate ? TAP_SHARE_CANDIDATES : TAP_SHARE_PLACES, 1);
    }
}

static int read_processes(struct tap_scan *self, enum tap_scan_depth depth, uint64_t now_ns)
{
    int result = 0;
    bool is_complete = self->is_listed && self->n_left_out == 0 && !self->has_pending;
    for (size_t i = 0; i < self->n_processes; i++) {
        struct tap_process *process = self->processes[i];
        if (!is_readable(process) || (depth == TAP_SCAN_LIVES && can_wait(process)))
            continue;
        int r = read_process(self, process, now_ns);
        if (r < 0 && r != -ENOENT)
            result = r;
        is_complete = is_complete && (process->has_reading || process->state != TAP_PROCESS_NEW);
    }
    self->is_complete = self->is_complete || is_complete;
    return result;
}

int tap_scan_run(struct tap_scan *self, enum tap_scan_depth depth, uint64_t now_ns)
{
    count_shares(self);
    int listed = tap_scan_list(self, now_ns);
    int r = update_lives(self);
    if (r < 0)
        return r;
    r = read_processes(self, depth, now_ns);
    if (self->is_unresolved && resolve(self, now_ns) < 0)
        r = -ENOMEM;
    for (size_t i = 0; i < self->n_processes; i++)
        tap_process_judge(self->processes[i], now_ns);
    return listed < 0 ? listed : r;
}

uint32_t tap_scan_left_out(const struct tap_scan *self)
{
    uint32_t n = self->n_left_out;
    for (size_t i = 0; i < self->n_processes; i++)
        n += self->processes[i]->is_on_disk && self->processes[i]->is_left_out;
    return n;
}

static bool has_owner(const struct segment_name *name)
{
    return name->pid <= INT32_MAX && (kill((pid_t)name->pid, 0) == 0 || errno != ESRCH);
}

bool tap_scan_is_garbage(const struct tap_process *process, uint64_t now_ns)
{
    bool is_nothing = process->state == TAP_PROCESS_REFUSED || process->state == TAP_PROCESS_NEW;
    return is_nothing && !process->is_dropped && now_ns - process->seen_ns > TAP_GARBAGE_NS;
}

bool tap_scan_is_removable(const struct tap_process *process, uint64_t now_ns)
{
    if (!process->is_on_disk)
        return false;
    if (process->state == TAP_PROCESS_FOLDED || process->state == TAP_PROCESS_PARKED ||
        process->is_dropped || process->is_of_another_boot)
        return true;
    return tap_scan_is_garbage(process, now_ns) &&
           (process->is_rubbish || !has_owner(&process->name));
}

int tap_scan_remove(struct tap_scan *self, struct tap_process *process)
{
    /* The name may refer to another file by now, which must not be removed. */
    if (tap_scan_is_same_file(self, process) &&
        unlinkat(self->directory_fd, process->file, 0) < 0 && errno != ENOENT)
        return -errno;
    process->is_on_disk = false;
    return 0;
}

/* Whether the process exists, as far as is known, and could write its file again. One that cannot
 * be found from here, and whose segment is marked as closed, will not. */
static bool may_return(const struct tap_process *process)
{
    return process->state == TAP_PROCESS_FOLDED && process->has_reading &&
           (process->last_life.state == TAP_LIFE_ALIVE ||
            (process->last_life.state == TAP_LIFE_UNSURE && !process->is_closed &&
             !process->is_superseded));
}

void tap_scan_forget(struct tap_scan *self, uint64_t now_ns)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_processes; i++) {
        struct tap_process *process = self->processes[i];
        bool is_over = process->state == TAP_PROCESS_FOLDED ||
                       process->state == TAP_PROCESS_REFUSED || process->state == TAP_PROCESS_NEW;
        /* Short of memory it stays. */
        bool is_remembered = !may_return(process) ||
                             tap_folded_add(&self->folded, &process->id, &process->last_life) == 0;
        if (is_over && !process->is_on_disk && is_remembered)
            tap_process_destroy(&process, now_ns);
        else
            self->processes[n++] = process;
    }
    self->n_processes = n;
    if (self->is_complete)
        tap_folded_clean(&self->folded, &self->host);
}
