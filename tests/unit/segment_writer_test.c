/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_identity.h"
#include "segment/segment_writer.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char directory[64];
    struct segment_table *table;
    struct segment_writer *writer;
    uint32_t lane;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    temporary_directory_make(f->directory);
    assert_int_equal(setenv("ZMQ_EXPORTER_PROGRAM", "feed", 1), 0);
    assert_int_equal(segment_table_new(64, &f->table), 0);
    assert_int_equal(segment_writer_new(f->table, f->directory, &f->writer), 0);
    uint32_t group = segment_table_group(f->table, 1, "tcp://*:5556", NULL);
    return segment_table_take_lane(f->table, group, &f->lane);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    segment_writer_destroy(&f->writer);
    segment_table_destroy(&f->table);
    temporary_directory_remove(f->directory);
    free(f);
    return 0;
}

static const char *path_of(const struct fixture *f, const char *suffix)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%d-%llu%s.seg", f->directory, getpid(),
                   (unsigned long long)f->table->header->start_ticks, suffix);
    return path;
}

static struct segment_header read_header(const char *path)
{
    struct segment_header header;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
    close(fd);
    return header;
}

/* Whether the file holds all of what memory holds, past the head. */
static bool file_equals_memory(const struct fixture *f)
{
    size_t size = f->table->header->lanes_offset +
                  f->table->header->n_lanes * sizeof(struct segment_lane);
    char *bytes = malloc(size);
    int fd = open(path_of(f, ""), O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, size, 0), size);
    close(fd);
    bool is_equal = memcmp(bytes + 4096, (char *)f->table->header + 4096, size - 4096) == 0;
    free(bytes);
    return is_equal;
}

static void publish__first_round__shows_identity_and_words(void **state)
{
    struct fixture *f = *state;
    mode_t before = umask(077);
    segment_word_add(&segment_table_words(f->table, f->lane)[SEGMENT_SENT_MESSAGES], 42);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    umask(before);

    struct stat status;
    assert_int_equal(stat(path_of(f, ""), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    struct segment_header header = read_header(path_of(f, ""));
    assert_int_equal(header.magic, SEGMENT_MAGIC);
    assert_int_equal(header.state, SEGMENT_LIVE);
    assert_int_equal(header.generation_begin, header.generation_end);
    assert_int_equal(header.pid, getpid());
    assert_true(header.start_ticks > 0 && header.pid_namespace > 0 && header.created_ns > 0);
    assert_true(header.net_namespace > 0 && header.net_namespace != header.pid_namespace);
    assert_int_equal(strlen(header.boot_id), 36);
    assert_string_equal(header.program, "feed");
    assert_string_equal(header.command, "segment_writer_test");
    assert_int_equal(header.n_lanes, 1);
    assert_true(file_equals_memory(f));
}

static void publish__random_changes__file_follows_memory(void **state)
{
    struct fixture *f = *state;
    srand(7);
    for (int round = 0; round < 300; round++) {
        uint32_t lane;
        char endpoint[32];
        (void)snprintf(endpoint, sizeof(endpoint), "inproc://%d", rand() % 100);
        if (rand() % 3 == 0)
            segment_table_take_lane(f->table, segment_table_group(f->table, 8, endpoint, NULL),
                                    &lane);
        for (int i = rand() % 40; i > 0; i--) {
            lane = (uint32_t)rand() % f->table->header->n_lanes;
            segment_word_add(&segment_table_words(f->table, lane)[8 + rand() % 240], 1);
        }
        f->table->header->contexts[rand() % 4].n_sockets++;
        assert_int_equal(segment_writer_publish(f->writer), 0);
    }
    /* Histograms may lag while nothing else moves, but not for long. */
    for (int round = 0; round < 10; round++)
        assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_true(file_equals_memory(f));
}

static void publish__only_histograms_moved__close_writes_them(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(segment_writer_publish(f->writer), 0);
    segment_word_add(&segment_table_words(f->table, f->lane)[SEGMENT_SEND_FILL_BASE], 1);
    segment_writer_close(f->writer);
    assert_true(file_equals_memory(f));
    assert_int_equal(read_header(path_of(f, "")).state, SEGMENT_CLOSED);
}

static void publish__file_removed_or_cut__is_made_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(unlink(path_of(f, "")), 0);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_true(file_equals_memory(f));
    assert_int_equal(truncate(path_of(f, ""), 5000), 0);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_true(file_equals_memory(f));
    assert_int_equal(read_header(path_of(f, "")).generation_end, 3);
}

static void publish__second_image__closes_the_first(void **state)
{
    struct fixture *f = *state;
    struct segment_table *table;
    struct segment_writer *writer;
    assert_int_equal(segment_writer_publish(f->writer), 0);

    assert_int_equal(segment_table_new(4, &table), 0);
    assert_int_equal(segment_writer_new(table, f->directory, &writer), 0);
    assert_int_equal(segment_writer_publish(writer), 0);
    segment_writer_destroy(&writer);
    segment_table_destroy(&table);

    assert_int_equal(read_header(path_of(f, "")).state, SEGMENT_CLOSED);
    assert_int_equal(read_header(path_of(f, ".1")).state, SEGMENT_LIVE);
}

/* What is at the name and was not made by an earlier image of this process stays as it is. */
enum stranger {
    OF_OTHER_KIND,
    OF_OTHER_VERSION,
    OF_OTHER_PID,
    OF_OTHER_START,
    OF_THIS_IMAGE,
    PREPARED,
    CUT,
    FOREIGN
};

static void put_stranger(enum stranger kind, const char *path, struct segment_header header,
                         const struct segment_header *newer)
{
    header.magic ^= kind == OF_OTHER_KIND;
    header.version += kind == OF_OTHER_VERSION;
    header.pid += kind == OF_OTHER_PID;
    header.start_ticks += kind == OF_OTHER_START;
    header.created_ns = kind == OF_THIS_IMAGE ? newer->created_ns : header.created_ns;
    header.state = kind == PREPARED ? SEGMENT_CLOSED + 1 : SEGMENT_LIVE;
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
    if (kind == CUT)
        assert_int_equal(ftruncate(fd, offsetof(struct segment_header, reserved) - 1), 0);
    if (kind == FOREIGN)
        assert_int_equal(fchown(fd, 65534, 65534), 0);
    close(fd);
}

static uint64_t state_in(const char *path)
{
    uint64_t word = UINT64_MAX;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &word, sizeof(word), offsetof(struct segment_header, state)),
                     sizeof(word));
    close(fd);
    return word;
}

