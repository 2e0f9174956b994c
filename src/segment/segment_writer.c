/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_writer.h"

#include "base/clock.h"
#include "segment/segment_copy.h"
#include "segment/segment_file.h"
#include "segment/segment_identity.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define RETRY_INTERVAL_NS CLOCK_NS_PER_SECOND
#define LOOK_INTERVAL_NS  CLOCK_NS_PER_SECOND
#define NOTHING_TO_OPEN   1

struct segment_writer {
    struct segment_table *table;
    struct segment_file file;
    struct segment_map_lock lock;
    uint64_t retry_ns;
    uint64_t look_ns; /* when a mapped file is looked for */
    uint64_t room_ns; /* when it is made longer, which failed before */
    bool is_closed;
    uint64_t head[SEGMENT_COPY_HEAD_WORDS]; /* of the header, written in every round */
    struct segment_copy copy;
};

static_assert(sizeof(struct segment_identity_scratch) <=
                  SEGMENT_COPY_BUFFER_WORDS * sizeof(uint64_t),
              "scratch");

int segment_writer_new(struct segment_table *table, const char *directory,
                       struct segment_writer **ret_writer)
{
    int saved_errno = errno;
    struct segment_writer *self = mmap(NULL, sizeof(*self), PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int r = self == MAP_FAILED ? -ENOMEM : segment_file_init(&self->file, directory);
    if (r == 0) {
        (void)madvise(self, sizeof(*self), MADV_DONTDUMP);
        self->table = table;
        segment_copy_init(&self->copy, table);
        segment_identity_fill(table->header, (struct segment_identity_scratch *)self->copy.buffer);
        *ret_writer = self;
    } else if (self != MAP_FAILED) {
        munmap(self, sizeof(*self));
    }
    errno = saved_errno;
    return r;
}

void segment_writer_destroy(struct segment_writer **self_p)
{
    if (!self_p || !*self_p)
        return;
    munmap(*self_p, sizeof(**self_p));
    *self_p = NULL;
}

static struct segment_header *head(struct segment_writer *self)
{
    return (struct segment_header *)self->head;
}

/* The head as of the round's beginning: what it counts is complete, what comes later is not. */
static void prepare_head(struct segment_writer *self, enum segment_state state)
{
    const struct segment_header *header = self->table->header;
    uint32_t n_lanes = __atomic_load_n(&self->table->lane_rows.n, __ATOMIC_ACQUIRE);
    uint32_t n_groups = __atomic_load_n(&self->table->group_rows.n, __ATOMIC_ACQUIRE);
    segment_copy_words(self->head, (const uint64_t *)(const void *)header, SEGMENT_COPY_HEAD_WORDS);
    head(self)->n_lanes = n_lanes;
    head(self)->n_groups = n_groups;
    head(self)->state = state;
    head(self)->updated_ns = clock_monotonic_ns();
    head(self)->generation_begin = ++self->copy.round;
    head(self)->generation_end = self->copy.round;
}

static int write_round(struct segment_writer *self, int fd)
{
    const struct segment_header *now = head(self);
    bool is_last = now->state == SEGMENT_CLOSED;
    off_t size = (off_t)(now->lanes_offset + (uint64_t)now->n_lanes * sizeof(struct segment_lane));
    int r = 0;
    if (self->file.size > 0)
        r = segment_copy_bytes(fd, &now->generation_begin, sizeof(uint64_t),
                               offsetof(struct segment_header, generation_begin));
    if (r == 0 && self->file.size < size)
        r = ftruncate(fd, size) < 0 ? -errno : 0;
    if (r == 0)
        r = segment_copy_groups(&self->copy, fd, now->n_groups);
    if (r == 0)
        r = segment_copy_lanes(&self->copy, fd, now->n_lanes, is_last);
    if (r == 0)
        r = segment_copy_tables(&self->copy, fd);
    if (r == 0)
        r = segment_copy_bytes(fd, self->head, sizeof(self->head), 0);
    if (r == 0) {
        self->file.size = size;
        self->copy.is_unsure = false;
    }
    return r;
}

static int make_file(struct segment_writer *self, int *ret_fd)
{
    segment_copy_forget(&self->copy, head(self)->n_groups, head(self)->n_lanes);
    return segment_file_make(&self->file, head(self), ret_fd);
}

static int open_file(struct segment_writer *self, int *ret_fd)
{
    int r = self->file.is_made ? segment_file_open(&self->file, ret_fd) : -ESTALE;
    if (r == -ESTALE && self->is_closed)
        return r; /* the agent has folded it: made again, it would be counted again */
    if (r == -ESTALE)
        segment_file_remove(&self->file);
    /* Refused since the program gave up its user: the file stays, another one goes on. */
    if (r == -ESTALE || (r == -EACCES && self->file.owner != geteuid()))
        r = make_file(self, ret_fd);
    return r;
}

static int write_whole(struct segment_writer *self, enum segment_state state)
{
    int fd;
    prepare_head(self, state);
    self->copy.n_buffered = 0;
    int r = open_file(self, &fd);
    if (r < 0)
        return r;
    bool is_new = self->file.size == 0;
    r = write_round(self, fd);
    if (r < 0 && is_new)
        segment_file_remove(&self->file); /* half a file is of no use to anybody */
    if (r < 0)
        self->copy.is_unsure = true;
    close(fd);
    return r;
}

/*
 * Mapped
 */
#define HARD_END ": a hard end loses 0.1 s"

static void set_durable(struct segment_writer *self, enum segment_capability_state state,
                        const char *reason)
{
    struct segment_capability *capability =
        &self->table->header->capabilities[SEGMENT_CAPABILITY_DURABLE];
    if (capability->state == SEGMENT_CAPABILITY_BOUND)
        return;
    memset(capability->reason, 0, sizeof(capability->reason));
    if (state == SEGMENT_CAPABILITY_BOUND)
        (void)snprintf(capability->reason, sizeof(capability->reason), "%s" HARD_END, reason);
    __atomic_store_n(&capability->state, state, __ATOMIC_RELEASE);
}

static const char *reason_of(int error)
{
    switch (-error) {
    case EMEDIUMTYPE:
        return "not on tmpfs";
    case EFBIG:
        return "file size limit";
    case ENOSPC:
    case EDQUOT:
        return "no room at the start";
    case ENOENT:
    case ENOTDIR:
        return "no directory at the start";
    default:
        return "no file at the start";
    }
}

static int map_file(struct segment_writer *self)
{
    int fd;
    struct segment_header *header = self->table->header;
    if (!segment_file_is_on_tmpfs(&self->file))
        return -EMEDIUMTYPE;
    int r = segment_file_make(&self->file, header, &fd);
    if (r < 0)
        return r;
    header->state = SEGMENT_LIVE;
    header->updated_ns = clock_monotonic_ns();
    r = segment_map_begin(self->table, fd);
    if (r < 0)
        segment_file_remove(&self->file);
    else
        segment_file_protect(&self->file, fd);
    close(fd);
    return r;
}

int segment_writer_map(struct segment_writer *self, const struct segment_map_lock *lock)
{
    int saved_errno = errno;
    int r = map_file(self);
    if (lock)
        self->lock = *lock;
    self->look_ns = clock_monotonic_ns() + LOOK_INTERVAL_NS;
    set_durable(self, r < 0 ? SEGMENT_CAPABILITY_BOUND : SEGMENT_CAPABILITY_ON, reason_of(r));
    errno = saved_errno;
    return r;
}

void segment_writer_beat(struct segment_writer *self)
{
    if (self->table->is_mapped)
        segment_word_set(&self->table->header->updated_ns, clock_monotonic_ns());
}

static void show_rows(struct segment_rows *rows, uint32_t n)
{
    if (__atomic_load_n(rows->shown, __ATOMIC_RELAXED) < n)
        __atomic_store_n(rows->shown, n, __ATOMIC_RELEASE);
}

static bool has_private_rows(const struct segment_writer *self)
{
    return __atomic_load_n(&self->table->group_rows.n_private, __ATOMIC_RELAXED) ||
           __atomic_load_n(&self->table->lane_rows.n_private, __ATOMIC_RELAXED);
}

/* A lane's group is shown before it. */
static int write_private_rows(struct segment_writer *self, int fd, bool is_last)
{
    struct segment_rows *lanes = &self->table->lane_rows, *groups = &self->table->group_rows;
    uint32_t n_lanes = __atomic_load_n(&lanes->n, __ATOMIC_ACQUIRE);
    uint32_t n_groups = __atomic_load_n(&groups->n, __ATOMIC_ACQUIRE);
    self->copy.n_buffered = 0;
    self->copy.round++; /* whose turn it is; nobody reads it */
    int r = segment_copy_groups(&self->copy, fd, n_groups);
    if (r == 0)
        r = segment_copy_lanes(&self->copy, fd, n_lanes, is_last);
    self->copy.is_unsure = r < 0;
    if (r == 0) {
        show_rows(groups, n_groups);
        show_rows(lanes, n_lanes);
    }
    return r;
}

static bool is_room_due(const struct segment_writer *self, uint64_t now_ns)
{
    return (segment_rows_are_scarce(&self->table->group_rows, 4) ||
            segment_rows_are_scarce(&self->table->lane_rows, 4)) &&
           now_ns >= self->room_ns;
}

static void note_room(struct segment_writer *self, bool has_room)
{
    self->room_ns = has_room ? 0 : clock_monotonic_ns() + RETRY_INTERVAL_NS;
    __atomic_store_n(&self->table->has_no_room, !has_room, __ATOMIC_RELAXED);
}

/* The hooks go on in the memory that was mapped from the lost file; another one is written from it,
 * as where nothing is mapped. Fails where no file can be made, as after chroot(2): then what is
 * mapped may well be there still. */
static int give_up_mapping(struct segment_writer *self, const char *reason)
{
    int fd;
    struct segment_table *table = self->table;
    prepare_head(self, SEGMENT_LIVE);
    int r = make_file(self, &fd);
    if (r < 0)
        return r;
    close(fd);
    set_durable(self, SEGMENT_CAPABILITY_BOUND, reason);
    if (self->lock.lock)
        self->lock.lock();
    __atomic_store_n(&table->is_mapped, false, __ATOMIC_RELAXED);
    table->group_rows.mapped_begin = table->group_rows.mapped_end = 0;
    table->lane_rows.mapped_begin = table->lane_rows.mapped_end = 0;
    if (self->lock.lock)
        self->lock.unlock();
    return write_whole(self, SEGMENT_LIVE);
}

static int open_mapped(struct segment_writer *self, int *ret_fd)
{
    int r = segment_file_open(&self->file, ret_fd);
    bool is_given_up = r == -EACCES && self->file.owner != geteuid();
    if (r == -ESTALE || (is_given_up && has_private_rows(self))) {
        r = self->is_closed ? r
                            : give_up_mapping(self, is_given_up ? "user given up" : "file removed");
        return r < 0 ? r : NOTHING_TO_OPEN;
    }
    return r;
}

static int write_rest(struct segment_writer *self, enum segment_state state)
{
    int fd;
    int r = open_mapped(self, &fd);
    if (r == NOTHING_TO_OPEN)
        return 0;
    bool is_last = state == SEGMENT_CLOSED;
    if (r == 0) {
        if (!is_last)
            note_room(self, segment_map_extend(self->table, fd, &self->lock) == 0);
        if (has_private_rows(self)) {
            set_durable(self, SEGMENT_CAPABILITY_BOUND, "no room for all sockets");
            r = write_private_rows(self, fd, is_last);
        }
        segment_file_release(&self->file, fd);
    } else {
        note_room(self, false);
    }
    return has_private_rows(self) ? r : 0;
}

static int look_after_mapped(struct segment_writer *self, enum segment_state state)
{
    uint64_t now = clock_monotonic_ns();
    if (now >= self->look_ns && state != SEGMENT_CLOSED) {
        self->look_ns = now + LOOK_INTERVAL_NS;
        if (segment_file_is_missing(&self->file) && give_up_mapping(self, "file removed") == 0)
            return 0;
    }
    return has_private_rows(self) || is_room_due(self, now) ? write_rest(self, state) : 0;
}

static int publish(struct segment_writer *self, enum segment_state state)
{
    return self->table->is_mapped ? look_after_mapped(self, state) : write_whole(self, state);
}

/* A write beyond RLIMIT_FSIZE raises SIGXFSZ in the thread that writes, which would end the
 * program: where there is a limit it is held back meanwhile, and taken if it came. */
static int publish_below_limit(struct segment_writer *self, enum segment_state state)
{
    const struct timespec now = {0};
    sigset_t limit, before, pending;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &limit, &before);
    bool was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1;

