/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_collector.h"

#include "collectors/peers/peers_watch.h"
#include "collectors/tap/tap_descriptors.h"
#include "collectors/tap/tap_fold.h"
#include "collectors/tap/tap_peeked.h"
#include "collectors/tap/tap_samples.h"
#include "segment/segment_state_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE          03773 /* anybody may put a file, only the group sees whose */
#define DESCRIPTORS_INTERVAL_NS (5 * CLOCK_NS_PER_SECOND)
#define PEEKED_INTERVAL_NS      (5 * CLOCK_NS_PER_SECOND)
#define FRESH_NS                (CLOCK_NS_PER_SECOND / 20)

/* All that is known of the processes. */
struct view {
    struct tap_groups groups;
    struct tap_scan scan;
    struct tap_fold fold;
    struct tap_peeked peeked;
    struct view *former; /* only its groups are left, whose label texts pages may still use */
};

/* The state of two collectors, `tap` and `details`, each with its thread. */
struct tap_collector {
    pthread_mutex_t lock; /* of all below */
    unsigned n_users;
    struct view *view;
    uint64_t (*now_ns)(void);
    uint64_t epoch_ns; /* its 0; always the same, that what is made of it does not waver */
    uint64_t peeked_saved_ns, gathered_ns;
    bool has_created;
    struct peers_watch *peers; /* NULL: none */
    int fold_result;           /* of the last tick, reported by the next collection */
    char *procfs;
};

/* Two descriptors for each process; the default limit is for 500. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    const rlim_t enough = 4 * TAP_MAX_PLACES;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= enough)
        return;
    limit.rlim_cur = limit.rlim_max < enough ? limit.rlim_max : enough;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Makes the directory, if the agent may. The mode is set whatever the umask is. */
static int make_directory(const char *path)
{
    if (mkdir(path, 0700) < 0)
        return -errno;
    return chmod(path, DIRECTORY_MODE) < 0 ? -errno : 0;
}

static const char *remedy(int r)
{
    switch (r) {
    case -ENOENT:
        return "make its parent";
    case -EACCES:
    case -EPERM:
        return "systemd-tmpfiles makes it for the exporter's user";
    case -ENOTDIR:
        return "make it a folder";
    default:
        return "see to it";
    }
}

static int open_directory(struct tap_collector *self, bool *ret_is_new, struct error *err)
{
    int r = tap_scan_open(&self->view->scan, ret_is_new);
    bool is_missing = r == -ENOENT;
    if (is_missing)
        r = make_directory(self->view->scan.directory);
    if (is_missing && r == 0)
        r = tap_scan_open(&self->view->scan, ret_is_new);
    if (r < 0)
        return error_set(err, r,
                         "cannot %s segment directory %s: %s; %s, or name another with "
                         "--tap.directory",
                         is_missing ? "make" : "open", self->view->scan.directory, strerror(-r),
                         remedy(r));
    return 0;
}

static const char *state_remedy(int r)
{
    switch (r) {
    case -EACCES:
    case -EPERM:
        return "it has to be a file of the exporter's user that nobody else may write, in a folder "
               "of this user: run as the exporter's user";
    case -EISDIR:
        return "remove the folder of this name";
    case -EBADMSG:
    case -EFBIG:
        return "it is damaged, and a new one takes its place";
    case -ENOSPC:
    case -EDQUOT:
        return "make room there";
    default:
        return "see to it, or name another directory with --tap.directory";
    }
}

static int refuse_state(const struct tap_collector *self, int r, const char *action,
                        struct error *err)
{
    return error_set(err, r, "cannot %s state file %s/" SEGMENT_STATE_FILE ": %s; %s", action,
                     self->view->scan.directory, strerror(-r), state_remedy(r));
}

static int load_state(struct tap_collector *self, uint64_t now_ns, struct error *err)
{
    int r = tap_fold_open(&self->view->fold, now_ns);
    return r < 0 ? refuse_state(self, r, "take", err) : r;
}

