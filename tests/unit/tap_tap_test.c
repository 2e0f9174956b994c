/* SPDX-License-Identifier: MPL-2.0 */
/* What the tap makes in a process, when, and what becomes of it in a child. Each case is a process
 * of its own. */
#include "tap/tap.h"

#include "support/cmocka.h"
#include "support/tap_lived.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void load__process_begins__is_claimed(void)
{
    ASSERT_SAID("path atfork claim claimed");
}

static void load__told_to_stay_out__is_not_claimed(void)
{
    setenv("LIVED_TAP", "off", 1);
    execl("/proc/self/exe", "again", (char *)NULL);
    _exit(1);
}

static void enabled__told_to_stay_out_or_unfit__is_not(void)
{
    assert_true(tap_is_enabled());
    lived.tap = "on";
    assert_true(tap_is_enabled());
    lived.tap = "off";
    assert_false(tap_is_enabled());
    lived.tap = NULL;
    lived.is_unfit = true;
    assert_false(tap_is_enabled());
}

/*
 * The first socket, and others
 */
static void start__first_socket__makes_all_and_once(void)
{
    lived_begin_with_first();
    assert_int_equal(lived.n_blocks, 8);
    assert_true(lived.n_freed >= 8);
    assert_int_equal(lived.header.capabilities[SEGMENT_CAPABILITY_MESSAGES].state,
                     SEGMENT_CAPABILITY_ON);
    assert_true(lived_start(&lived_first));
    ASSERT_SAID("");
    lived.wants_room = true;
    assert_true(lived_start(&lived_first));
    ASSERT_SAID("publish");
    lived.is_closed = true; /* then no round would help */
    assert_true(lived_start(&lived_first));
    ASSERT_SAID("");
}

static void start__thread_was_stopped__is_started_again(void)
{
    lived_begin_with_first();
    lived.is_running = false;
    lived.is_closed = true; /* which is no matter: all is learned */
    assert_true(lived_start(&lived_first));
    ASSERT_SAID("start");
}

static void start__another_copy__is_learned(void)
{
    lived_begin_with_first();
    assert_true(lived_start(&lived_second));
    ASSERT_SAID("run hide set-writer learn add-library start");
    assert_true(lived_start(&lived_second));
    assert_true(lived_start(&lived_first));
    ASSERT_SAID("");
}

static void start__copies_beyond_the_table__are_learned_each_time(void)
{
    lived_begin_with_first();
    lived_second.index = SEGMENT_MAX_LIBRARIES;
    for (int i = 0; i < 2; i++) {
        assert_true(lived_start(&lived_second));
        ASSERT_SAID("run hide set-writer learn add-library start");
    }
    assert_int_equal(lived.header.n_libraries, 1);
    lived_second.index = SEGMENT_MAX_LIBRARIES - 1;
    assert_true(lived_start(&lived_second));
    assert_int_equal(lived.header.n_libraries, SEGMENT_MAX_LIBRARIES);
    lived.said[0] = '\0';
    assert_true(lived_start(&lived_second));
    ASSERT_SAID("");
}

static void library__followed__is_shown(void)
{
    strcpy(lived_first.path, "/lib/first");
    lived_first.is_draft = true;
    lived_begin_with_first();
    const struct segment_library *shown = lived.header.libraries;
    assert_int_equal(shown->version_major, 4);
    assert_int_equal(shown->version_minor, 3);
    assert_int_equal(shown->version_patch, 5);
    assert_true(shown->is_draft);
    assert_string_equal(shown->path, "/lib/first");
    assert_int_equal(lived.header.n_libraries, 1);
    const enum segment_capability_id id = SEGMENT_CAPABILITY_HANDSHAKES;
    assert_int_equal(lived.header.capabilities[id].state, SEGMENT_CAPABILITY_ON);
    lived_second.version_number = 41299;
    lived_second.index = 3;
    lived_start(&lived_second);
    assert_int_equal(shown[3].version_minor, 12);
    assert_int_equal(shown[3].version_patch, 99);
    assert_int_equal(lived.header.n_libraries, 4);
    lived_first.index = 2;
    lived_first.version_number = 40299;
    lived_first.is_draft = false;
    lived_start(&lived_first);
    assert_int_equal(lived.header.n_libraries, 4);
    assert_int_equal(lived.header.capabilities[id].state, SEGMENT_CAPABILITY_OFF);
}

