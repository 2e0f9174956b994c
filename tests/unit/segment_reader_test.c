/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_reader.h"

#include "segment/segment_writer.h"
#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char directory[64];
    int directory_fd;
    char name[64];
    struct segment_table *table;
    struct segment_writer *writer;
    struct segment_reader reader;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    uint32_t lane;
    *state = f;
    temporary_directory_make(f->directory);
    f->directory_fd = open(f->directory, O_RDONLY | O_DIRECTORY);
    assert_int_equal(segment_table_new(64, &f->table), 0);
    assert_int_equal(segment_writer_new(f->table, f->directory, &f->writer), 0);
    (void)snprintf(f->name, sizeof(f->name), "%d-%llu.seg", getpid(),
                   (unsigned long long)f->table->header->start_ticks);

    uint32_t group = segment_table_group(f->table, 7, "tcp://*:5556", "prices");
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(segment_table_take_lane(f->table, group, &lane), 0);
        segment_word_add(&segment_table_words(f->table, lane)[SEGMENT_SENT_MESSAGES], i + 1);
    }
    assert_int_equal(segment_writer_publish(f->writer), 0);
    return segment_reader_open(f->directory_fd, f->name, &f->reader);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    segment_reader_close(&f->reader);
    segment_writer_destroy(&f->writer);
    segment_table_destroy(&f->table);
    close(f->directory_fd);
    temporary_directory_remove(f->directory);
    free(f);
    return 0;
}

static void overwrite(struct fixture *f, size_t offset, const void *bytes, size_t size)
{
    int fd = openat(f->directory_fd, f->name, O_WRONLY);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
    close(fd);
}

static void read__whole_file__gives_what_was_written(void **state)
{
    struct fixture *f = *state;
    struct segment_group group;
    struct segment_lane lanes[3];
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(f->reader.layout.pid, getpid());
    assert_int_equal(f->reader.owner, geteuid());
    assert_int_equal(segment_reader_groups(&f->reader, 0, 1, &group), 0);
    assert_string_equal(group.endpoint, "tcp://*:5556");
    assert_string_equal(group.name, "prices");
    assert_int_equal(group.type, 7);
    assert_int_equal(segment_reader_lanes(&f->reader, 0, 3, lanes), 0);
    assert_int_equal(lanes[2].words[SEGMENT_SENT_MESSAGES], 3);
    assert_int_equal(lanes[2].words[SEGMENT_PEERS], SEGMENT_UNKNOWN);
    assert_int_equal(segment_reader_end(&f->reader), 0);
}

static void read__beyond_the_counts__is_refused(void **state)
{
    struct fixture *f = *state;
    struct segment_group group;
    struct segment_lane lane;
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(segment_reader_groups(&f->reader, 1, 1, &group), SEGMENT_E_INVALID);
    assert_int_equal(segment_reader_lanes(&f->reader, 3, 1, &lane), SEGMENT_E_INVALID);
    assert_int_equal(segment_reader_lanes(&f->reader, UINT32_MAX, 2, &lane), SEGMENT_E_INVALID);
    assert_int_equal(segment_reader_lanes(&f->reader, 1, UINT32_MAX, &lane), SEGMENT_E_INVALID);
}

static void begin__no_new_round__says_unchanged(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(segment_reader_end(&f->reader), 0);
    assert_int_equal(segment_reader_begin(&f->reader, false), SEGMENT_E_UNCHANGED);
    assert_int_equal(segment_reader_begin(&f->reader, true), 0);
    assert_int_equal(segment_reader_end(&f->reader), 0);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
}

static void end__round_went_by__says_torn(void **state)
{
    struct fixture *f = *state;
    const uint64_t begun = 99;
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(segment_reader_end(&f->reader), SEGMENT_E_TORN);

    overwrite(f, offsetof(struct segment_header, generation_begin), &begun, sizeof(begun));
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(segment_reader_end(&f->reader), SEGMENT_E_TORN);
}

static int read_all(struct fixture *f)
{
    struct segment_group group;
    struct segment_lane lanes[3];
    int r = segment_reader_begin(&f->reader, false);
    if (r == 0)
        r = segment_reader_groups(&f->reader, 0, 1, &group);
    if (r == 0)
        r = segment_reader_lanes(&f->reader, 0, 3, lanes);
    return r == 0 ? segment_reader_end(&f->reader) : r;
}