    int r = publish(self, state);

    if (r == -EFBIG && !was_pending)
        (void)sigtimedwait(&limit, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

static int publish_quietly(struct segment_writer *self, enum segment_state state)
{
    struct rlimit limit;
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    bool is_limited = getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY;
    int r = is_limited ? publish_below_limit(self, state) : publish(self, state);
    pthread_setcancelstate(cancel_state, NULL);
    return r;
}

static int attempt(struct segment_writer *self, enum segment_state state)
{
    int saved_errno = errno;
    int r = publish_quietly(self, state);
    if (r < 0) {
        segment_word_add(&self->table->header->rounds_failed, 1);
        self->retry_ns = clock_monotonic_ns() + RETRY_INTERVAL_NS;
    } else {
        self->retry_ns = 0;
    }
    errno = saved_errno;
    return r;
}

bool segment_writer_closes_quietly(const struct segment_writer *self)
{
    return self->table->is_mapped && !has_private_rows(self);
}

/* Whether a round of a mapped file is more than its heartbeat. */
static bool has_work(const struct segment_writer *self)
{
    uint64_t now = clock_monotonic_ns();
    return has_private_rows(self) || now >= self->look_ns || is_room_due(self, now);
}

int segment_writer_publish(struct segment_writer *self)
{
    segment_writer_beat(self);
    if (self->table->is_mapped && !has_work(self))
        return 0;
    if (self->retry_ns && clock_monotonic_ns() < self->retry_ns)
        return -EAGAIN;
    return attempt(self, self->is_closed ? SEGMENT_CLOSED : SEGMENT_LIVE);
}

void segment_writer_close(struct segment_writer *self)
{
    bool is_quiet = segment_writer_closes_quietly(self);
    segment_writer_beat(self);
    if (!is_quiet)
        (void)attempt(self, SEGMENT_CLOSED);
    self->is_closed = true;
    if (self->table->is_mapped)
        segment_word_set(&self->table->header->state, SEGMENT_CLOSED);
}
