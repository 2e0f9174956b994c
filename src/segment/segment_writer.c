/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: what is in the file is remembered as hashes, zero for zeros, which a new file is made
 * of. A round hashes the words and writes a row (a group, a lane, a part of the header's tables)
 * whose hash is new. So an idle socket costs two kilobytes of reading and no call; neighbours
 * share one. Words are copied out one by one before they are written, so that the kernel never
 * reads one that a thread of the program is changing.
 *
 * The histograms of a socket move with every sample even where nothing happens. They are looked
 * at once in RELAXED_ROUNDS, or when the rest of the lane has changed.
 *
 * After a failed write nobody knows what the file holds: then everything is written again.
 */
#include "segment/segment_writer.h"

#include "base/clock.h"
#include "segment/segment_file.h"
#include "segment/segment_identity.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORD_SIZE          sizeof(uint64_t)
#define LANE_WORDS         SEGMENT_LANE_WORDS_MAX
#define RELAXED_WORDS      96u /* histograms, time at HWM: up to, not including, */
#define RELAXED_WORDS_END  160u
#define GROUP_WORDS        (sizeof(struct segment_group) / WORD_SIZE)
#define HEAD_WORDS         512u /* of the header, written in every round; the tables follow */
#define TABLE_ROW_WORDS    128u
#define N_TABLE_ROWS       ((sizeof(struct segment_header) / WORD_SIZE - HEAD_WORDS) / TABLE_ROW_WORDS)
#define BUFFER_WORDS       2048u
#define RELAXED_ROUNDS     10u
#define RELAXED_NEIGHBOURS 8u /* lanes whose turn comes together: a buffer full */
#define RETRY_INTERVAL_NS  CLOCK_NS_PER_SECOND

struct lane_hashes {
    uint64_t urgent;
    uint64_t relaxed;
};

struct segment_writer {
    struct segment_table *table;
    struct segment_file file;
    uint64_t round;
    uint64_t retry_ns;
    bool is_unsure; /* of what the file holds */
    bool is_closed;
    uint64_t factors[LANE_WORDS];
    uint64_t table_hashes[N_TABLE_ROWS];
    uint64_t group_hashes[SEGMENT_MAX_GROUPS];
    struct lane_hashes lane_hashes[SEGMENT_MAX_LANES];
    uint64_t head[HEAD_WORDS];
    /* Rows to be written, one stretch of the file. */
    uint64_t buffer_offset;
    size_t n_buffered; /* words */
    uint64_t buffer[BUFFER_WORDS];
};

static_assert(sizeof(struct segment_identity_scratch) <= BUFFER_WORDS * WORD_SIZE, "scratch");

/* Odd and unlike each other, so that no likely pair of changes leaves a sum as it was (the
 * finalizer of SplitMix64). */
static void fill_factors(uint64_t *factors)
{
    for (uint64_t i = 0; i < LANE_WORDS; i++) {
        uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        factors[i] = (z ^ (z >> 31)) | 1;
    }
}

int segment_writer_new(struct segment_table *table, const char *directory,
                       struct segment_writer **ret_writer)
{
    int saved_errno = errno;
    struct segment_writer *self = mmap(NULL, sizeof(*self), PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int r = self == MAP_FAILED ? -ENOMEM : segment_file_init(&self->file, directory);
    if (r == 0) {
        self->table = table;
        fill_factors(self->factors);
        segment_identity_fill(table->header, (struct segment_identity_scratch *)self->buffer);
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

static void copy_words(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = segment_word_get(&from[i]);
}

static uint64_t hash_words(const struct segment_writer *self, const uint64_t *words, size_t from,
                           size_t to)
{
    uint64_t sum = 0;
    for (size_t i = from; i < to; i++)
        sum += segment_word_get(&words[i]) * self->factors[i];
    return sum;
}

static uint64_t hash_urgent(const struct segment_writer *self, const uint64_t *words)
{
    return hash_words(self, words, 0, RELAXED_WORDS) +
           hash_words(self, words, RELAXED_WORDS_END, LANE_WORDS);
}

static uint64_t hash_relaxed(const struct segment_writer *self, const uint64_t *words)
{
    return hash_words(self, words, RELAXED_WORDS, RELAXED_WORDS_END);
}

static int write_all(int fd, const void *bytes, size_t size, off_t offset)
{
    const char *from = bytes;
    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        from += n;
        size -= (size_t)n;
        offset += n;
    }
    return 0;
}

static int flush_buffer(struct segment_writer *self, int fd)
{
    size_t size = self->n_buffered * WORD_SIZE;
    self->n_buffered = 0;
    return size ? write_all(fd, self->buffer, size, (off_t)self->buffer_offset) : 0;
}

/* Copies a row to the buffer, from where it is written with its neighbours. */
static int buffer_row(struct segment_writer *self, int fd, const uint64_t *row, size_t n_words,
                      uint64_t offset, const uint64_t **ret_copy)
{
    bool is_apart = self->buffer_offset + self->n_buffered * WORD_SIZE != offset;
    if (is_apart || self->n_buffered + n_words > BUFFER_WORDS) {
        int r = flush_buffer(self, fd);
        if (r < 0)
            return r;
        self->buffer_offset = offset;
    }
    uint64_t *copy = &self->buffer[self->n_buffered];
    copy_words(copy, row, n_words);
    self->n_buffered += n_words;
    *ret_copy = copy;
    return 0;
}

static bool lane_has_news(const struct segment_writer *self, uint32_t lane, bool is_last)
{
    const uint64_t *words = self->table->lanes[lane].words;
    const struct lane_hashes *known = &self->lane_hashes[lane];
    bool is_turn = is_last || (self->round + lane / RELAXED_NEIGHBOURS) % RELAXED_ROUNDS == 0;
    return self->is_unsure || hash_urgent(self, words) != known->urgent ||
           (is_turn && hash_relaxed(self, words) != known->relaxed);
}

static int write_lanes(struct segment_writer *self, int fd, uint32_t n_lanes, bool is_last)
{
    for (uint32_t i = 0; i < n_lanes; i++) {
        const uint64_t *copy;
        if (!lane_has_news(self, i, is_last))
            continue;
        int r = buffer_row(self, fd, self->table->lanes[i].words, LANE_WORDS,
                           self->table->header->lanes_offset + i * sizeof(struct segment_lane),
                           &copy);
        if (r < 0)
            return r;
        self->lane_hashes[i] = (struct lane_hashes){hash_urgent(self, copy),
                                                    hash_relaxed(self, copy)};
    }
    return flush_buffer(self, fd);
}

struct row_set {
    const void *rows;
    uint64_t *hashes;
    size_t n;
    size_t n_words; /* of a row */
    uint64_t offset;
};

static int write_rows(struct segment_writer *self, int fd, const struct row_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        const uint64_t *row = (const uint64_t *)set->rows + i * set->n_words;
        const uint64_t *copy;
        if (!self->is_unsure && hash_words(self, row, 0, set->n_words) == set->hashes[i])
            continue;
        int r = buffer_row(self, fd, row, set->n_words, set->offset + i * set->n_words * WORD_SIZE,
                           &copy);
        if (r < 0)
            return r;
        set->hashes[i] = hash_words(self, copy, 0, set->n_words);
    }
    return flush_buffer(self, fd);
}

static int write_groups(struct segment_writer *self, int fd, uint32_t n_groups)
{
    return write_rows(self, fd,
                      &(struct row_set){.rows = self->table->groups,
                                        .hashes = self->group_hashes,
                                        .n = n_groups,
                                        .n_words = GROUP_WORDS,
                                        .offset = self->table->header->groups_offset});
}

/* Capabilities, libraries and contexts. */
static int write_tables(struct segment_writer *self, int fd)
{
    return write_rows(
        self, fd,
        &(struct row_set){.rows = (const uint64_t *)(const void *)self->table->header + HEAD_WORDS,
                          .hashes = self->table_hashes,
                          .n = N_TABLE_ROWS,
                          .n_words = TABLE_ROW_WORDS,
                          .offset = HEAD_WORDS * WORD_SIZE});
}

static struct segment_header *head(struct segment_writer *self)
{
    return (struct segment_header *)self->head;
}

/* The head as of the round's beginning: what it counts is complete, what comes later is not. */
static void prepare_head(struct segment_writer *self, enum segment_state state)
{
    struct segment_header *header = self->table->header;
    uint32_t n_lanes = __atomic_load_n(&header->n_lanes, __ATOMIC_ACQUIRE);
    uint32_t n_groups = __atomic_load_n(&header->n_groups, __ATOMIC_ACQUIRE);
    copy_words(self->head, (const uint64_t *)(const void *)header, HEAD_WORDS);
    head(self)->n_lanes = n_lanes;
    head(self)->n_groups = n_groups;
    head(self)->state = state;
    head(self)->updated_ns = clock_monotonic_ns();
    head(self)->generation_begin = ++self->round;
    head(self)->generation_end = self->round;
}

static int write_round(struct segment_writer *self, int fd)
{
    const struct segment_header *now = head(self);
    bool is_last = now->state == SEGMENT_CLOSED;
    off_t size = (off_t)(now->lanes_offset + (uint64_t)now->n_lanes * sizeof(struct segment_lane));
    int r = 0;
    if (self->file.size > 0)
        r = write_all(fd, &now->generation_begin, sizeof(uint64_t),
                      offsetof(struct segment_header, generation_begin));
    if (r == 0 && self->file.size < size)
        r = ftruncate(fd, size) < 0 ? -errno : 0;
    if (r == 0)
        r = write_groups(self, fd, now->n_groups);
    if (r == 0)
        r = write_lanes(self, fd, now->n_lanes, is_last);
    if (r == 0)
        r = write_tables(self, fd);
    if (r == 0)
        r = write_all(fd, self->head, sizeof(self->head), 0);
    if (r == 0) {
        self->file.size = size;
        self->is_unsure = false;
    }
    return r;
}

static int make_file(struct segment_writer *self, int *ret_fd)
{
    memset(self->table_hashes, 0, sizeof(self->table_hashes));
    memset(self->group_hashes, 0, head(self)->n_groups * sizeof(*self->group_hashes));
    memset(self->lane_hashes, 0, head(self)->n_lanes * sizeof(*self->lane_hashes));
    self->is_unsure = false;
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

static int publish(struct segment_writer *self, enum segment_state state)
{
    int fd;
    prepare_head(self, state);
    self->n_buffered = 0;
    int r = open_file(self, &fd);
    if (r < 0)
        return r;
    bool is_new = self->file.size == 0;
    r = write_round(self, fd);
    if (r < 0 && is_new)
        segment_file_remove(&self->file); /* half a file is of no use to anybody */
    if (r < 0)
        self->is_unsure = true;
    close(fd);
    return r;
}

/* A write beyond RLIMIT_FSIZE raises SIGXFSZ in the thread that writes, which would end the
 * program: it is held back meanwhile, and taken if it came. */
static int publish_quietly(struct segment_writer *self, enum segment_state state)
{
    const struct timespec now = {0};
    sigset_t limit, before, pending;
    int cancel_state;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &limit, &before);
    bool was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1;

    int r = publish(self, state);

    if (r == -EFBIG && !was_pending)
        (void)sigtimedwait(&limit, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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

int segment_writer_publish(struct segment_writer *self)
{
    if (self->retry_ns && clock_monotonic_ns() < self->retry_ns)
        return -EAGAIN;
    return attempt(self, self->is_closed ? SEGMENT_CLOSED : SEGMENT_LIVE);
}

void segment_writer_close(struct segment_writer *self)
{
    (void)attempt(self, SEGMENT_CLOSED);
    self->is_closed = true;
}
