/* SPDX-License-Identifier: MPL-2.0 */
/* mapped_segment - a table and its writer in a fresh directory on tmpfs, as an agent reads it. */
#ifndef TESTS_SUPPORT_MAPPED_SEGMENT_H
#define TESTS_SUPPORT_MAPPED_SEGMENT_H

#include "segment/segment_reader.h"
#include "segment/segment_writer.h"
#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAPPED_DEADLINE_S 20
#define MAPPED_PARENT     "/dev/shm"

static inline bool mapped_is_possible(void)
{
    struct statfs status;
    return access(MAPPED_PARENT, W_OK) == 0 && statfs(MAPPED_PARENT, &status) == 0 &&
           status.f_type == TMPFS_MAGIC;
}

struct mapped_fixture {
    char directory[64];
    struct segment_table *table;
    struct segment_writer *writer;
    uint32_t group;
};

static inline int mapped_set_up(void **state)
{
    struct mapped_fixture *f = calloc(1, sizeof(*f));
    *state = f;
    (void)snprintf(f->directory, sizeof(f->directory), MAPPED_PARENT "/zt-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    assert_int_equal(chmod(f->directory, 03777), 0);
    assert_int_equal(segment_table_new(64, &f->table), 0);
    return segment_writer_new(f->table, f->directory, &f->writer);
}

static inline int mapped_tear_down(void **state)
{
    struct mapped_fixture *f = *state;
    segment_writer_destroy(&f->writer);
    segment_table_destroy(&f->table);
    temporary_directory_remove(f->directory);
    free(f);
    return 0;
}

static inline int mapped_begin(struct mapped_fixture *f)
{
    int r = segment_writer_map(f->writer, NULL);
    f->group = segment_table_group(f->table, 1, "tcp://*:5556", NULL);
    return r;
}

static inline uint64_t *mapped_take(struct mapped_fixture *f)
{
    uint32_t lane;
    return segment_table_take_lane(f->table, f->group, &lane) == 0
               ? segment_table_words(f->table, lane)
               : NULL;
}

static inline const char *mapped_path_of(const struct mapped_fixture *f, const char *suffix)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%d-%llu%s.seg", f->directory, getpid(),
                   (unsigned long long)f->table->header->start_ticks, suffix);
    return path;
}

/* What an agent would add up, or -1 where it would find no whole segment. */
static inline int64_t mapped_sum_in(const struct mapped_fixture *f, const char *suffix,
                                    struct segment_header *ret_header)
{
    struct segment_reader reader;
    struct segment_lane lane;
    int64_t sum = 0;
    const char *name = strrchr(mapped_path_of(f, suffix), '/') + 1;
    int directory_fd = open(f->directory, O_RDONLY | O_DIRECTORY);
    if (segment_reader_open(directory_fd, name, &reader) != 0) {
        close(directory_fd);
        return -1;
    }
    int r = segment_reader_begin(&reader, false);
    for (uint32_t i = 0; r == 0 && i < reader.layout.n_lanes; i++) {
        r = segment_reader_lanes(&reader, i, 1, &lane);
        if (r == 0 && lane.words[SEGMENT_GROUP] - 1 < reader.layout.n_groups)
            sum += (int64_t)lane.words[SEGMENT_SENT_MESSAGES];
    }
    if (r == 0)
        r = segment_reader_end(&reader);
    if (ret_header)
        *ret_header = reader.layout;
    segment_reader_close(&reader);
    close(directory_fd);
    return r == 0 ? sum : -1;
}

static inline mode_t mapped_mode_of(const struct mapped_fixture *f, const char *suffix)
{
    struct stat status;
    return stat(mapped_path_of(f, suffix), &status) == 0 ? status.st_mode & 07777 : 0;
}

static inline bool mapped_is_durable(const struct mapped_fixture *f)
{
    return f->table->header->capabilities[SEGMENT_CAPABILITY_DURABLE].state ==
           SEGMENT_CAPABILITY_ON;
}

static inline unsigned mapped_n_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Publishes until the file `suffix` adds up to `sum`: the writer lets a second pass now and then.
 */
static inline bool mapped_comes_to(struct mapped_fixture *f, const char *suffix, int64_t sum)
{
    time_t end = time(NULL) + MAPPED_DEADLINE_S;
    while (mapped_sum_in(f, suffix, NULL) != sum && time(NULL) < end) {
        (void)segment_writer_publish(f->writer);
        poll(NULL, 0, 10);
    }
    return mapped_sum_in(f, suffix, NULL) == sum;
}

/* Runs `body` in a child, whose end is the verdict: 0 good, 77 it cannot be tried here. */
static inline void mapped_in_child(struct mapped_fixture *f, int (*body)(struct mapped_fixture *f))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(MAPPED_DEADLINE_S * 2);
        segment_writer_destroy(&f->writer);
        if (segment_writer_new(f->table, f->directory, &f->writer) < 0)
            _exit(100);
        _exit(body(f));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#endif