static int run_scan(struct tap_collector *self, enum tap_scan_depth depth, uint64_t now_ns,
                    struct error *err)
{
    bool is_new;
    int r = open_directory(self, &is_new, err);
    if (r < 0)
        return r;
    if (is_new)
        r = load_state(self, now_ns, err);

    int scanned = tap_scan_run(&self->view->scan, depth, now_ns);
    if (scanned < 0)
        return error_set(err, scanned, "cannot read segments in %s: %s", self->view->scan.directory,
                         strerror(-scanned));
    return r;
}

static void count_descriptors(struct tap_collector *self, uint64_t now_ns)
{
    for (size_t i = 0; i < self->view->scan.n_processes; i++) {
        struct tap_process *process = self->view->scan.processes[i];
        struct tap_usage *usage = &process->descriptors;
        bool is_due = !process->descriptors_ns ||
                      now_ns - process->descriptors_ns > DESCRIPTORS_INTERVAL_NS;
        if (process->life.state != TAP_LIFE_ALIVE || !is_due)
            continue;
        process->descriptors_ns = now_ns;
        usage->is_known = tap_descriptors_read(self->view->scan.host.procfs_fd, process->life.pid,
                                               &usage->used, &usage->limit) == 0;
    }
}

enum segments { LIVE, DEAD, SILENT, INVALID, LEFT_OUT, NOT_SHOWN, N_SEGMENTS = NOT_SHOWN };

static enum segments segments_of(const struct tap_process *process, uint64_t now_ns)
{
    if (!process->is_on_disk || process->is_dropped || process->is_left_out)
        return NOT_SHOWN; /* those left out are counted with those that have no place here */
    switch (process->state) {
    case TAP_PROCESS_LIVE:
        return LIVE;
    case TAP_PROCESS_DEAD:
    case TAP_PROCESS_FOLDED:
        return DEAD;
    case TAP_PROCESS_SILENT:
    case TAP_PROCESS_PARKED:
        return SILENT;
    case TAP_PROCESS_REFUSED:
        return INVALID;
    default:
        return tap_scan_is_garbage(process, now_ns) ? INVALID : NOT_SHOWN;
    }
}

static void add_segments(const struct tap_collector *self, struct samples *out, uint64_t now_ns)
{
    static const char *const labels[N_SEGMENTS] = {
        [LIVE] = "state=\"live\"",         [DEAD] = "state=\"dead\"",
        [SILENT] = "state=\"silent\"",     [INVALID] = "state=\"invalid\"",
        [LEFT_OUT] = "state=\"left_out\"",
    };
    const struct tap_scan *scan = &self->view->scan;
    uint64_t n[N_SEGMENTS + 1] = {
        [INVALID] = scan->n_invalid, [LEFT_OUT] = tap_scan_left_out(scan)};
    for (size_t i = 0; i < scan->n_processes; i++)
        n[segments_of(scan->processes[i], now_ns)]++;
    for (size_t i = 0; i < N_SEGMENTS; i++)
        samples_add_u64(out, FAMILY_EXPORTER_SEGMENTS, LABEL_TEXT_NONE, labels[i], n[i]);
}

/* The text does not change with the number, which is on the page: it is logged once. */
static int tell_left_out(const struct tap_collector *self, struct error *err)
{
    if (tap_scan_left_out(&self->view->scan) == 0)
        return 0;
    return error_set(err, -EDQUOT,
                     "some segment files in %s are not on the page: there are too many for the "
                     "exporter, or for one user; "
                     "zmq_exporter_segments{state=\"left_out\"} says how many",
                     self->view->scan.directory);
}

