/* SPDX-License-Identifier: MPL-2.0 */
/* Which of several copies of libzmq a call belongs to, in a process whose objects are played. */
#include "tap/ground/scope.h"

#include "support/cmocka.h"
#include "support/tap_objects.h"

#include <string.h>

/* The process of most cases, in the linker's order. */
enum place { PROGRAM, TAP, LIBC, PLUGIN, HELPER, FIRST, SECOND, OTHER, DEEP, THIRD };

static struct loaded loaded; /* its generations go on */
static const uint32_t copies[] = {FIRST, SECOND, THIRD};

uint32_t loaded_find(const struct loaded *self, uintptr_t address)
{
    for (uint32_t i = 0; i < self->n_objects; i++) {
        if (elf_object_spans(&self->objects[i], address))
            return i;
    }
    return LOADED_NONE;
}

static void need(enum place object, const char *needed)
{
    objects_need((uint32_t)object, needed);
}

static int set_up(void **state)
{
    (void)state;
    objects_begin();
    objects_append("", NULL, "main");
    objects_append("/lib/libzmqtap.so", "libzmqtap.so", "zmq_socket");
    objects_append("/lib/libc.so.6", "libc.so.6", "getpid");
    objects_append("/opt/plugin.so", NULL, "begin");
    objects_append("/opt/helper-1.2.so", "helper.so.1", "help");
    objects_append("/opt/libzmq-first.so", "libzmq.so.5", "zmq_socket");
    objects_append("/usr/second.so", "libzmq-second.so", "zmq_socket");
    objects_append("/usr/other.so", "other.so", "other");
    objects_append("/usr/deep.so", "deep.so", "deep");
    objects_append("/usr/third.so", "libzmq-third.so", "zmq_socket");
    loaded.own = TAP;
    loaded.n_startup = LIBC + 1;
    objects_list(&loaded, copies, 3);
    return 0;
}

/* After something of the process has changed. */
static void read_anew(uint32_t n_behind)
{
    objects_list(&loaded, copies, n_behind);
}

static uintptr_t in(uint32_t object)
{
    return objects[object].begin + 0x1234;
}

static uint32_t find_for(struct scope_question question)
{
    bool must_ask = true;
    uint32_t found = scope_find(&loaded, &question, &must_ask);
    assert_false(must_ask);
    return found;
}

/* Of a caller in an object, after the linker has said `global`. */
static uint32_t find_of(uint32_t caller, uint32_t global)
{
    return find_for((struct scope_question){
        .caller = in(caller), .has_asked = true, .global = global == LOADED_NONE ? 0 : in(global)});
}

static void socket__of_a_copy__is_told_by_it(void **state)
{
    (void)state;
    assert_int_equal(find_for((struct scope_question){.caller = in(OTHER), .inside = in(THIRD)}),
                     THIRD);
    assert_int_equal(find_for((struct scope_question){.caller = in(OTHER), .inside = in(FIRST)}),
                     FIRST);
    loaded.n_behind = 1;
    assert_int_equal(find_for((struct scope_question){.inside = in(SECOND)}), SECOND);
    assert_int_equal(find_for((struct scope_question){.inside = in(OTHER)}), FIRST);
    loaded.n_candidates = 2;
    assert_int_equal(find_for((struct scope_question){.inside = in(THIRD)}), FIRST);
}

static void copies__one__is_the_one(void **state)
{
    (void)state;
    read_anew(1);
    assert_int_equal(find_for((struct scope_question){.caller = in(OTHER)}), FIRST);
    loaded.n_candidates = loaded.n_behind = 0;
    assert_int_equal(find_for((struct scope_question){.caller = in(OTHER)}), LOADED_NONE);
}

static void copies__all_before_the_tap__not_the_caller_itself(void **state)
{
    (void)state;
    loaded.n_behind = 0;
    assert_int_equal(find_for((struct scope_question){.caller = in(OTHER)}), FIRST);
    assert_int_equal(find_for((struct scope_question){.caller = in(FIRST)}), SECOND);
    loaded.n_candidates = 1;
    assert_int_equal(find_for((struct scope_question){.caller = in(FIRST)}), LOADED_NONE);
}

static void copies__first_came_with_the_program__is_every_caller_s(void **state)
{
    (void)state;
    loaded.n_startup = FIRST + 1;
    assert_int_equal(find_for((struct scope_question){.caller = in(OTHER)}), FIRST);
    loaded.n_startup = FIRST;
    bool must_ask = false;
    struct scope_question question = {.caller = in(OTHER)};
    assert_int_equal(scope_find(&loaded, &question, &must_ask), LOADED_NONE);
    assert_true(must_ask);
}

