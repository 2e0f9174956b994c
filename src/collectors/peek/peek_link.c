/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/peek_link.h"

#include "base/clock.h"
#include "base/condition.h"
#include "collectors/peek/peek_settings.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_PAUSE_NS (60 * CLOCK_NS_PER_SECOND)
#define N_RECORDS    128u

#define AWAIT_PAUSE_NS (CLOCK_NS_PER_SECOND / 10)

struct peek_link {
    pthread_t thread;
    pthread_mutex_t say_lock; /* of whether, and to whom, anything may be said */
    bool may_say;             /* the setup is said, and the reader was heard since */
    pthread_mutex_t lock;     /* of what follows, up to the thread's own */
    pthread_cond_t passed;
    struct peek_model model;
    uint64_t heard_ns; /* the last pass; 0: none of this reader */
    uint64_t n_starts;
    char reason[128]; /* why there is no reader */
    /* The thread's own. */
    int stop_fd;
    struct peek_launch *launch; /* borrowed; NULL: there is a socket's path */
    const char *socket_path;
    const char *const *excluded; /* by flags; borrowed */
    size_t n_excluded;
    struct handover *handover;
    struct peek_settings *settings; /* of the configuration; NULL: it says nothing */
    struct peek_record_process failed[PEEK_MAX_FAILED];
    size_t n_failed;
    int fd;
    size_t n_bytes;
    struct peek_record records[N_RECORDS];
};

/*
 * The reader's life
 */
