/* SPDX-License-Identifier: MPL-2.0 */
/* Copies that are kept loaded, sockets that are never followed, a library that the program hands
 * over by its functions. */
#include "tap/ground/library.h"

#include "support/tap_copies.h"
#include "tap/zmqtap.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

/*
 * Pinned
 */
static void answer_for(uint32_t object)
{
    copies.opened_base = objects[object].begin;
    copies.opened_dynamic = objects[object].begin + 8;
}

static int thread_fails;
static bool is_permanent_in_thread;
static unsigned n_threads, n_detached;

/* The thread has done all when it is made. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    assert_null(attributes);
    n_threads++;
    *thread = pthread_self();
    if (is_permanent_in_thread)
        copies.permanent = FIRST;
    if (!thread_fails)
        run(argument);
    return thread_fails;
}

int __wrap_pthread_detach(pthread_t thread);
int __wrap_pthread_detach(pthread_t thread)
{
    (void)thread;
    n_detached++;
    return 0;
}

static int set_up(void **state)
{
    n_threads = n_detached = 0;
    thread_fails = 0;
    return copies_set_up(state);
}

static void pin__the_program_needs_it__nobody_is_asked(void **state)
{
    (void)state;
    copies_follow(FIRST);
    copies.permanent = FIRST;
    library_pin();
    assert_true(library_entries[0].is_pinned);
    assert_int_equal(copies.n_opened, 0);
    assert_int_equal(n_threads, 0);
    assert_false(library_has_unpinned);
    unsigned n = copies.n_visits;
    library_pin();
    assert_int_equal(copies.n_visits, n);
}

static void pin__a_plug_in_brought_it__linker_is_asked_to_keep_it(void **state)
{
    (void)state;
    copies.scope = SECOND;
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(bind));
    copies_follow(FIRST);
    answer_for(FIRST);
    library_pin();
    assert_true(library_entries[1].is_pinned);
    assert_false(library_entries[0].is_pinned); /* which is not followed */
    assert_int_equal(copies.n_opened, 1);
    assert_string_equal(copies.opened, "/opt/first.so");
    assert_int_equal(n_threads, 1);
    assert_int_equal(n_detached, 1);
    library_has_unpinned = true;
    library_pin();
    assert_int_equal(copies.n_opened, 1);
}