static void linker__asked_once__is_not_asked_again_of_this_list(void **state)
{
    (void)state;
    bool must_ask = false;
    struct scope_question question = {.caller = in(OTHER)};
    assert_int_equal(scope_find(&loaded, &question, &must_ask), LOADED_NONE);
    assert_true(must_ask);
    assert_int_equal(find_of(OTHER, SECOND), SECOND);
    assert_int_equal(find_for(question), SECOND);
    assert_int_equal(find_for((struct scope_question){.caller = in(DEEP)}), SECOND);
    read_anew(3);
    assert_int_equal(scope_find(&loaded, &question, &must_ask), LOADED_NONE);
    assert_true(must_ask);
}

static void caller__known_to_nobody__has_what_is_global(void **state)
{
    (void)state;
    assert_int_equal(find_of(TAP, THIRD), THIRD);
    assert_int_equal(find_of(TAP, LOADED_NONE), FIRST);
    const struct scope_question nowhere = {.caller = 5, .has_asked = true, .global = in(SECOND)};
    assert_int_equal(find_for(nowhere), SECOND);
    /* What the linker found is no copy: the tap itself stands there. */
    assert_int_equal(find_of(TAP, TAP), FIRST);
}

static void global__came_before_the_caller__is_its(void **state)
{
    (void)state;
    need(OTHER, "third.so");
    read_anew(3);
    assert_int_equal(find_of(OTHER, SECOND), SECOND);
}

static void global__came_after_the_caller__only_where_nothing_else_is(void **state)
{
    (void)state;
    need(PLUGIN, "second.so");
    read_anew(3);
    assert_int_equal(find_of(PLUGIN, THIRD), SECOND);
    assert_int_equal(find_of(HELPER, THIRD), THIRD);
    read_anew(3);
    assert_int_equal(find_of(HELPER, LOADED_NONE), FIRST);
    read_anew(3);
    assert_int_equal(find_of(THIRD, THIRD), THIRD); /* it needs itself */
    read_anew(3);
    assert_int_equal(find_of(FIRST, SECOND), FIRST);
}

static void answer__given_once__is_kept_for_the_list(void **state)
{
    (void)state;
    need(PLUGIN, "second.so");
    read_anew(3);
    assert_int_equal(find_of(PLUGIN, LOADED_NONE), SECOND);
    assert_int_equal(find_of(PLUGIN, FIRST), SECOND); /* which the linker would not say */
    objects[PLUGIN].needed[0] = "third.so";
    assert_int_equal(find_of(PLUGIN, LOADED_NONE), SECOND);
    read_anew(3);
    assert_int_equal(find_of(PLUGIN, LOADED_NONE), THIRD);
}

static void caller__brought_in_by_another__looks_where_that_looks(void **state)
{
    (void)state;
    need(PLUGIN, "helper.so.1");
    need(PLUGIN, "libzmq-third.so");
    read_anew(3);
    assert_int_equal(find_of(HELPER, LOADED_NONE), THIRD);
    assert_int_equal(find_of(PLUGIN, LOADED_NONE), THIRD);
    assert_int_equal(find_of(OTHER, LOADED_NONE), FIRST);
}

static void caller__two_ways__level_by_level_and_the_first_root(void **state)
{
    (void)state;
    need(PLUGIN, "other.so");
    need(PLUGIN, "/anywhere/deep.so"); /* only the last part counts */
    need(OTHER, "libzmq-second.so");
    need(DEEP, "libzmq-third.so");
    need(DEEP, "plugin.so"); /* round and round */
    read_anew(3);
    assert_int_equal(find_of(DEEP, LOADED_NONE), SECOND);
    need(PLUGIN, "libzmq-third.so");
    read_anew(3);
    assert_int_equal(find_of(DEEP, LOADED_NONE), THIRD);
    assert_int_equal(find_of(OTHER, LOADED_NONE), THIRD);
}

static void caller__root_has_no_copy__the_next_root(void **state)
{
    (void)state;
    need(PROGRAM, "helper-1.2.so");
    need(OTHER, "helper.so.1");
    need(OTHER, "second.so");
    need(HELPER, "missing.so");
    read_anew(3);
    assert_int_equal(find_of(HELPER, LOADED_NONE), SECOND);
    assert_int_equal(find_of(LIBC, LOADED_NONE), FIRST);
}