static int connect_reader(struct peek_link *self, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(self->socket_path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, self->socket_path, strlen(self->socket_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int start_reader(struct peek_link *self, int *ret_fd)
{
    if (self->launch)
        return peek_launch_start(self->launch, ret_fd);
    return self->socket_path ? connect_reader(self, ret_fd) : -EPERM;
}

/* A reader that was not launched here ends by itself when its connection closes. */
static void end_reader(struct peek_link *self)
{
    close(self->fd);
    self->fd = -1;
    if (self->launch)
        peek_launch_end(self->launch);
}

/*
 * What it is told first
 */
static bool say(struct peek_link *self, enum peek_record_kind kind,
                const struct peek_record_process *process, const char *program)
{
    struct peek_record record = peek_record_of(kind);
    if (process)
        record.process = *process;
    if (program)
        (void)snprintf(record.name.program, sizeof(record.name.program), "%s", program);
    const char *bytes = (const char *)&record;
    for (size_t n_said = 0; n_said < sizeof(record);) {
        ssize_t n = send(self->fd, bytes + n_said, sizeof(record) - n_said, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        n_said += (size_t)n;
    }
    return true;
}

static bool say_all(struct peek_link *self)
{
    const struct peek_settings *settings = self->settings;
    size_t n_failed = self->n_failed < PEEK_MAX_FAILED ? self->n_failed : PEEK_MAX_FAILED;
    size_t n_more = settings ? settings->n_excluded : 0, n = 0;
    bool is_said = true;
    for (size_t i = 0; i < self->n_excluded && n < PEEK_MAX_EXCLUDED && is_said; i++, n++)
        is_said = say(self, PEEK_RECORD_EXCLUDE, NULL, self->excluded[i]);
    for (size_t i = 0; i < n_more && n < PEEK_MAX_EXCLUDED && is_said; i++, n++)
        is_said = say(self, PEEK_RECORD_EXCLUDE, NULL, settings->excluded[i]);
    for (size_t i = 0; i < n_failed && is_said; i++)
        is_said = say(self, PEEK_RECORD_FAILED, &self->failed[i], NULL);
    return is_said && say(self, PEEK_RECORD_BEGIN, NULL, NULL);
}

/*
 * What it is asked later
 */
static void allow_saying(struct peek_link *self, bool may_say)
{
    pthread_mutex_lock(&self->say_lock);
    self->may_say = may_say;
    pthread_mutex_unlock(&self->say_lock);
}

/* Whole or not at all: a record is one piece of what the kernel keeps of a stream. */
static void say_now(struct peek_link *self, const struct peek_record *record)
{
    pthread_mutex_lock(&self->say_lock);
    if (self->may_say &&
        send(self->fd, record, sizeof(*record), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*record))
        self->may_say = false; /* it does not read: nothing more is said before it is heard */
    pthread_mutex_unlock(&self->say_lock);
}

void peek_link_ask(struct peek_link *self)
{
    const struct peek_record record = peek_record_of(PEEK_RECORD_ASK);
    say_now(self, &record);
}

void peek_link_want(struct peek_link *self, const uint64_t *inodes, size_t n)
{
    for (size_t i = 0; i < n; i += PEEK_WANTED_IN_RECORD) {
        struct peek_record record = peek_record_of(PEEK_RECORD_WANTED);
        size_t n_here = n - i < PEEK_WANTED_IN_RECORD ? n - i : PEEK_WANTED_IN_RECORD;
        record.wanted.n = (uint32_t)n_here;
        memcpy(record.wanted.inodes, inodes + i, n_here * sizeof(*inodes));
        say_now(self, &record);
    }
}

void peek_link_wait(struct peek_link *self, uint64_t until_ns)
{
    (void)condition_wait_until(&self->passed, &self->lock, until_ns);
}

bool peek_link_await_pass(struct peek_link *self, uint64_t until_ns)
{
    struct error unused;
    const struct peek_model *model = peek_link_lock(self);
    uint64_t now_ns;
    while (model->n_passes == 0 && peek_link_check(self, &unused) == 0 &&
           (now_ns = clock_monotonic_ns()) < until_ns) {
        uint64_t pause_ns = now_ns + AWAIT_PAUSE_NS;
        peek_link_wait(self, pause_ns < until_ns ? pause_ns : until_ns);
    }
    bool has_passed = model->n_passes > 0;
    peek_link_unlock(self);
    return has_passed;
}

/* Whether the configuration of the reader has changed. */
static bool take_settings(struct peek_link *self)
{
    struct peek_settings *settings = self->handover ? handover_take(self->handover) : NULL;
    if (!settings)
        return false;
    bool is_change = !self->settings || !peek_settings_are_same(self->settings, settings);
    peek_settings_destroy(&self->settings);
    self->settings = settings;
    return is_change;
}

static int start(struct peek_link *self)
{
    (void)take_settings(self);
    int r = start_reader(self, &self->fd);
    if (r < 0)
        return r;
    (void)say_all(self); /* or it ended, which is heard */
    self->n_bytes = 0;
    pthread_mutex_lock(&self->lock);
    self->n_starts++;
    self->reason[0] = '\0';
    peek_model_restart(&self->model);
    pthread_mutex_unlock(&self->lock);
    return 0;
}

static void note_failed(struct peek_link *self)
{
    const struct peek_model *model = &self->model;
    struct peek_record_process *failed = &self->failed[self->n_failed % PEEK_MAX_FAILED];
    if (model->looking_pid == 0)
        return;
    *failed = (struct peek_record_process){.pid = model->looking_pid,
                                           .start_ticks = model->looking_start};
    self->n_failed++;
}

static void note_reason(struct peek_link *self, const char *prefix, const char *reason)
{
    pthread_mutex_lock(&self->lock);
    (void)snprintf(self->reason, sizeof(self->reason), "%s%s", prefix, reason);
    pthread_mutex_unlock(&self->lock);
}

static void end(struct peek_link *self, const char *reason, bool is_its_fault)
{
    allow_saying(self, false);
    end_reader(self);
    pthread_mutex_lock(&self->lock);
    if (is_its_fault)
        note_failed(self);
    self->heard_ns = 0;
    (void)snprintf(self->reason, sizeof(self->reason), "%s", reason);
    pthread_mutex_unlock(&self->lock);
}

/*
 * What it says
 */
static int take_records(struct peek_link *self)
{
    size_t n = self->n_bytes / sizeof(self->records[0]);
    uint64_t now_ns = clock_monotonic_ns();
    int r = 0;
    bool has_passed = false;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < n && r == 0; i++) {
        r = peek_model_take(&self->model, &self->records[i], now_ns);
        has_passed = has_passed || self->records[i].kind == PEEK_RECORD_PASS;
    }
    if (r == 0 && has_passed) {
        self->heard_ns = now_ns;
        pthread_cond_broadcast(&self->passed);
    }
    pthread_mutex_unlock(&self->lock);
    if (has_passed)
        allow_saying(self, true);
    self->n_bytes -= n * sizeof(self->records[0]);
    memmove(self->records, &self->records[n], self->n_bytes);
    return r;
}

static const char new_settings[] = "the configuration is another";

/* Returns why it ended; NULL: it was stopped. */
static const char *hear(struct peek_link *self)
{
    uint64_t heard_ns = clock_monotonic_ns();
    for (;;) {
        struct pollfd polls[2] = {{.fd = self->stop_fd, .events = POLLIN},
                                  {.fd = self->fd, .events = POLLIN}};
        (void)poll(polls, 2, 1000);
        if (polls[0].revents)
            return NULL;
        if (take_settings(self))
            return new_settings;
        if (!polls[1].revents) {
            if (clock_monotonic_ns() - heard_ns > PEEK_LINK_PATIENCE_NS)
                return "the reader of other programs hung";
            continue;
        }
        ssize_t n = read(self->fd, (char *)self->records + self->n_bytes,
                         sizeof(self->records) - self->n_bytes);
        if (n <= 0)
            return "the reader of other programs ended";
        self->n_bytes += (size_t)n;
        heard_ns = clock_monotonic_ns();
        int r = take_records(self);
        if (r != 0)
            return r < 0 ? strerror(-r) : "the reader of other programs said what it may not";
    }
}

static bool pause_is_over(struct peek_link *self, uint64_t pause_ns)
{
    struct pollfd stop = {.fd = self->stop_fd, .events = POLLIN};
    return poll(&stop, 1, (int)(pause_ns / CLOCK_NS_PER_MS)) == 0;
}

static const char *why_not_started(const struct peek_link *self, int r)
{
    bool has_launcher_ended = self->launch && (r == -EPIPE || r == -ECONNRESET);
    return has_launcher_ended ? "its launcher has ended; start the exporter again" : strerror(-r);
}

static void *run(void *data)
{
    struct peek_link *self = data;
    uint64_t pause_ns = CLOCK_NS_PER_SECOND;
    do {
        int r = start(self);
        uint64_t n_passes = self->model.n_passes; /* nobody else changes it */
        const char *reason = r < 0 ? why_not_started(self, r) : hear(self);
        if (r < 0)
            note_reason(self, "it cannot be started: ", reason);
        else
            end(self, reason ? reason : "", reason && reason != new_settings);
        if (!reason)
            return NULL;
        if (reason == new_settings)
            continue;
        if (self->model.n_passes > n_passes + 60)
            pause_ns = CLOCK_NS_PER_SECOND;
        if (!pause_is_over(self, pause_ns))
            return NULL;
        pause_ns = 2 * pause_ns < MAX_PAUSE_NS ? 2 * pause_ns : MAX_PAUSE_NS;
    } while (true);
}

struct peek_model *peek_link_lock(struct peek_link *self)
{
    pthread_mutex_lock(&self->lock);
    return &self->model;
}

void peek_link_unlock(struct peek_link *self)
{
    pthread_mutex_unlock(&self->lock);
}

int peek_link_check(struct peek_link *self, struct error *err)
{
    if (self->heard_ns != 0 && clock_monotonic_ns() - self->heard_ns < PEEK_LINK_PATIENCE_NS)
        return 0;
    if (self->n_starts <= 1 && !*self->reason)
        return 0; /* it has just begun */
    return error_set(err, -ESRCH, "programs without a tap are not seen: %s",
                     *self->reason ? self->reason : "the reader has just begun again");
}

uint64_t peek_link_count_starts(const struct peek_link *self)
{
    return self->n_starts;
}

static void free_link(struct peek_link *self)
{
    peek_settings_destroy(&self->settings);
    peek_model_finish(&self->model);
    if (self->stop_fd >= 0)
        close(self->stop_fd);
    pthread_cond_destroy(&self->passed);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->say_lock);
    free(self);
}

int peek_link_new(const struct peek_link_options *options, struct peek_link **ret_link)
{
    struct peek_link *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    pthread_mutex_init(&self->say_lock, NULL);
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->passed);
    self->fd = -1;
    self->launch = options->launch;
    self->socket_path = options->socket_path;
    self->excluded = options->excluded;
    self->n_excluded = options->n_excluded;
    self->handover = options->settings;
    self->stop_fd = eventfd(0, EFD_CLOEXEC);
    int r = self->stop_fd < 0 ? -errno : 0;
    if (r == 0)
        r = -pthread_create(&self->thread, NULL, run, self);
    if (r < 0) {
        free_link(self);
        return r;
    }
    *ret_link = self;
    return 0;
}

void peek_link_destroy(struct peek_link **self_p)
{
    const uint64_t one = 1;
    struct peek_link *self = *self_p;
    if (!self)
        return;
    (void)!write(self->stop_fd, &one, sizeof(one));
    pthread_join(self->thread, NULL);
    free_link(self);
    *self_p = NULL;
}
