/* SPDX-License-Identifier: MPL-2.0 */
/* What was learned of each copy of libzmq is kept for it, and is there once all of it is. The
 * calibrations are played. */
#include "tap/learned/learned.h"

#include "support/cmocka.h"
#include "tap/learned/more_flag.h"
#include "tap/learned/pipe_calibration.h"

#include <string.h>

static struct library libraries[LIBRARY_MAX];
static char said[100];
static bool is_known;

static void say(const char *word, const struct library *library)
{
    assert_null(learned_of(library)); /* not before all of it is */
    assert_null(learned_pipes_of(library));
    strcat(strcat(said, said[0] ? " " : ""), word);
}

uint32_t more_flag_calibrate(const struct library *library)
{
    say("flag", library);
    return 100 + library->index;
}

void pipe_layout_calibrate(const struct library *library, struct pipe_layout *ret_layout)
{
    say("pipes", library);
    *ret_layout = (struct pipe_layout){.is_known = is_known, .pipes = 200 + library->index};
}

void route_layout_calibrate(const struct library *library, const struct pipe_layout *pipes,
                            struct route_layout *ret_layout)
{
    assert_int_equal(pipes->pipes, 200 + library->index);
    say("routes", library);
    *ret_layout = (struct route_layout){.is_known = true, .current_out = 300 + library->index};
}

static int set_up(void **state)
{
    (void)state;
    said[0] = '\0';
    is_known = true;
    for (uint32_t i = 0; i < LIBRARY_MAX; i++)
        libraries[i].index = i;
    return 0;
}

static void calibrate__any_copy__once_and_of_its_own(void **state)
{
    static const uint32_t indices[] = {0, 3, LIBRARY_MAX - 1};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct library *library = &libraries[indices[i]];
        said[0] = '\0';
        learned_calibrate_library(library);
        assert_string_equal(said, "flag pipes routes");
        learned_calibrate_library(library);
        assert_string_equal(said, "flag pipes routes");
    }
    for (size_t i = 0; i < 3; i++) {
        const struct learned *learned = learned_of(&libraries[indices[i]]);
        assert_non_null(learned);
        assert_int_equal(learned->more_flag, 100 + indices[i]);
        assert_int_equal(learned->pipes.pipes, 200 + indices[i]);
        assert_int_equal(learned->routes.current_out, 300 + indices[i]);
        assert_ptr_equal(learned_pipes_of(&libraries[indices[i]]), &learned->pipes);
    }
    assert_null(learned_of(&libraries[1]));
}

static void pipes__were_not_understood__are_none(void **state)
{
    (void)state;
    is_known = false;
    learned_calibrate_library(&libraries[5]);
    assert_non_null(learned_of(&libraries[5]));
    assert_null(learned_pipes_of(&libraries[5]));
}

static void monitor__of_a_copy__is_as_it_was_set(void **state)
{
    (void)state;
    assert_int_equal(learned_monitor_of(&libraries[7]), LEARNED_MONITOR_UNTRIED);
    learned_set_monitor(&libraries[7], LEARNED_MONITOR_DIRECT);
    learned_set_monitor(&libraries[8], LEARNED_MONITOR_HUB);
    assert_int_equal(learned_monitor_of(&libraries[7]), LEARNED_MONITOR_DIRECT);
    assert_int_equal(learned_monitor_of(&libraries[8]), LEARNED_MONITOR_HUB);
    assert_null(learned_of(&libraries[7]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(calibrate__any_copy__once_and_of_its_own, set_up),
        cmocka_unit_test_setup(pipes__were_not_understood__are_none, set_up),
        cmocka_unit_test_setup(monitor__of_a_copy__is_as_it_was_set, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