static void pin__linker_has_another__it_is_not_pinned(void **state)
{
    (void)state;
    copies_follow(FIRST);
    struct {
        bool open_fails, info_fails, has_no_dlopen, has_no_dlinfo, is_other, is_elsewhere;
    } cases[] = {{.open_fails = true},    {.info_fails = true}, {.has_no_dlopen = true},
                 {.has_no_dlinfo = true}, {.is_other = true},   {.is_elsewhere = true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        answer_for(FIRST);
        copies.open_fails = cases[i].open_fails;
        copies.info_fails = cases[i].info_fails;
        copies.has_no_dlopen = cases[i].has_no_dlopen;
        copies.has_no_dlinfo = cases[i].has_no_dlinfo;
        copies.opened_base += cases[i].is_other;
        copies.opened_dynamic += cases[i].is_elsewhere;
        library_has_unpinned = true;
        library_pin();
        assert_false(library_entries[0].is_pinned);
        assert_false(library_has_unpinned);
    }
    answer_for(FIRST);
    library_has_unpinned = true;
    library_pin();
    assert_true(library_entries[0].is_pinned);
}

static void follow_another(void)
{
    copies.meanwhile = NULL;
    copies_follow(SECOND);
    unsigned n = copies.n_visits;
    library_pin(); /* a thread does it already */
    assert_int_equal(copies.n_visits, n);
}

static void pin__another_comes_meanwhile__it_is_asked_for_too(void **state)
{
    (void)state;
    copies_follow(FIRST);
    answer_for(FIRST);
    copies.meanwhile = follow_another;
    library_pin();
    assert_true(library_entries[0].is_pinned);
    assert_string_equal(copies.opened, "/opt/second.so");
    assert_int_equal(n_threads, 1);
    assert_false(library_has_unpinned);
    answer_for(SECOND);
    library_has_unpinned = true;
    library_pin();
    assert_true(library_entries[1].is_pinned);
}

static void pin__program_needs_it_meanwhile__nobody_is_asked(void **state)
{
    (void)state;
    copies_follow(FIRST);
    is_permanent_in_thread = true;
    library_pin();
    is_permanent_in_thread = false;
    assert_true(library_entries[0].is_pinned);
    assert_int_equal(copies.n_opened, 0);
}

static void pin__no_thread__is_tried_again(void **state)
{
    (void)state;
    copies_follow(FIRST);
    answer_for(FIRST);
    thread_fails = EAGAIN;
    library_pin();
    assert_int_equal(n_detached, 0);
    assert_false(library_entries[0].is_pinned);
    assert_true(library_has_unpinned);
    thread_fails = 0;
    library_pin();
    assert_true(library_entries[0].is_pinned);
}

static void unload_it(void)
{
    copies.meanwhile = NULL;
    objects_move(FIRST, 11 * OBJECTS_SIZE);
    copies_list(1);
    library_entries[0] = (struct library_entry){.object = objects_elf_of(FIRST)};
}

static void pin__it_goes_meanwhile__the_next_one_is_not_pinned(void **state)
{
    (void)state;
    copies_follow(FIRST);
    answer_for(FIRST);
    copies.meanwhile = unload_it;
    library_pin();
    assert_false(library_entries[0].is_pinned);
}

static void pin__it_is_gone__nobody_is_asked(void **state)
{
    (void)state;
    copies_follow(FIRST);
    copies_unload(FIRST);
    library_pin();
    assert_int_equal(copies.n_opened, 0);
    static char name[PATH_MAX + 600];
    memset(name, 'n', sizeof(name) - 1);
    objects[SECOND - 1].name = name; /* which has no room */
    copies_list(0);
    copies_follow(SECOND - 1);
    library_pin();
    assert_int_equal(copies.n_opened, 0);
}

static void fork_meanwhile(void)
{
    copies.meanwhile = NULL;
    library_forked();
    library_pin(); /* the child's thread: the other one is not here */
    assert_int_equal(n_threads, 2);
}

static void forked__while_a_thread_pins__child_does_it_itself(void **state)
{
    (void)state;
    library_has_unpinned = false;
    library_forked();
    assert_true(library_has_unpinned);
    copies_follow(FIRST);
    answer_for(FIRST);
    copies.meanwhile = fork_meanwhile;
    library_pin();
    assert_true(library_entries[0].is_pinned);
}

/*
 * Handed over by the program
 */
#define N_GIVEN 33

static struct zmqtap_symbol given[N_GIVEN + 1];
static unsigned n_versions;

static void tell_version(int *major, int *minor, int *patch)
{
    n_versions++;
    *major = 4;
    *minor = 3;
    *patch = 2;
}

/* All functions of the first copy, under its addresses or, as a static library has them, the
 * program's. */
static void give(uint32_t object)
{
    size_t i = 0;
#define X(type, function_name, parameters)                                                         \
    given[i].name = "zmq_" #function_name;                                                         \
    given[i].function = (void (*)(void))(objects[object].begin + 32 + 16 * i);                     \
    i++;
    LIBRARY_REQUIRED(X)
#undef X
    assert_int_equal(i, N_GIVEN);
    given[0].function = (void (*)(void))tell_version;
    given[N_GIVEN] = (struct zmqtap_symbol){NULL, NULL};
    n_versions = 0;
}

static void given__of_the_program_itself__are_followed(void **state)
{
    (void)state;
    give(PROGRAM);
    struct library *library = library_of_symbols(given);
    assert_non_null(library);
    assert_true(library->is_complete);
    assert_int_equal(library->version_number, 40302);
    assert_int_equal(library->begin, objects[PROGRAM].begin);
    assert_true(library->send ==
                (int (*)(void *, const void *, size_t, int))(uintptr_t)given[15].function);
    assert_true(library_entries[0].is_given);
    assert_true(library_entries[0].is_followed);
    assert_ptr_equal(library_of_symbols(given), library);
    assert_int_equal(n_versions, 1);
    assert_int_equal(library_n, 1);
}

static void given__something_lacks__only_what_is_known(void **state)
{
    (void)state;
    give(FIRST);
    for (size_t i = 0; i < N_GIVEN; i++) {
        const char *name = given[i].name;
        given[i].name = "zmq_none";
        assert_null(library_of_symbols(given));
        given[i].name = name;
    }
    assert_int_equal(library_n, 0);
    struct library *known = copies_follow(FIRST);
    given[N_GIVEN - 1].name = "zmq_none";
    assert_ptr_equal(library_of_symbols(given), known);
    give(FIRST);
    assert_ptr_equal(library_of_symbols(given), known);
    assert_int_equal(n_versions, 0);
    given[6].function = (void (*)(void))16; /* zmq_socket, in no object */
    assert_null(library_of_symbols(given));
}

static void given__one_function_of_it_is_known__is_filled_in(void **state)
{
    (void)state;
    copies.scope = FIRST;
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(bind));
    give(FIRST);
    assert_ptr_equal(library_of_symbols(given), &library_list[0]);
    assert_true(library_list[0].is_complete);
    assert_int_equal(n_versions, 1);
    for (uint32_t i = 0; i < LIBRARY_MAX; i++) {
        objects_move(FIRST, (100 + i) * OBJECTS_SIZE);
        copies_list(0);
        copies_follow(FIRST);
    }
    give(SECOND);
    assert_null(library_of_symbols(given)); /* there are too many */
    library_pin();
    assert_int_equal(library_n, LIBRARY_MAX);
}

