/* SPDX-License-Identifier: MPL-2.0 */
/* What becomes of the tap in a child. Each case is a process of its own. */
#include "tap/tap.h"

#include "support/cmocka.h"
#include "support/tap_lived.h"

#include <pthread.h>

static void fork__rounds_are_held__until_it_is_done(void)
{
    lived_begin_with_first();
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
    lived_begin_with_first();
    assert_true(lived_start(&lived_second));
    lived.before_fork();
    lived.said[0] = '\0';
    lived_begin_child();
    lived.in_child();
    ASSERT_SAID(LIVED_ALL_FORGOTTEN " library-forked release-registry");
    assert_true(can_be_cancelled());
    lived.in_child();
    ASSERT_SAID("library-forked release-registry");
    assert_true(lived_start(&lived_first));
    ASSERT_SAID("claim claimed " LIVED_ALL_PARTS);
    assert_true(lived_start(&lived_second));
    ASSERT_SAID("run hide set-writer learn add-library start");
}

static void be_the_child(void)
{
    lived.in_run = NULL;
    lived_begin_child();
    lived.in_child();
    lived.lock_depth = 0;
    _exit(tap_start(&lived_first) ? 0 : 1);
}

static void forked__in_the_middle_of_a_start__child_makes_its_own(void)
{
    lived.in_run = be_the_child;
    lived_start(&lived_first);
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
    lived_begin_with_first();
    lived.before_fork();
    lived.said[0] = '\0';
    lived.is_claimed_by_child = true;
    lived.in_child();
    ASSERT_SAID("release-registry");
    assert_true(can_be_cancelled());
}

static void child__of_a_raw_clone__finds_out_by_itself(void)
{
    lived_begin_with_first();
    tap_check_process();
    tap_begin_use();
    ASSERT_SAID("");
    lived_begin_child();
    lived.is_claimed_elsewhere = true;
    tap_check_process();
    ASSERT_SAID("claim"); /* another thread of the child does it */
    lived.is_claimed_elsewhere = false;
    tap_check_process();
    ASSERT_SAID("claim " LIVED_ALL_FORGOTTEN " claimed");
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
        OWN_PROCESS_CASE(fork__rounds_are_held__until_it_is_done),
        OWN_PROCESS_CASE(forked__in_the_child__all_is_forgotten),
        OWN_PROCESS_CASE(forked__in_the_middle_of_a_start__child_makes_its_own),
        OWN_PROCESS_CASE(forked__nothing_was_used__nothing_is_forgotten),
        OWN_PROCESS_CASE(forked__claimed_by_an_earlier_handler__is_left_alone),
        OWN_PROCESS_CASE(child__of_a_raw_clone__finds_out_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