static void environment__limit_of_groups__only_a_fit_one(void)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {{"5", "table-5"},     {"0", "table-256"},    {"-3", "table-256"},
                 {"1", "table-1"},     {"none", "table-256"}, {"1024", "table-1024"},
                 {"1025", "table-256"}};
    lived.table_error = -EIO;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pid_t pid = fork(); /* it is read once */
        if (pid == 0) {
            lived.max_groups = cases[i].text;
            lived.said[0] = '\0';
            lived_start(&lived_first);
            _exit(strstr(lived.said, cases[i].expected) ? 0 : 1);
        }
        int status = 1;
        waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
    }
}

static void environment__directory__is_taken(void)
{
    lived.said[0] = '\0';
    lived.directory = "/tmp/here";
    lived_start(&lived_first);
    assert_non_null(strstr(lived.said, "writer /tmp/here map"));
}

static void environment__directory_is_empty__is_the_usual_one(void)
{
    lived.directory = "";
    lived_begin_with_first();
}

/*
 * Something cannot be had
 */
static void expect_off(const char *said, const char *off)
{
    lived.said[0] = '\0';
    assert_false(lived_start(&lived_first));
    ASSERT_SAID(said);
    assert_string_equal(lived.off, off);
    assert_false(tap_is_enabled());
    assert_false(lived_start(&lived_first)); /* for good */
    ASSERT_SAID("");
}

static void start__libc_lacks_something__is_off(void)
{
    lived.has_no_libc = true;
    expect_off("report-off", "off: Function not implemented");
}

static void start__program_has_shut_itself_in__is_off(void)
{
    lived.is_closed = true;
    expect_off("report-off", "off: Operation not permitted");
}

static void start__no_address_space__is_off(void)
{
    lived.room = (UINT64_C(512) << 20) - 1;
    expect_off("report-off", "off: Cannot allocate memory");
}

static void start__no_room_for_data__is_off(void)
{
    lived.data_limit.rlim_cur = 1 << 30;
    lived.data_has_no_room = true;
    expect_off("report-off", "off: Cannot allocate memory");
}

static void start__data_is_limited_but_has_room__is_on(void)
{
    lived.data_limit.rlim_cur = 1 << 30;
    lived_begin_with_first();
}

static void start__data_is_not_limited__is_not_tried(void)
{
    lived.data_has_no_room = true;
    lived_begin_with_first();
}

static void start__no_memory_for_the_parts__is_off(void)
{
    lived.tables_error = -ENOMEM;
    expect_off("run tables report-off", "off: Cannot allocate memory");
}

static void start__no_table__is_off(void)
{
    lived.table_error = -EIO;
    expect_off("run tables table-256 report-off", "off: Input/output error");
}

static void start__no_writer__is_off(void)
{
    lived.writer_error = -EACCES;
    expect_off("run tables table-256 writer /run/zmq_exporter no-table report-off",
               "off: Permission denied");
}

static void start__no_thread_for_the_work__is_off(void)
{
    lived.run_error = -EAGAIN;
    expect_off("run report-off", "off: Resource temporarily unavailable");
}

static void start__no_thread__is_off(void)
{
    lived.start_error = -EAGAIN;
    expect_off(LIVED_ALL_PARTS " report-off", "off: Resource temporarily unavailable");
}

/*
 * The program shuts itself in
 */
static void prepare__before_it__all_is_made_and_written(void)
{
    lived.said[0] = '\0';
    tap_prepare(NULL);
    lived_second.is_complete = false;
    tap_prepare(&lived_second);
    lived.tap = "off";
    tap_prepare(&lived_first);
    ASSERT_SAID("");
    lived.tap = NULL;
    tap_prepare(&lived_first);
    ASSERT_SAID(LIVED_ALL_PARTS " publish stop"); /* without a context */
    lived.has_contexts = true;
    tap_prepare(&lived_first);
    ASSERT_SAID("start publish");
    tap_prepare(&lived_first);
    ASSERT_SAID("publish");
    assert_int_equal(lived.lock_depth, 0);
    lived.is_running = false;
    lived.start_error = -EAGAIN;
    tap_prepare(&lived_first);
    ASSERT_SAID("start report-off");
}

/*
 * A context ends
 */