static void read__truncated_file__is_never_valid(void **state)
{
    struct fixture *f = *state;
    const uint64_t end = f->table->header->lanes_offset + 3 * sizeof(struct segment_lane);
    const uint64_t sizes[] = {
        end - 1, end - 2048, f->table->header->lanes_offset, 17000, 16384, 16383, 4096, 8, 1};
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", f->directory, f->name);
    assert_int_equal(read_all(f), 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        assert_int_equal(truncate(path, (off_t)sizes[i]), 0);
        f->reader.generation = 0;
        assert_int_equal(read_all(f), SEGMENT_E_INVALID);
    }
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(read_all(f), SEGMENT_E_PREPARING);
}

#define AT(field)                                                                                  \
    offsetof(struct segment_header, field), sizeof(((struct segment_header *)0)->field)

static void begin__wrong_layout__is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t offset, size;
        uint64_t value;
        int outcome;
    } cases[] = {
        {AT(magic), 0, SEGMENT_E_PREPARING},
        {AT(magic), 1, SEGMENT_E_INVALID},
        {AT(version), 2, SEGMENT_E_VERSION},
        {AT(byte_order), 0x04030201, SEGMENT_E_INVALID},
        {AT(header_size), 100, SEGMENT_E_INVALID},
        {AT(group_size), 1023, SEGMENT_E_INVALID},
        {AT(group_size), UINT32_MAX, SEGMENT_E_INVALID},
        {AT(lane_size), 0, SEGMENT_E_INVALID},
        {AT(lane_size), 2052, SEGMENT_E_INVALID},
        {AT(lane_size), UINT32_MAX & ~7u, SEGMENT_E_INVALID},
        {AT(n_lane_words), 257, SEGMENT_E_INVALID},
        {AT(groups_offset), UINT64_MAX, SEGMENT_E_INVALID},
        {AT(lanes_offset), INT64_MAX, SEGMENT_E_INVALID},
        {AT(n_groups), 1025, SEGMENT_E_INVALID},
        {AT(n_lanes), 8193, SEGMENT_E_INVALID},
        {AT(n_lanes), UINT32_MAX, SEGMENT_E_INVALID},
    };
    const struct segment_header good = *f->table->header;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        overwrite(f, cases[i].offset, &cases[i].value, cases[i].size);
        assert_int_equal(segment_reader_begin(&f->reader, false), cases[i].outcome);
        overwrite(f, cases[i].offset, (const char *)&good + cases[i].offset, cases[i].size);
    }
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
}

static void begin__texts_without_end__are_ended(void **state)
{
    struct fixture *f = *state;
    char noise[sizeof(struct segment_header)];
    memset(noise, 'x', sizeof(noise));
    overwrite(f, offsetof(struct segment_header, boot_id), noise,
              offsetof(struct segment_header, created_ns) -
                  offsetof(struct segment_header, boot_id));
    overwrite(f, offsetof(struct segment_header, capabilities), noise,
              sizeof(noise) - offsetof(struct segment_header, capabilities));
    const uint32_t many = UINT32_MAX;
    overwrite(f, offsetof(struct segment_header, n_libraries), &many, sizeof(many));
    overwrite(f, offsetof(struct segment_header, n_contexts), &many, sizeof(many));
    overwrite(f, f->table->header->groups_offset, noise, sizeof(struct segment_group));

    struct segment_group group;
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(f->reader.layout.n_libraries, SEGMENT_MAX_LIBRARIES);
    assert_int_equal(f->reader.layout.n_contexts, SEGMENT_MAX_CONTEXTS);
    assert_int_equal(strlen(f->reader.layout.program), sizeof(group.name) / 2 - 1);
    assert_int_equal(strlen(f->reader.layout.capabilities[31].reason), 55);
    assert_int_equal(strlen(f->reader.layout.libraries[7].path), 239);
    assert_int_equal(segment_reader_groups(&f->reader, 0, 1, &group), 0);
    assert_int_equal(strlen(group.endpoint), sizeof(group.endpoint) - 1);
    assert_int_equal(strlen(group.name), sizeof(group.name) - 1);
}