/*
 * Sockets that are never followed
 */
static void direct__first_copy__until_one_is_followed(void **state)
{
    (void)state;
    uintptr_t handle = objects[FIRST].begin + 0x20;
    copies.scope = FIRST;
    assert_int_equal(library_direct.size, 0);
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(send));
    assert_int_equal(library_direct.begin, objects[FIRST].begin);
    assert_int_equal(library_direct.size, OBJECTS_SIZE);
    assert_int_equal((uintptr_t)library_direct.send, objects_address(FIRST, "zmq_send"));
    assert_int_equal((uintptr_t)library_direct.recv, objects_address(FIRST, "zmq_recv"));
    assert_int_equal((uintptr_t)library_direct.msg_send, objects_address(FIRST, "zmq_msg_send"));
    assert_int_equal((uintptr_t)library_direct.msg_recv, objects_address(FIRST, "zmq_msg_recv"));
    assert_true(library_is_direct(&handle));
    assert_false(library_is_direct(NULL));
    handle = objects[SECOND].begin;
    assert_false(library_is_direct(&handle));
    handle = objects[FIRST].begin - 1;
    assert_false(library_is_direct(&handle));
    copies_unload(FIRST);
    copies.scope = LOADED_NONE;
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(send));
    assert_int_equal(library_direct.size, 0);
    copies.scope = SECOND - 1;
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(send));
    assert_int_equal(library_direct.begin, objects[SECOND - 1].begin);
    copies.scope = FIRST; /* which is the second one's place: nothing changes */
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(send));
    assert_int_equal(library_direct.size, OBJECTS_SIZE);
}

static void direct__copy_lacks_a_function__none(void **state)
{
    (void)state;
    static const char *const symbols[] = {
        "zmq_recv zmq_msg_send zmq_msg_recv", "zmq_send zmq_msg_send zmq_msg_recv",
        "zmq_send zmq_recv zmq_msg_recv", "zmq_send zmq_recv zmq_msg_send"};
    for (size_t i = 0; i < 4; i++) {
        copies_set_up(state);
        objects[FIRST].symbols = symbols[i];
        copies.scope = FIRST;
        library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(bind));
        assert_int_equal(library_direct.size, 0);
    }
}

/* The last case: it holds from then on. */
static void direct__one_was_followed__never_again(void **state)
{
    (void)state;
    copies.scope = FIRST;
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(send));
    assert_int_equal(library_direct.size, OBJECTS_SIZE);
    library_end_direct();
    assert_int_equal(library_direct.size, 0);
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(send));
    copies_list(0);
    library_find_function(NULL, copies_address(PROGRAM), LIBRARY_FUNCTION(send));
    assert_int_equal(library_direct.size, 0);
    library_end_direct();
    assert_int_equal(library_direct.size, 0);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pin__the_program_needs_it__nobody_is_asked),
        CASE(pin__a_plug_in_brought_it__linker_is_asked_to_keep_it),
        CASE(pin__linker_has_another__it_is_not_pinned),
        CASE(pin__another_comes_meanwhile__it_is_asked_for_too),
        CASE(pin__program_needs_it_meanwhile__nobody_is_asked),
        CASE(pin__no_thread__is_tried_again),
        CASE(pin__it_goes_meanwhile__the_next_one_is_not_pinned),
        CASE(pin__it_is_gone__nobody_is_asked),
        CASE(forked__while_a_thread_pins__child_does_it_itself),
        CASE(given__of_the_program_itself__are_followed),
        CASE(given__something_lacks__only_what_is_known),
        CASE(given__one_function_of_it_is_known__is_filled_in),
        CASE(direct__first_copy__until_one_is_followed),
        CASE(direct__copy_lacks_a_function__none),
        CASE(direct__one_was_followed__never_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
