/* SPDX-License-Identifier: MPL-2.0 */
#include "http/web_live.h"

#include "base/cleanup.h"
#include "http/rate_limit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * Design. A file is known by its file_mark. File times are those of the kernel's last tick, so a
 * file that was changed twice within a tick may look the same; a mark taken that soon after the
 * change is not trusted and the files are read once more when the tick has surely passed.
 */
#define TICK_NS 50000000LL

enum { FILE_CONFIG, FILE_CERT, FILE_KEY, FILE_CLIENT_CA, N_FILES };

struct file_mark {
    int error;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct web_bucket {
    unsigned n_users;
    struct rate_limit limit;
};

struct web_live {
    pthread_mutex_t lock; /* of `current` and the rest; held for a moment */
    pthread_mutex_t reading;
    char *path;
    char *paths[N_FILES]; /* of the last reading; NULL: no such file */
    struct file_mark marks[N_FILES];
    int64_t fresh_until_ns; /* the marks may hide a change before this time; 0: they do not */
    struct web_settings *current;
    bool is_current;
    double taken_seconds;
    web_live_report report;
    void *report_state;
};

static int64_t to_ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return to_ns(&now);
}

static struct file_mark mark_of(const char *path)
{
    struct file_mark mark = {0};
    struct stat status;
    if (!path)
        return mark;
    if (stat(path, &status) < 0) {
        mark.error = errno;
        return mark;
    }
    mark.device = status.st_dev;
    mark.inode = status.st_ino;
    mark.size = status.st_size;
    mark.modified = status.st_mtim;
    mark.changed = status.st_ctim;
    return mark;
}

static bool is_same(const struct file_mark *a, const struct file_mark *b)
{
    return a->error == b->error && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && to_ns(&a->modified) == to_ns(&b->modified) &&
           to_ns(&a->changed) == to_ns(&b->changed);
}

static bool has_changed(const struct web_live *self)
{
    if (self->fresh_until_ns && now_ns() > self->fresh_until_ns)
        return true;
    for (unsigned i = 0; i < N_FILES; i++) {
        struct file_mark mark = mark_of(self->paths[i]);
        if (!is_same(&mark, &self->marks[i]))
            return true;
    }
    return false;
}

static struct web_settings *settings_new(void)
{
    struct web_settings *settings = calloc(1, sizeof(*settings));
    struct web_bucket *bucket = calloc(1, sizeof(*bucket));
    if (!settings || !bucket) {
        free(settings);
        free(bucket);
        return NULL;
    }
    settings->n_users = bucket->n_users = 1;
    settings->bucket = bucket;
    return settings;
}

static void bucket_release(struct web_bucket *bucket)
{
    if (__atomic_sub_fetch(&bucket->n_users, 1, __ATOMIC_ACQ_REL) == 0)
        free(bucket);
}

/* A file may change in many ways while its limit stays: that fills no bucket. */
static void keep_bucket(struct web_settings *settings, const struct web_settings *former)
{
    if (settings->config->rate_interval_ns != former->config->rate_interval_ns ||
        settings->config->rate_burst != former->config->rate_burst)
        return;
    bucket_release(settings->bucket);
    settings->bucket = former->bucket;
    __atomic_add_fetch(&settings->bucket->n_users, 1, __ATOMIC_RELAXED);
}

bool web_settings_admit(struct web_settings *settings, int64_t now_ns)
{
    return rate_limit_take(&settings->bucket->limit, settings->config->rate_interval_ns,
                           settings->config->rate_burst, now_ns);
}