/* A tap of an older release has fewer words, one of a newer one longer lanes. */
static void lanes__of_other_releases__are_read(void **state)
{
    struct fixture *f = *state;
    const uint32_t few_words = 40, double_size = 4096, one_lane = 1, all_words = 256;
    struct segment_lane lane;
    overwrite(f, offsetof(struct segment_header, n_lane_words), &few_words, sizeof(few_words));
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(segment_reader_lanes(&f->reader, 1, 1, &lane), 0);
    assert_int_equal(lane.words[SEGMENT_SENT_MESSAGES], 2);
    assert_int_equal(lane.words[SEGMENT_SEND_AT_HWM_NS], 0);
    assert_int_equal(lane.words[SEGMENT_PEERS], SEGMENT_UNKNOWN);

    /* Lanes 0 and 2 are now the halves that begin two lanes of double length. */
    overwrite(f, offsetof(struct segment_header, n_lane_words), &all_words, sizeof(all_words));
    overwrite(f, offsetof(struct segment_header, lane_size), &double_size, sizeof(double_size));
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(segment_reader_lanes(&f->reader, 1, 1, &lane), 0);
    assert_int_equal(lane.words[SEGMENT_SENT_MESSAGES], 3);
    assert_int_equal(segment_reader_lanes(&f->reader, 2, 1, &lane), SEGMENT_E_INVALID);
    overwrite(f, offsetof(struct segment_header, n_lanes), &one_lane, sizeof(one_lane));
    assert_int_equal(segment_reader_begin(&f->reader, false), 0);
    assert_int_equal(segment_reader_lanes(&f->reader, 1, 1, &lane), SEGMENT_E_INVALID);
}

static void open__not_a_file_of_its_own__is_refused_without_waiting(void **state)
{
    struct fixture *f = *state;
    struct segment_reader reader;
    assert_int_equal(symlinkat(f->name, f->directory_fd, "1-2.seg"), 0);
    assert_int_equal(segment_reader_open(f->directory_fd, "1-2.seg", &reader), SEGMENT_E_INVALID);
    assert_int_equal(mkfifoat(f->directory_fd, "1-3.seg", 0666), 0);
    assert_int_equal(segment_reader_open(f->directory_fd, "1-3.seg", &reader), SEGMENT_E_INVALID);
    assert_int_equal(mkdirat(f->directory_fd, "1-4.seg", 0777), 0);
    assert_int_equal(segment_reader_open(f->directory_fd, "1-4.seg", &reader), SEGMENT_E_INVALID);
    assert_int_equal(segment_reader_open(f->directory_fd, "1-5.seg", &reader), -ENOENT);
}

static void name_parse__each_case__is_told_apart(void **state)
{
    (void)state;
    static const char *const good[] = {"1-2.seg", "4194304-18446744073709551615.63.seg", "7-0.seg"};
    static const char *const bad[] = {"",           "state",       ".seg",
                                      "1.seg",      "1-.seg",      "-1-2.seg",
                                      "1-2.64.seg", "01-2.seg",    "1-02.seg",
                                      "1-2.01.seg", "1-2.seg.tmp", "1-2..seg",
                                      "0-1.seg",    "1-2.+1.seg",  "1-18446744073709551616.seg",
                                      "1-2.x.seg",  "1-2seg",      " 1-2.seg"};
    struct segment_name name;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(segment_name_parse(good[i], &name));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(segment_name_parse(bad[i], &name));
    assert_true(segment_name_parse("17-4711.3.seg", &name));
    assert_int_equal(name.pid, 17);
    assert_int_equal(name.start_ticks, 4711);
    assert_int_equal(name.image, 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(read__whole_file__gives_what_was_written),
        CASE(read__beyond_the_counts__is_refused),
        CASE(begin__no_new_round__says_unchanged),
        CASE(end__round_went_by__says_torn),
        CASE(read__truncated_file__is_never_valid),
        CASE(begin__wrong_layout__is_refused),
        CASE(begin__texts_without_end__are_ended),
        CASE(lanes__of_other_releases__are_read),
        CASE(open__not_a_file_of_its_own__is_refused_without_waiting),
        cmocka_unit_test(name_parse__each_case__is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
