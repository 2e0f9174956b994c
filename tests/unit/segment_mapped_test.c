/* SPDX-License-Identifier: MPL-2.0 */
/* A segment whose words are counted in the file itself, on tmpfs. */
#include "support/mapped_segment.h"

static void map__words_that_change__are_in_the_file_at_once(void **state)
{
    struct mapped_fixture *f = *state;
    struct segment_header header;
    unsigned before = mapped_n_descriptors();
    mode_t mask = umask(077);
    assert_int_equal(mapped_begin(f), 0);
    umask(mask);
    assert_int_equal(mapped_n_descriptors(), before);
    assert_int_equal(mapped_mode_of(f, ""), 0440);
    uint64_t *words = mapped_take(f);
    for (int64_t i = 1; i <= 5; i++) {
        segment_word_add(&words[SEGMENT_SENT_MESSAGES], 1);
        assert_int_equal(mapped_sum_in(f, "", &header), i);
    }
    assert_int_equal(header.state, SEGMENT_LIVE);
    assert_int_equal(header.generation_begin, 0);
    assert_int_equal(header.generation_end, 0);
    assert_int_equal(header.pid, getpid());
    assert_true(mapped_is_durable(f));
}

static void publish__mapped__is_a_heartbeat_that_writes_nothing(void **state)
{
    struct mapped_fixture *f = *state;
    struct segment_header header;
    struct stat first, second;
    assert_int_equal(mapped_begin(f), 0);
    uint64_t before = f->table->header->updated_ns;
    assert_int_equal(stat(mapped_path_of(f, ""), &first), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(stat(mapped_path_of(f, ""), &second), 0);
    assert_int_equal(mapped_sum_in(f, "", &header), 0);
    assert_true(header.updated_ns > before);
    assert_int_equal(first.st_ctim.tv_nsec, second.st_ctim.tv_nsec);
    before = header.updated_ns;
    segment_writer_beat(f->writer);
    assert_int_equal(mapped_sum_in(f, "", &header), 0);
    assert_true(header.updated_ns > before);
}

/* "dd": a core of the program, whoever is given it, has nothing of what the tap counts. */
static void map__words__are_in_no_core(void **state)
{
    struct mapped_fixture *f = *state;
    char line[512];
    bool is_there = false, is_left_out = false;
    assert_int_equal(mapped_begin(f), 0);
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (strstr(line, f->directory))
            is_there = true;
        if (is_there && strncmp(line, "VmFlags:", 8) == 0) {
            is_left_out = strstr(line, " dd") != NULL;
            break;
        }
    }
    (void)fclose(file);
    assert_true(is_there);
    assert_true(is_left_out);
}

/* There are no rounds by which a reader could know that nothing has changed. */
static void read__mapped__is_never_unchanged(void **state)
{
    struct mapped_fixture *f = *state;
    struct segment_reader reader;
    struct segment_lane lane;
    assert_int_equal(mapped_begin(f), 0);
    uint64_t *words = mapped_take(f);
    int directory_fd = open(f->directory, O_RDONLY | O_DIRECTORY);
    const char *name = strrchr(mapped_path_of(f, ""), '/') + 1;
    assert_int_equal(segment_reader_open(directory_fd, name, &reader), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        segment_word_add(&words[SEGMENT_SENT_MESSAGES], 1);
        assert_int_equal(segment_reader_begin(&reader, false), 0);
        assert_int_equal(segment_reader_lanes(&reader, 0, 1, &lane), 0);
        assert_int_equal(segment_reader_end(&reader), 0);
        assert_int_equal(lane.words[SEGMENT_SENT_MESSAGES], i);
    }
    segment_reader_close(&reader);
    close(directory_fd);
}

static void close__mapped__is_stored_in_place(void **state)
{
    struct mapped_fixture *f = *state;
    struct segment_header header;
    assert_int_equal(mapped_begin(f), 0);
    segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 3);
    assert_true(segment_writer_closes_quietly(f->writer));
    segment_writer_close(f->writer);
    assert_int_equal(mapped_sum_in(f, "", &header), 3);
    assert_int_equal(header.state, SEGMENT_CLOSED);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(mapped_sum_in(f, "", &header), 3);
    assert_int_equal(header.state, SEGMENT_CLOSED);
}