void web_settings_release(struct web_settings *settings)
{
    if (!settings || __atomic_sub_fetch(&settings->n_users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    tls_setup_destroy(&settings->tls);
    web_config_destroy(&settings->config);
    bucket_release(settings->bucket);
    free(settings);
}

static void release_settings(struct web_settings **settings_p)
{
    web_settings_release(*settings_p);
}

/* Remembers where the settings come from, if another file is named now. */
static void follow(struct web_live *self, unsigned file, const char *path)
{
    if (self->paths[file] && path && strcmp(self->paths[file], path) == 0)
        return;
    free(self->paths[file]);
    self->paths[file] = path ? strdup(path) : NULL;
    self->marks[file] = mark_of(self->paths[file]);
}

/* Whether the marks, taken at `started_ns` or later, may hide a change. */
static void judge_freshness(struct web_live *self, int64_t started_ns)
{
    int64_t newest = 0;
    for (unsigned i = 0; i < N_FILES; i++) {
        if (to_ns(&self->marks[i].changed) > newest)
            newest = to_ns(&self->marks[i].changed);
    }
    self->fresh_until_ns = newest + TICK_NS >= started_ns ? newest + TICK_NS : 0;
}

/* Marks are taken before reading: a change while reading is then a change after it. */
static int load_files(struct web_live *self, struct web_settings *settings, struct error *err)
{
    for (unsigned i = 0; i < N_FILES; i++)
        self->marks[i] = mark_of(self->paths[i]);
    int r = web_config_open(self->path, &settings->config, err);
    if (r < 0)
        return r;
    const struct web_config_tls *tls = &settings->config->tls;
    follow(self, FILE_CERT, tls->cert_file);
    follow(self, FILE_KEY, tls->key_file);
    follow(self, FILE_CLIENT_CA, tls->client_ca_file);
    if (self->current && tls->is_enabled != (self->current->tls != NULL))
        return error_set(err, -EINVAL, "%s: TLS is switched %s only by a restart", self->path,
                         tls->is_enabled ? "on" : "off");
    return tls->is_enabled ? tls_setup_new(tls, &settings->tls, err) : 0;
}

static int load(struct web_live *self, struct web_settings *settings, struct error *err)
{
    int64_t started_ns = now_ns();
    int r = load_files(self, settings, err);
    judge_freshness(self, started_ns);
    return r;
}

static void accept_settings(struct web_live *self, struct web_settings *settings)
{
    if (self->current)
        keep_bucket(settings, self->current);
    pthread_mutex_lock(&self->lock);
    struct web_settings *former = self->current;
    self->current = settings;
    self->is_current = true;
    self->taken_seconds = (double)now_ns() / 1e9;
    pthread_mutex_unlock(&self->lock);
    web_settings_release(former);
}

/* With `reading` held. Files that had just been written are read a second time; the result is
 * reported only if it differs from the first. */
static void read_anew(struct web_live *self)
{
    bool is_second_look = true;
    for (unsigned i = 0; i < N_FILES; i++) {
        struct file_mark mark = mark_of(self->paths[i]);
        is_second_look = is_second_look && is_same(&mark, &self->marks[i]);
    }
    struct error err = {0};
    struct web_settings *settings = settings_new();
    int r = settings ? load(self, settings, &err) : error_set(&err, -ENOMEM, "not enough memory");
    bool is_news = !is_second_look || (r == 0) != self->is_current;
    if (r == 0) {
        accept_settings(self, settings);
    } else {
        web_settings_release(settings);
        pthread_mutex_lock(&self->lock);
        self->is_current = false;
        pthread_mutex_unlock(&self->lock);
    }
    if (is_news && self->report)
        self->report(self->report_state, r < 0 ? &err : NULL);
}

struct web_settings *web_live_get(struct web_live *self)
{
    /* While one thread reads, the others go on with what there is. */
    if (self->path && pthread_mutex_trylock(&self->reading) == 0) {
        if (has_changed(self))
            read_anew(self);
        pthread_mutex_unlock(&self->reading);
    }
    pthread_mutex_lock(&self->lock);
    struct web_settings *settings = self->current;
    __atomic_add_fetch(&settings->n_users, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&self->lock);
    return settings;
}

static int start(struct web_live *self, const char *path, struct error *err)
{
    cleanup(release_settings) struct web_settings *settings = settings_new();
    if (!settings)
        return error_set(err, -ENOMEM, "not enough memory");
    int r;
    if (!path || !*path) {
        r = web_config_parse("", "", 0, &settings->config, err);
    } else {
        self->path = strdup(path);
        self->paths[FILE_CONFIG] = strdup(path);
        if (!self->path || !self->paths[FILE_CONFIG])
            return error_set(err, -ENOMEM, "not enough memory");
        r = load(self, settings, err);
    }
    if (r < 0)
        return r;
    accept_settings(self, settings);
    settings = NULL;
    return 0;
}

int web_live_new(const char *path, struct web_live **ret_live, struct error *err)
{
    cleanup(web_live_destroy) struct web_live *self = calloc(1, sizeof(*self));
    if (!self)
        return error_set(err, -ENOMEM, "not enough memory");
    pthread_mutex_init(&self->lock, NULL);
    pthread_mutex_init(&self->reading, NULL);
    int r = start(self, path, err);
    if (r < 0)
        return r;
    *ret_live = self;
    self = NULL;
    return 0;
}

void web_live_destroy(struct web_live **self_p)
{
    struct web_live *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    web_settings_release(self->current);
    for (unsigned i = 0; i < N_FILES; i++)
        free(self->paths[i]);
    free(self->path);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->reading);
    free(self);
}

void web_live_set_report(struct web_live *self, web_live_report report, void *state)
{
    self->report = report;
    self->report_state = state;
}

bool web_live_has_file(const struct web_live *self)
{
    return self->path != NULL;
}

bool web_live_is_current(struct web_live *self)
{
    pthread_mutex_lock(&self->lock);
    bool is_current = self->is_current;
    pthread_mutex_unlock(&self->lock);
    return is_current;
}

double web_live_taken_seconds(struct web_live *self)
{
    pthread_mutex_lock(&self->lock);
    double seconds = self->taken_seconds;
    pthread_mutex_unlock(&self->lock);
    return seconds;
}
