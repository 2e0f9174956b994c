/* SPDX-License-Identifier: MPL-2.0 */
/* What the tap makes in a process, when, and what becomes of it in a child. Each case is a process
 * of its own. */
#include "tap/tap.h"

#include "support/cmocka.h"
#include "support/tap_lived.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ALL_PARTS                                                                                  \
    "run table-256 writer /run/zmq_exporter map report capability parts hide set-writer learn "    \
    "add-library start"
#define ALL_FORGOTTEN                                                                              \
    "library-forked registry-forked parts-forked thread-forked sandbox leave-writer leave-table"

static struct library first = {.index = 0, .version_number = 40305, .is_complete = true},
                      second = {.index = 1, .version_number = 40205, .is_complete = true};

static bool start(struct library *library)
{
    errno = 42;
    bool is_on = tap_start(library);
    assert_int_equal(errno, 42);
    assert_int_equal(lived.lock_depth, 0);
    return is_on;
}

static void begin(void)
{
    lived.said[0] = '\0'; /* of the load */
    assert_true(start(&first));
    ASSERT_SAID(ALL_PARTS);
}

static void load__process_begins__is_claimed(void)
{
    ASSERT_SAID("path atfork claim claimed");
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
    begin();
    assert_int_equal(lived.n_blocks, 8);
    assert_true(lived.n_freed >= 8);
    assert_int_equal(lived.header.capabilities[SEGMENT_CAPABILITY_MESSAGES].state,
                     SEGMENT_CAPABILITY_ON);
    assert_true(start(&first));
    ASSERT_SAID("");
    lived.wants_room = true;
    assert_true(start(&first));
    ASSERT_SAID("publish");
    lived.is_closed = true; /* then no round would help */
    assert_true(start(&first));
    ASSERT_SAID("");
}

static void start__thread_was_stopped__is_started_again(void)
{
    begin();
    lived.is_running = false;
    lived.is_closed = true; /* which is no matter: all is learned */
    assert_true(start(&first));
    ASSERT_SAID("start");
}

static void start__another_copy__is_learned(void)
{
    begin();
    assert_true(start(&second));
    ASSERT_SAID("run hide set-writer learn add-library start");
    assert_true(start(&second));
    assert_true(start(&first));
    ASSERT_SAID("");
}

static void start__copies_beyond_the_table__are_learned_each_time(void)
{
    begin();
    second.index = SEGMENT_MAX_LIBRARIES;
    for (int i = 0; i < 2; i++) {
        assert_true(start(&second));
        ASSERT_SAID("run hide set-writer learn add-library start");
    }
    assert_int_equal(lived.header.n_libraries, 1);
    second.index = SEGMENT_MAX_LIBRARIES - 1;
    assert_true(start(&second));
    assert_int_equal(lived.header.n_libraries, SEGMENT_MAX_LIBRARIES);
    lived.said[0] = '\0';
    assert_true(start(&second));
    ASSERT_SAID("");
}

static void library__followed__is_shown(void)
{
    strcpy(first.path, "/lib/first");
    first.is_draft = true;
    begin();
    const struct segment_library *shown = lived.header.libraries;
    assert_int_equal(shown->version_major, 4);
    assert_int_equal(shown->version_minor, 3);
    assert_int_equal(shown->version_patch, 5);
    assert_true(shown->is_draft);
    assert_string_equal(shown->path, "/lib/first");
    assert_int_equal(lived.header.n_libraries, 1);
    const enum segment_capability_id id = SEGMENT_CAPABILITY_HANDSHAKES;
    assert_int_equal(lived.header.capabilities[id].state, SEGMENT_CAPABILITY_ON);
    second.version_number = 41299;
    second.index = 3;
    start(&second);
    assert_int_equal(shown[3].version_minor, 12);
    assert_int_equal(shown[3].version_patch, 99);
    assert_int_equal(lived.header.n_libraries, 4);
    first.index = 2;
    first.version_number = 40299;
    first.is_draft = false;
    start(&first);
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
            start(&first);
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
    start(&first);
    assert_non_null(strstr(lived.said, "writer /tmp/here map"));
}

static void environment__directory_is_empty__is_the_usual_one(void)
{
    lived.directory = "";
    begin();
}

/*
 * Something cannot be had
 */
static void expect_off(const char *said, const char *off)
{
    lived.said[0] = '\0';
    assert_false(start(&first));
    ASSERT_SAID(said);
    assert_string_equal(lived.off, off);
    assert_false(tap_is_enabled());
    assert_false(start(&first)); /* for good */
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
    expect_off("run report-off", "off: Cannot allocate memory");
}

static void start__no_room_for_data__is_off(void)
{
    lived.data_limit.rlim_cur = 1 << 30;
    lived.data_has_no_room = true;
    expect_off("run report-off", "off: Cannot allocate memory");
}

static void start__data_is_limited_but_has_room__is_on(void)
{
    lived.data_limit.rlim_cur = 1 << 30;
    begin();
}

static void start__data_is_not_limited__is_not_tried(void)
{
    lived.data_has_no_room = true;
    begin();
}