/* Room is made by rounds that are asked for in time. */
static void rows__room_is_asked_for__all_are_mapped(void **state)
{
    struct mapped_fixture *f = *state;
    char endpoint[32];
    assert_int_equal(mapped_begin(f), 0);
    for (int i = 1; i <= 60; i++) {
        (void)snprintf(endpoint, sizeof(endpoint), "inproc://%d", i);
        f->group = segment_table_group(f->table, 7, endpoint, NULL);
        for (int j = 0; j < 50; j++) {
            if (segment_table_wants_room(f->table))
                assert_int_equal(segment_writer_publish(f->writer), 0);
            assert_false(segment_table_wants_room(f->table));
            segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
        }
        assert_int_equal(mapped_sum_in(f, "", NULL), i * 50);
    }
    assert_int_equal(f->table->lane_rows.n_private + f->table->group_rows.n_private, 0);
    assert_int_equal(mapped_mode_of(f, ""), 0440);
    assert_true(mapped_is_durable(f));
}

static void rows__to_the_last__have_their_place(void **state)
{
    struct mapped_fixture *f = *state;
    assert_int_equal(mapped_begin(f), 0);
    for (unsigned i = 0; i < SEGMENT_MAX_LANES; i++) {
        if (segment_table_wants_room(f->table))
            assert_int_equal(segment_writer_publish(f->writer), 0);
        segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
    }
    assert_null(mapped_take(f));
    assert_false(segment_table_wants_room(f->table));
    assert_int_equal(mapped_sum_in(f, "", NULL), SEGMENT_MAX_LANES);
    assert_int_equal(f->table->lane_rows.n_private, 0);
}

/* More rows than there was room for, between two rounds: those are written, and what comes after
 * them is mapped again. */
static void rows__in_a_burst__those_beyond_are_written(void **state)
{
    struct mapped_fixture *f = *state;
    struct segment_header header;
    uint64_t *last = NULL;
    assert_int_equal(mapped_begin(f), 0);
    for (int i = 0; i < 101; i++)
        segment_word_add(&(last = mapped_take(f))[SEGMENT_SENT_MESSAGES], 1);
    int64_t shown = mapped_sum_in(f, "", &header);
    assert_true(shown > 0 && shown < 101);
    assert_int_equal(header.n_lanes, shown);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(mapped_sum_in(f, "", &header), 101);
    assert_int_equal(header.capabilities[SEGMENT_CAPABILITY_DURABLE].state,
                     SEGMENT_CAPABILITY_BOUND);

    segment_word_add(&last[SEGMENT_SENT_MESSAGES], 1);
    assert_int_equal(mapped_sum_in(f, "", NULL), 101);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(mapped_sum_in(f, "", NULL), 102);
    uint32_t n_private = f->table->lane_rows.n_private;
    for (int i = 0; i < 20; i++)
        segment_word_add(&mapped_take(f)[SEGMENT_SENT_MESSAGES], 1);
    assert_true(f->table->lane_rows.n_private <= n_private + 1); /* the rest of a page */
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(mapped_sum_in(f, "", NULL), 122);
    segment_word_add(&last[SEGMENT_SENT_MESSAGES], 1);
    segment_writer_close(f->writer);
    assert_int_equal(mapped_sum_in(f, "", &header), 123);
    assert_int_equal(header.state, SEGMENT_CLOSED);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, mapped_set_up, mapped_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(map__words_that_change__are_in_the_file_at_once),
        CASE(publish__mapped__is_a_heartbeat_that_writes_nothing),
        CASE(map__words__are_in_no_core),
        CASE(read__mapped__is_never_unchanged),
        CASE(close__mapped__is_stored_in_place),
        CASE(rows__room_is_asked_for__all_are_mapped),
        CASE(rows__to_the_last__have_their_place),
        CASE(rows__in_a_burst__those_beyond_are_written),
    };
    if (!mapped_is_possible())
        return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