static void publish__name_is_taken_by_another__it_stays(void **state)
{
    struct fixture *f = *state;
    struct segment_table *table;
    struct segment_writer *writer;
    assert_int_equal(segment_writer_publish(f->writer), 0);
    const char *path = path_of(f, "");
    const struct segment_header first = read_header(path);
    for (enum stranger kind = OF_OTHER_KIND; kind <= FOREIGN; kind++) {
        if (kind == FOREIGN && geteuid() != 0)
            break;
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(segment_table_new(4, &table), 0);
        assert_int_equal(segment_writer_new(table, f->directory, &writer), 0);
        put_stranger(kind, path, first, table->header);
        uint64_t before = state_in(path);
        assert_int_equal(segment_writer_publish(writer), 0);
        segment_writer_destroy(&writer);
        segment_table_destroy(&table);
        if (state_in(path) != before)
            fail_msg("case %d", (int)kind);
    }
}

/* Destructors of the program may come after the tap's. */
static void publish__after_close__stays_closed_and_makes_no_file(void **state)
{
    struct fixture *f = *state;
    segment_writer_close(f->writer);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(read_header(path_of(f, "")).state, SEGMENT_CLOSED);
    assert_int_equal(unlink(path_of(f, "")), 0);
    assert_int_equal(segment_writer_publish(f->writer), -ESTALE);
    assert_int_equal(access(path_of(f, ""), F_OK), -1);
}

static unsigned n_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void publish__any_outcome__keeps_errno_and_no_descriptor(void **state)
{
    struct fixture *f = *state;
    unsigned before = n_descriptors();
    errno = 77;
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(errno, 77);
    assert_int_equal(unlink(path_of(f, "")), 0);
    assert_int_equal(rmdir(f->directory), 0);
    errno = 77;
    assert_int_equal(segment_writer_publish(f->writer), -ENOENT);
    segment_writer_close(f->writer);
    assert_int_equal(errno, 77);
    assert_int_equal(n_descriptors(), before);
}

static void open__named_by_environment__former_variable_is_second(void **state)
{
    (void)state;
    static const struct {
        const char *program, *service, *expected;
    } names[] = {{"new", "old", "new"}, {NULL, "old", "old"}, {"", "old", "old"}};
    static struct segment_identity_scratch scratch;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct segment_header header = {0};
        assert_int_equal(unsetenv("ZMQ_EXPORTER_PROGRAM"), 0);
        if (names[i].program)
            assert_int_equal(setenv("ZMQ_EXPORTER_PROGRAM", names[i].program, 1), 0);
        assert_int_equal(setenv("ZMQ_EXPORTER_SERVICE", names[i].service, 1), 0);
        segment_identity_fill(&header, &scratch);
        assert_string_equal(header.program, names[i].expected);
        assert_string_equal(header.command, "segment_writer_test");
    }
    assert_int_equal(unsetenv("ZMQ_EXPORTER_SERVICE"), 0);
}

static bool enter_empty_root(const char *root)
{
    return chroot(root) == 0 || (unshare(CLONE_NEWUSER) == 0 && chroot(root) == 0);
}

/* As a server that shuts itself into a folder before it makes its first socket. */
static void open__in_a_root_without_proc__is_named_by_how_it_was_started(void **state)
{
    enum { IS_NAMED = 0, IS_NOT = 1, CANNOT_ENTER = 2 };
    struct fixture *f = *state;
    static struct segment_identity_scratch scratch;
    struct segment_header header = {0};
    int status;
    assert_int_equal(unsetenv("ZMQ_EXPORTER_PROGRAM"), 0);
    pid_t child = fork();
    if (child == 0) {
        if (!enter_empty_root(f->directory))
            _exit(CANNOT_ENTER);
        segment_identity_fill(&header, &scratch);
        _exit(strcmp(header.command, "segment_writer_test") == 0 &&
                      strcmp(header.program, "segment_writer_test") == 0
                  ? IS_NAMED
                  : IS_NOT);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_ENTER)
        skip();
    assert_int_equal(WEXITSTATUS(status), IS_NAMED);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__named_by_environment__former_variable_is_second),
        CASE(open__in_a_root_without_proc__is_named_by_how_it_was_started),
        CASE(publish__first_round__shows_identity_and_words),
        CASE(publish__random_changes__file_follows_memory),
        CASE(publish__only_histograms_moved__close_writes_them),
        CASE(publish__file_removed_or_cut__is_made_again),
        CASE(publish__second_image__closes_the_first),
        CASE(publish__name_is_taken_by_another__it_stays),
        CASE(publish__after_close__stays_closed_and_makes_no_file),
        CASE(publish__any_outcome__keeps_errno_and_no_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