static void start__no_table__is_off(void)
{
    lived.table_error = -EIO;
    expect_off("run table-256 report-off", "off: Input/output error");
}

static void start__no_writer__is_off(void)
{
    lived.writer_error = -EACCES;
    expect_off("run table-256 writer /run/zmq_exporter no-table report-off",
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
    expect_off(ALL_PARTS " report-off", "off: Resource temporarily unavailable");
}

/*
 * The program shuts itself in
 */
static void prepare__before_it__all_is_made_and_written(void)
{
    lived.said[0] = '\0';
    tap_prepare(NULL);
    second.is_complete = false;
    tap_prepare(&second);
    lived.tap = "off";
    tap_prepare(&first);
    ASSERT_SAID("");
    lived.tap = NULL;
    tap_prepare(&first);
    ASSERT_SAID(ALL_PARTS " publish stop"); /* without a context */
    lived.has_contexts = true;
    tap_prepare(&first);
    ASSERT_SAID("start publish");
    assert_int_equal(lived.lock_depth, 0);
    lived.is_running = false;
    lived.start_error = -EAGAIN;
    tap_prepare(&first);
    ASSERT_SAID("start report-off");
}

/*
 * A context ends
 */
static void context__ended__last_one_stops_the_thread(void)
{
    begin();
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
    begin();
    lived.is_loud = true;
    end_with("stop close");
}

static void finish__program_has_shut_itself_in__only_quietly(void)
{
    begin();
    lived.is_closed = true;
    end_with("stop close");
}

static void finish__program_has_shut_itself_in__not_with_system_calls(void)
{
    begin();
    lived.is_closed = lived.is_loud = true;
    end_with("stop");
}

static void finish__in_the_middle_of_a_start__is_left(void)
{
    begin();
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
    begin();
    lived_begin_child();
    end_with("claim " ALL_FORGOTTEN " claimed stop");
}

/*
 * Children
 */
static void fork__rounds_are_held__until_it_is_done(void)
{
    begin();
    lived.before_fork();
    ASSERT_SAID("hold-rounds hold-loaded hold-registry");
    lived.in_parent();
    ASSERT_SAID("release-registry release-loaded release-rounds");
    lived.cannot_hold = true;
    lived.before_fork();
    lived.in_parent();
    ASSERT_SAID("hold-rounds hold-loaded hold-registry release-registry release-loaded");
    lived.cannot_hold = false;
    lived.is_running = false;
    lived.before_fork();
    lived.in_parent();
    ASSERT_SAID("hold-loaded hold-registry release-registry release-loaded");
}

static bool can_be_cancelled(void)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    return state == PTHREAD_CANCEL_ENABLE;
}

static void forked__in_the_child__all_is_forgotten(void)
{
    begin();
    lived.before_fork();
    lived.said[0] = '\0';
    lived_begin_child();
    lived.in_child();
    ASSERT_SAID(ALL_FORGOTTEN " library-forked release-registry");
    assert_true(can_be_cancelled());
    lived.in_child();
    ASSERT_SAID("library-forked release-registry");
    assert_true(start(&first));
    ASSERT_SAID("claim claimed " ALL_PARTS);
    lived.in_parent(); /* nothing is held any more */
    ASSERT_SAID("release-registry release-loaded");
}

static void forked__nothing_was_used__nothing_is_forgotten(void)
{
    lived.before_fork();
    lived.said[0] = '\0';
    lived.in_child();
    ASSERT_SAID("library-forked release-registry");
}

static void forked__claimed_by_an_earlier_handler__is_left_alone(void)
{
    begin();
    lived.before_fork();
    lived.said[0] = '\0';
    lived.is_claimed_by_child = true;
    lived.in_child();
    ASSERT_SAID("release-registry");
    assert_true(can_be_cancelled());
}

static void child__of_a_raw_clone__finds_out_by_itself(void)
{
    begin();
    tap_check_process();
    tap_begin_use();
    ASSERT_SAID("");
    lived_begin_child();
    lived.is_claimed_elsewhere = true;
    tap_check_process();
    ASSERT_SAID("claim"); /* another thread of the child does it */
    lived.is_claimed_elsewhere = false;
    tap_check_process();
    ASSERT_SAID("claim " ALL_FORGOTTEN " claimed");
    tap_check_process();
    ASSERT_SAID("");
    lived_begin_child(); /* nothing was used since */
    tap_check_process();
    ASSERT_SAID("");
    tap_begin_use();
    ASSERT_SAID("claim claimed");
    lived_begin_child();
    tap_begin_use();
    ASSERT_SAID("claim library-forked registry-forked parts-forked thread-forked sandbox "
                "leave-no-writer leave-nothing claimed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWN_PROCESS_CASE(load__process_begins__is_claimed),
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
        OWN_PROCESS_CASE(fork__rounds_are_held__until_it_is_done),
        OWN_PROCESS_CASE(forked__in_the_child__all_is_forgotten),
        OWN_PROCESS_CASE(forked__nothing_was_used__nothing_is_forgotten),
        OWN_PROCESS_CASE(forked__claimed_by_an_earlier_handler__is_left_alone),
        OWN_PROCESS_CASE(child__of_a_raw_clone__finds_out_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