/* What they counted is saved now and then: the next exporter's reader finds most of it itself. */
static void update_peeked(struct tap_collector *self, uint64_t now_ns)
{
    struct view *view = self->view;
    size_t n = view->peeked.n;
    bool is_dirty = tap_peeked_update(&view->peeked, &view->scan, now_ns);
    bool is_due = now_ns - self->peeked_saved_ns > PEEKED_INTERVAL_NS;
    if (!is_dirty || (!is_due && n == view->peeked.n))
        return;
    self->peeked_saved_ns = now_ns;
    view->fold.is_dirty = true;
}

/* The sums of this moment. */
static int gather(struct tap_collector *self, uint64_t now_ns, struct error *err)
{
    self->gathered_ns = now_ns;
    self->view->scan.peers = self->peers ? peers_watch_lock(self->peers) : NULL;
    int r = run_scan(self, TAP_SCAN_ACCOUNTS, now_ns, err);
    count_descriptors(self, now_ns);

    update_peeked(self, now_ns);
    self->view->scan.peers = NULL;
    if (self->peers)
        peers_watch_unlock(self->peers);
    tap_groups_start(&self->view->groups);
    for (size_t i = 0; i < self->view->scan.n_processes; i++)
        tap_process_add(self->view->scan.processes[i], now_ns);
    tap_peeked_add(&self->view->peeked, now_ns);
    return r;
}

static int collect_locked(struct tap_collector *self, struct samples *out, struct error *err)
{
    uint64_t now_ns = self->now_ns();
    int r = gather(self, now_ns, err);
    for (size_t i = 0; i < self->view->groups.n_groups; i++) {
        if (tap_group_is_shown(self->view->groups.groups[i], now_ns))
            tap_samples_add_group(out, self->view->groups.groups[i], self->epoch_ns);
    }
    for (size_t i = 0; i < self->view->groups.n_programs; i++) {
        if (tap_program_is_shown(self->view->groups.programs[i]))
            tap_samples_add_program(out, self->view->groups.programs[i], self->epoch_ns);
    }
    add_segments(self, out, now_ns);

    if (r == 0 && self->fold_result < 0)
        r = refuse_state(self, self->fold_result, "save what ended programs have counted in", err);
    return r == 0 ? tell_left_out(self, err) : r;
}

static int collect(void *state, struct samples *out, struct error *err)
{
    struct tap_collector *self = state;
    pthread_mutex_lock(&self->lock);
    out->leaves_created_out = !self->has_created;
    int r = collect_locked(self, out, err);
    pthread_mutex_unlock(&self->lock);
    return r;
}

static int collect_details(void *state, struct samples *out, struct error *err)
{
    struct tap_collector *self = state;
    pthread_mutex_lock(&self->lock);
    uint64_t now_ns = self->now_ns();
    out->leaves_created_out = !self->has_created;
    /* `tap` has just been asked for the same answer, as a rule. */
    int r = now_ns - self->gathered_ns < FRESH_NS ? 0 : gather(self, now_ns, err);
    const struct tap_groups *groups = &self->view->groups;
    for (size_t i = 0; i < groups->n_groups; i++) {
        if (tap_group_is_shown(groups->groups[i], now_ns))
            tap_samples_add_group_details(out, groups->groups[i], self->epoch_ns);
    }
    for (size_t i = 0; i < groups->n_programs; i++) {
        if (tap_program_is_shown(groups->programs[i]))
            tap_samples_add_program_details(out, groups->programs[i]);
    }
    pthread_mutex_unlock(&self->lock);
    return r;
}

static int view_new(const char *directory, const char *procfs, uint32_t max_groups,
                    struct peek_link *peek, struct view **ret_view)
{
    struct view *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    tap_groups_init(&self->groups, max_groups);
    tap_fold_init(&self->fold, &self->scan);
    self->peeked.link = peek;
    self->fold.peeked = &self->peeked;
    int r = tap_scan_init(&self->scan, directory, procfs, &self->groups);
    if (r < 0) {
        tap_scan_finish(&self->scan);
        free(self);
        return r;
    }
    *ret_view = self;
    return 0;
}