/* Their hashes are the same. */
static void needed__another_name_with_its_hash__is_not_it(void **state)
{
    (void)state;
    need(OTHER, "lib528ab.so");
    objects[SECOND].soname = "lib99978.so";
    read_anew(3);
    assert_int_equal(find_of(OTHER, LOADED_NONE), FIRST);
    objects[PROGRAM].name = "program"; /* an object without a soname has that of "" */
    need(OTHER, "/");
    read_anew(3);
    assert_int_equal(find_of(OTHER, LOADED_NONE), FIRST);
}

static void needed__first_or_last_object__is_like_others(void **state)
{
    (void)state;
    objects[PROGRAM].name = "/bin/program";
    need(PROGRAM, "second.so");
    read_anew(3);
    assert_int_equal(find_of(PROGRAM, LOADED_NONE), SECOND);
    need(OTHER, "program");
    uint32_t last = objects_append("/opt/last.so", NULL, "last");
    objects_need(last, "third.so");
    read_anew(3);
    assert_int_equal(find_of(OTHER, LOADED_NONE), SECOND);
    assert_int_equal(find_of(last, LOADED_NONE), THIRD);
    need(PLUGIN, "third.so");
    objects[PROGRAM].needed[0] = NULL;
    need(PLUGIN, "second.so");
    need(PLUGIN, "libzmq.so.5");
    read_anew(3);
    assert_int_equal(find_of(SECOND, SECOND), THIRD); /* global, but not before itself */
}

#define MAX_NEEDS 32768u

static void needed__more_than_there_is_room__the_rest_is_not_known(void **state)
{
    (void)state;
    need(PROGRAM, "libc.so.6");
    need(OTHER, "second.so");
    for (size_t n_more = 0; n_more < 3; n_more++) {
        objects[PROGRAM].n_first = MAX_NEEDS - 1 + n_more;
        read_anew(3);
        assert_int_equal(find_of(OTHER, LOADED_NONE), n_more == 0 ? SECOND : FIRST);
    }
    objects[PROGRAM].n_first = MAX_NEEDS + 9000;
    read_anew(3);
    assert_int_equal(find_of(OTHER, LOADED_NONE), FIRST);
}

static void copies__not_behind_the_tap__are_no_answer(void **state)
{
    (void)state;
    need(PLUGIN, "third.so");
    need(PLUGIN, "second.so");
    read_anew(3);
    loaded.n_behind = 2;
    assert_int_equal(find_of(PLUGIN, LOADED_NONE), SECOND);
    assert_int_equal(find_of(HELPER, THIRD), FIRST);
}

static void permanent__what_the_program_needs__at_any_depth(void **state)
{
    (void)state;
    need(PROGRAM, "libc.so.6");
    need(PROGRAM, "helper.so.1");
    need(HELPER, "libzmq-second.so");
    need(PLUGIN, "other.so");
    need(PLUGIN, "deep.so");
    need(PLUGIN, "plugin.so");
    need(PLUGIN, "libzmq-third.so");
    need(OTHER, "/usr/lib/libc.so.6");
    read_anew(3);
    find_of(PLUGIN, LOADED_NONE); /* as many objects as the program's, and one more */
    assert_true(scope_is_permanent(&loaded, &loaded.objects[SECOND]));
    assert_true(scope_is_permanent(&loaded, &loaded.objects[PROGRAM]));
    assert_false(scope_is_permanent(&loaded, &loaded.objects[THIRD]));
    assert_false(scope_is_permanent(&loaded, &loaded.objects[PLUGIN]));
    struct elf_object gone = loaded.objects[SECOND];
    gone.dynamic++;
    assert_false(scope_is_permanent(&loaded, &gone));
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(socket__of_a_copy__is_told_by_it),
        CASE(copies__one__is_the_one),
        CASE(copies__all_before_the_tap__not_the_caller_itself),
        CASE(copies__first_came_with_the_program__is_every_caller_s),
        CASE(linker__asked_once__is_not_asked_again_of_this_list),
        CASE(caller__known_to_nobody__has_what_is_global),
        CASE(global__came_before_the_caller__is_its),
        CASE(global__came_after_the_caller__only_where_nothing_else_is),
        CASE(answer__given_once__is_kept_for_the_list),
        CASE(caller__brought_in_by_another__looks_where_that_looks),
        CASE(caller__two_ways__level_by_level_and_the_first_root),
        CASE(caller__root_has_no_copy__the_next_root),
        CASE(needed__another_name_with_its_hash__is_not_it),
        CASE(needed__first_or_last_object__is_like_others),
        CASE(needed__more_than_there_is_room__the_rest_is_not_known),
        CASE(copies__not_behind_the_tap__are_no_answer),
        CASE(permanent__what_the_program_needs__at_any_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