static void context__ended__last_one_stops_the_thread(void)
{
    lived_begin_with_first();
    lived.has_contexts = true;
    errno = 42;
    tap_context_ended();
    assert_int_equal(errno, 42);
    ASSERT_SAID("publish");
    lived.has_contexts = false;
    tap_context_ended();
    ASSERT_SAID("stop");
    lived.contexts_come = true;
    tap_context_ended();
    assert_int_equal(errno, 42);
    ASSERT_SAID("stop start");
    assert_true(tap_is_enabled());
    lived.has_contexts = false;
    lived.start_error = -EAGAIN;
    tap_context_ended();
    ASSERT_SAID("stop start");
    assert_false(tap_is_enabled());
    assert_int_equal(lived.lock_depth, 0);
}

/*
 * The end
 */
static const char *expected_at_end;

/* After the tap's own. */
__attribute__((destructor(101))) static void check_end(void)
{
    if (expected_at_end)
        _exit(strcmp(lived.said, expected_at_end) != 0 || lived.lock_depth != 0);
}

static void end_with(const char *expected)
{
    expected_at_end = expected;
    exit(1);
}

static void finish__file_is_there__says_that_it_is_the_last(void)
{
    lived_begin_with_first();
    lived.is_loud = true;
    end_with("stop close");
}

static void finish__program_has_shut_itself_in__only_quietly(void)
{
    lived_begin_with_first();
    lived.is_closed = true;
    end_with("stop close");
}

static void finish__program_has_shut_itself_in__not_with_system_calls(void)
{
    lived_begin_with_first();
    lived.is_closed = lived.is_loud = true;
    end_with("stop");
}

static void finish__in_the_middle_of_a_start__is_left(void)
{
    lived_begin_with_first();
    lived.is_stuck = true;
    end_with("stop");
}

static void finish__nothing_was_made__nothing_is_closed(void)
{
    lived.said[0] = '\0';
    end_with("stop");
}

static void finish__in_a_child_of_a_raw_clone__parent_s_file_is_left(void)
{
    lived_begin_with_first();
    lived_begin_child();
    end_with("claim " LIVED_ALL_FORGOTTEN " claimed stop");
}

int main(void)
{
    if (getenv("LIVED_TAP"))
        _exit(strcmp(lived.said, "path atfork") != 0);
    const struct CMUnitTest tests[] = {
        OWN_PROCESS_CASE(load__process_begins__is_claimed),
        OWN_PROCESS_CASE(load__told_to_stay_out__is_not_claimed),
        OWN_PROCESS_CASE(enabled__told_to_stay_out_or_unfit__is_not),
        OWN_PROCESS_CASE(start__first_socket__makes_all_and_once),
        OWN_PROCESS_CASE(start__thread_was_stopped__is_started_again),
        OWN_PROCESS_CASE(start__another_copy__is_learned),
        OWN_PROCESS_CASE(start__copies_beyond_the_table__are_learned_each_time),
        OWN_PROCESS_CASE(library__followed__is_shown),
        OWN_PROCESS_CASE(environment__limit_of_groups__only_a_fit_one),
        OWN_PROCESS_CASE(environment__directory__is_taken),
        OWN_PROCESS_CASE(environment__directory_is_empty__is_the_usual_one),
        OWN_PROCESS_CASE(start__libc_lacks_something__is_off),
        OWN_PROCESS_CASE(start__program_has_shut_itself_in__is_off),
        OWN_PROCESS_CASE(start__no_address_space__is_off),
        OWN_PROCESS_CASE(start__no_room_for_data__is_off),
        OWN_PROCESS_CASE(start__data_is_limited_but_has_room__is_on),
        OWN_PROCESS_CASE(start__no_memory_for_the_parts__is_off),
        OWN_PROCESS_CASE(start__data_is_not_limited__is_not_tried),
        OWN_PROCESS_CASE(start__no_table__is_off),
        OWN_PROCESS_CASE(start__no_writer__is_off),
        OWN_PROCESS_CASE(start__no_thread_for_the_work__is_off),
        OWN_PROCESS_CASE(start__no_thread__is_off),
        OWN_PROCESS_CASE(prepare__before_it__all_is_made_and_written),
        OWN_PROCESS_CASE(context__ended__last_one_stops_the_thread),
        OWN_PROCESS_CASE(finish__file_is_there__says_that_it_is_the_last),
        OWN_PROCESS_CASE(finish__program_has_shut_itself_in__only_quietly),
        OWN_PROCESS_CASE(finish__program_has_shut_itself_in__not_with_system_calls),
        OWN_PROCESS_CASE(finish__in_the_middle_of_a_start__is_left),
        OWN_PROCESS_CASE(finish__nothing_was_made__nothing_is_closed),
        OWN_PROCESS_CASE(finish__in_a_child_of_a_raw_clone__parent_s_file_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