/* Lets go of the files. */
static void view_close(struct view *self)
{
    tap_peeked_finish(&self->peeked, 0);
    tap_scan_finish(&self->scan);
    tap_fold_finish(&self->fold);
}

static void view_destroy_all(struct view *self)
{
    while (self) {
        struct view *former = self->former;
        tap_groups_finish(&self->groups);
        free(self);
        self = former;
    }
}

/* What the other exporter folded meanwhile is in the state file alone: as after a restart. */
static int take_over(struct tap_collector *self)
{
    struct view *former = self->view, *view;
    int r = view_new(former->scan.directory, self->procfs, former->groups.max_groups,
                     former->peeked.link, &view);
    if (r < 0)
        return r;
    view_close(former);
    view->former = former;
    self->view = view;
    return 0;
}

static void tick(void *state)
{
    struct tap_collector *self = state;
    pthread_mutex_lock(&self->lock);
    uint64_t now_ns = self->now_ns();
    (void)run_scan(self, TAP_SCAN_LIVES, now_ns, NULL);
    update_peeked(self, now_ns);
    int r = tap_fold_run(&self->view->fold, now_ns);
    if (r == TAP_FOLD_E_LEFT_ALONE) {
        r = take_over(self);
        (void)run_scan(self, TAP_SCAN_LIVES, now_ns, NULL);
    }
    self->fold_result = r;
    tap_groups_clean(&self->view->groups, now_ns);
    pthread_mutex_unlock(&self->lock);
}

static void destroy(void *state)
{
    struct tap_collector *self = state;
    pthread_mutex_lock(&self->lock);
    bool is_used = --self->n_users > 0;
    pthread_mutex_unlock(&self->lock);
    if (is_used)
        return;
    pthread_mutex_destroy(&self->lock);
    if (self->view)
        view_close(self->view);
    view_destroy_all(self->view);
    free(self->procfs);
    free(self);
}

int tap_collector_new(const struct tap_options *options, struct collector *ret_collector,
                      struct error *err)
{
    const char *procfs = options->procfs ? options->procfs : "/proc";
    struct tap_collector *self = calloc(1, sizeof(*self));
    if (!self)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    pthread_mutex_init(&self->lock, NULL);
    self->n_users = 1;
    raise_descriptor_limit();
    self->now_ns = options->now_ns ? options->now_ns : clock_monotonic_ns;
    self->epoch_ns = clock_realtime_ns() - self->now_ns();
    self->has_created = options->has_created;
    self->peers = options->peers;
    self->procfs = strdup(procfs);
    int r = self->procfs
                ? view_new(options->directory, procfs,
                           options->max_groups ? options->max_groups : TAP_MAX_GROUPS_DEFAULT,
                           options->peek, &self->view)
                : -ENOMEM;
    if (r < 0) {
        destroy(self);
        return error_set(err, r, "cannot open %s: %s", procfs, strerror(-r));
    }
    *ret_collector = (struct collector){
        .name = "tap", .state = self, .collect = collect, .tick = tick, .destroy = destroy};
    return 0;
}

void tap_collector_details(const struct collector *collector, bool is_usual,
                           struct collector *ret_details)
{
    struct tap_collector *self = collector->state;
    self->n_users++;
    *ret_details = (struct collector){.name = "details",
                                      .is_optional = !is_usual,
                                      .state = self,
                                      .collect = collect_details,
                                      .destroy = destroy};
}

int tap_collector_check(const struct collector *collector, struct error *err)
{
    struct tap_collector *self = collector->state;
    const char *directory = self->view->scan.directory;
    bool is_new;
    int r = open_directory(self, &is_new, err);
    if (r == 0 && is_new)
        r = load_state(self, self->now_ns(), err);
    if (r == 0 && access(directory, W_OK | X_OK) < 0)
        r = error_set(err, -errno,
                      "cannot write to segment directory %s: %s; %s, or what ended programs have "
                      "counted is lost with the exporter",
                      directory, strerror(errno), remedy(-errno));
    return r;
}
