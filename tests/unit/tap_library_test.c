/* SPDX-License-Identifier: MPL-2.0 */
/* The copies of libzmq that are known, while objects come and go. */
#include "tap/ground/library.h"

#include "support/tap_copies.h"

#include <errno.h>
#include <string.h>

#define FUNCTION(name) LIBRARY_FUNCTION(name)

static uintptr_t find(uint32_t caller, const struct library_function *function)
{
    return (uintptr_t)library_find_function(NULL, copies_address(caller), function);
}

static uintptr_t find_of_socket(const void *handle, const struct library_function *function)
{
    return (uintptr_t)library_find_function_of_socket(handle, copies_address(PROGRAM), function);
}

/*
 * One that is followed
 */
static void caller__has_a_copy__all_is_filled_in(void **state)
{
    (void)state;
    errno = 42;
    struct library *library = copies_follow(FIRST);
    assert_int_equal(errno, 42);
    assert_non_null(library);
    assert_ptr_equal(library, &library_list[0]);
    assert_true(library->is_complete);
    assert_int_equal(library->version_number, 10203);
    assert_false(library->is_draft);
    assert_string_equal(library->path, "/opt/first.so");
    assert_int_equal(library->index, 0);
    assert_int_equal(library->begin, objects[FIRST].begin);
    assert_int_equal(library->end, objects[FIRST].begin + OBJECTS_SIZE);
    assert_int_equal((uintptr_t)library->send, objects_address(FIRST, "zmq_send"));
    assert_int_equal((uintptr_t)library->device, objects_address(FIRST, "zmq_device"));
    assert_null(library->ctx_set_ext);
    assert_true(library_has_unpinned);
    assert_ptr_equal(copies_follow(FIRST), library);
    assert_int_equal(library_n, 1);
    library->version_number = 7; /* it is described once */
    assert_ptr_equal(copies_follow(FIRST), library);
    assert_int_equal(library->version_number, 7);
    assert_int_equal(copies.n_described, 1);
}

static void caller__has_a_copy_with_drafts__is_said(void **state)
{
    (void)state;
    struct library *library = copies_follow(SECOND);
    assert_true(library->is_draft);
    assert_int_equal((uintptr_t)library->ctx_set_ext, objects_address(SECOND, "zmq_ctx_set_ext"));
}

static void caller__copy_lacks_a_function__is_not_followed(void **state)
{
    (void)state;
    assert_null(copies_follow(PARTIAL));
    assert_int_equal(library_n, 1);
    assert_false(library_entries[0].is_followed);
    assert_false(library_has_unpinned);
    assert_int_equal(copies.n_described, 0);
    assert_int_equal(find(PROGRAM, FUNCTION(send)), objects_address(PARTIAL, "zmq_send"));
    assert_int_equal(find(PROGRAM, FUNCTION(device)), 0);
}

static void caller__there_is_no_copy__nothing(void **state)
{
    (void)state;
    assert_null(copies_follow(LOADED_NONE));
    assert_int_equal(find(PROGRAM, FUNCTION(send)), 0);
    assert_int_equal(library_n, 0);
}

static void own__another_stands_before_it__is_past_that(void **state)
{
    (void)state;
    copies.interposed = "zmq_send";
    struct library *library = copies_follow(FIRST);
    assert_int_equal((uintptr_t)library->send, INTERPOSED);
    assert_int_equal((uintptr_t)library->own->send, objects_address(FIRST, "zmq_send"));
    assert_ptr_equal(library->own->recv, library->recv);
    assert_int_equal(library->own->version_number, 10203);
    struct library *second = copies_follow(SECOND);
    assert_int_equal((uintptr_t)second->own->send, objects_address(SECOND, "zmq_send"));
    assert_ptr_equal(second->own->ctx_set_ext, second->ctx_set_ext);
    assert_int_equal((uintptr_t)library->own->send, objects_address(FIRST, "zmq_send"));
}

static void path__of_the_program_itself__is_read(void **state)
{
    (void)state;
    objects[FIRST].name = "";
    copies_list(0);
    assert_true(strstr(copies_follow(FIRST)->path, "tap_library") != NULL);
}

static void path__is_long__is_cut(void **state)
{
    (void)state;
    static char name[400];
    memset(name, 'n', sizeof(name) - 1);
    objects[FIRST].name = name;
    copies_list(0);
    assert_int_equal(strlen(copies_follow(FIRST)->path), sizeof(library_list[0].path) - 1);
}

/*
 * One function
 */
static void function__of_a_copy__is_looked_up_once(void **state)
{
    (void)state;
    copies.scope = FIRST;
    assert_int_equal(find(PROGRAM, FUNCTION(bind)), objects_address(FIRST, "zmq_bind"));
    unsigned n = copies.n_looked_up;
    assert_int_equal(find(PROGRAM, FUNCTION(bind)), objects_address(FIRST, "zmq_bind"));
    assert_int_equal(copies.n_looked_up, n);
    assert_false(library_list[0].is_complete);
    assert_int_equal(copies.question.caller, (uintptr_t)copies_address(PROGRAM));
    assert_int_equal(copies.question.inside, 0);
    library_find_function(&library_list[0], copies_address(PROGRAM), FUNCTION(bind));
    assert_int_equal(copies.question.inside, objects[FIRST].begin);
}

static void function__called_by_the_tap__is_of_the_copy_that_was_called_last(void **state)
{
    (void)state;
    copies.scope = SECOND;
    find(PROGRAM, FUNCTION(bind));
    find(TAP, FUNCTION(bind));
    assert_int_equal(copies.question.inside, objects[SECOND].begin);
    library_find_function(&library_list[0], copies_address(TAP), FUNCTION(bind));
    copies.scope = LOADED_NONE;
    find(TAP, FUNCTION(bind));
    assert_int_equal(copies.question.inside, objects[SECOND].begin);
    copies.loaded.own = LOADED_NONE;
    find(TAP, FUNCTION(bind));
    assert_int_equal(copies.question.inside, 0);
}

static void function__of_a_socket__is_that_of_its_copy(void **state)
{
    (void)state;
    uintptr_t handle = objects[FIRST].begin + 0x100;
    copies.scope = FIRST;
    assert_int_equal(find_of_socket(&handle, FUNCTION(bind)), objects_address(FIRST, "zmq_bind"));
    assert_int_equal(copies.question.inside, handle);
    unsigned n = copies.n_visits;
    assert_int_equal(find_of_socket(&handle, FUNCTION(bind)), objects_address(FIRST, "zmq_bind"));
    assert_int_equal(copies.n_visits, n);
    assert_int_equal(find_of_socket(&handle, FUNCTION(send)), objects_address(FIRST, "zmq_send"));
    assert_int_equal(copies.n_visits, n + 1);
    assert_ptr_equal(library_of_handle(&handle), &library_list[0]);
    assert_int_equal(find_of_socket(NULL, FUNCTION(send)), objects_address(FIRST, "zmq_send"));
    assert_int_equal(copies.question.inside, 0);
    assert_null(library_of_handle(NULL));
    handle = objects[FIRST].begin;
    assert_ptr_equal(library_of_handle(&handle), &library_list[0]);
    handle = objects[FIRST].begin - 1;
    assert_null(library_of_handle(&handle));
    handle = objects[FIRST].begin + OBJECTS_SIZE;
    assert_null(library_of_handle(&handle));
}

static void linker__must_be_asked__is_once(void **state)
{
    (void)state;
    copies.scope = FIRST;
    copies.must_ask = true;
    for (int i = 0; i < 2; i++) {
        copies.has_no_libc = i == 1; /* then in the caller's thread */
        copies.n_visits = 0;
        errno = 42;
        assert_int_equal(find(PROGRAM, FUNCTION(bind)), objects_address(FIRST, "zmq_bind"));
        assert_int_equal(errno, 42);
        assert_true(copies.question.has_asked);
        assert_int_equal(copies.question.global, COPIES_GLOBAL);
        assert_int_equal(copies.is_asked_in_own_thread, i == 0);
    }
    copies.has_no_dlsym = true;
    find(PROGRAM, FUNCTION(bind));
    assert_int_equal(copies.question.global, 0);
}

/*
 * By addresses
 */
static void address__in_a_copy__is_followed(void **state)
{
    (void)state;
    struct library *library = library_of_address(copies_address(FIRST));
    assert_ptr_equal(library, &library_list[0]);
    assert_true(library->is_complete);
    assert_null(library_of_address(copies_address(PROGRAM)));
    assert_null(library_of_address(copies_address(TAP)));
    assert_null(library_of_address((void *)16));
    assert_int_equal(library_n, 1);
}

static void function_pointer__of_a_copy__is_known(void **state)
{
    (void)state;
    const void *send = (void *)objects_address(FIRST, "zmq_send");
    assert_ptr_equal(library_of_function(send, "zmq_send"), &library_list[0]);
    assert_null(library_of_function(send, "zmq_recv"));
    assert_null(library_of_function((void *)16, "zmq_send"));
    assert_null(library_of_function((void *)objects_address(TAP, "zmq_send"), "zmq_send"));
    copies.interposed = "zmq_bind";
    assert_null(library_of_function(send, "zmq_send"));
    copies.interposed = NULL;
    objects[FIRST].symbols = "zmq_version zmq_send";
    assert_null(library_of_function((void *)objects_address(FIRST, "zmq_send"), "zmq_send"));
    objects[FIRST].symbols = "zmq_socket zmq_send";
    assert_null(library_of_function((void *)objects_address(FIRST, "zmq_send"), "zmq_send"));
    objects[FIRST].symbols = "zmq_socket zmq_version zmq_send zmqtap_interface";
    assert_null(library_of_function((void *)objects_address(FIRST, "zmq_send"), "zmq_send"));
}

/*
 * Objects come and go
 */
static void list__copy_is_gone__entry_is_free(void **state)
{
    (void)state;
    const uint32_t second = SECOND - 1; /* its place once the first is gone */
    uintptr_t handle = objects[FIRST].begin;
    copies.scope = FIRST;
    find(PROGRAM, FUNCTION(bind));
    find(PROGRAM, FUNCTION(ctx_term));
    copies_unload(FIRST);
    copies.scope = second;
    find(PROGRAM, FUNCTION(bind));
    assert_int_equal(library_n, 1); /* the same entry */
    assert_null(library_of_handle(&handle));
    assert_int_equal(library_list[0].begin, objects[second].begin);
    assert_int_equal((uintptr_t)library_list[0].bind, objects_address(second, "zmq_bind"));
    assert_null(library_list[0].ctx_term);
    find(PROGRAM, FUNCTION(ctx_set_ext));
    copies_unload(second);
    copies.scope = second;
    assert_int_equal(find(PROGRAM, FUNCTION(send)), objects_address(second, "zmq_send"));
    assert_int_equal(library_n, 1);
    assert_null(library_list[0].ctx_set_ext);
}

static void list__followed_copy_is_gone__its_entry_is_kept(void **state)
{
    (void)state;
    struct library *first = copies_follow(FIRST);
    copies_unload(FIRST);
    struct library *second = copies_follow(SECOND - 1);
    assert_ptr_equal(second, &library_list[1]);
    assert_int_equal(second->index, 1);
    assert_int_equal(library_n, 2);
    assert_int_equal(first->end, 0);
    assert_int_equal(first->begin, 0);
    assert_true(first->is_complete); /* its sockets may outlive it */
    objects_move(SECOND - 1, 11 * OBJECTS_SIZE);
    copies_list(1);
    assert_ptr_equal(copies_follow(SECOND - 1), &library_list[2]);
    assert_int_equal(second->end, 0);
}

static void list__some_entries_are_gone__the_others_are_looked_for(void **state)
{
    (void)state;
    copies.scope = FIRST;
    find(PROGRAM, FUNCTION(bind));
    copies.scope = SECOND;
    find(PROGRAM, FUNCTION(bind));
    copies_unload(FIRST);
    copies_unload(SECOND - 1);
    copies.scope = LOADED_NONE;
    find(PROGRAM, FUNCTION(bind));
    assert_int_equal(library_list[0].end, 0);
    assert_int_equal(library_list[1].end, 0);
    assert_int_equal(library_n, 2);
}

static void list__another_lies_where_it_lay__functions_are_looked_up_anew(void **state)
{
    (void)state;
    copies.scope = FIRST;
    find(PROGRAM, FUNCTION(bind));
    find(PROGRAM, FUNCTION(ctx_set_ext));
    objects[FIRST].symbols = "zmq_other zmq_socket zmq_bind zmq_ctx_set_ext";
    copies_list(0);
    assert_int_not_equal(find(PROGRAM, FUNCTION(bind)), objects_address(FIRST, "zmq_bind"));
    copies_list(1); /* something was unloaded */
    assert_int_equal(find(PROGRAM, FUNCTION(bind)), objects_address(FIRST, "zmq_bind"));
    assert_int_equal(library_n, 1);
    assert_null(library_list[0].send); /* what was not known is not asked for */
}

static void list__another_lies_where_a_followed_one_lay__is_known_as_another(void **state)
{
    (void)state;
    static const char *const symbols[] = {"zmq_device", "zmq_ctx_set_ext"};
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t place = i == 0 ? FIRST : SECOND;
        struct library *library = copies_follow(place);
        copies_list(1);
        assert_ptr_equal(copies_follow(place), library); /* all is as it was */
        copies.interposed = symbols[i];
        copies_list(1);
        assert_ptr_not_equal(copies_follow(place), library);
        assert_int_equal(library->end, 0);
        copies.interposed = NULL;
    }
}

static void list__is_pinned_or_given__is_believed(void **state)
{
    (void)state;
    struct library *library = copies_follow(FIRST);
    for (int i = 0; i < 2; i++) {
        library_entries[0].is_pinned = i == 0;
        library_entries[0].is_given = i == 1;
        copies.interposed = "zmq_send";
        copies_list(1);
        assert_ptr_equal(copies_follow(FIRST), library);
        assert_int_equal(library->end, objects[FIRST].begin + OBJECTS_SIZE);
    }
}

static void list__copy_moves_in_it__its_place_is_known(void **state)
{
    (void)state;
    copies.scope = SECOND;
    find(PROGRAM, FUNCTION(bind));
    copies_unload(FIRST);
    copies.scope = SECOND - 1;
    assert_int_equal(library_entries[0].place, SECOND);
    find(PROGRAM, FUNCTION(send));
    assert_int_equal(library_entries[0].place, SECOND - 1);
    assert_int_equal((uintptr_t)library_list[0].send, objects_address(SECOND - 1, "zmq_send"));
}

static void copies__too_many__are_looked_up_each_time(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LIBRARY_MAX; i++) {
        objects_move(FIRST, (100 + i) * OBJECTS_SIZE);
        copies_list(0);
        assert_ptr_equal(copies_follow(FIRST), &library_list[i]);
    }
    assert_null(copies_follow(SECOND));
    copies.scope = SECOND;
    unsigned n = copies.n_looked_up;
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(find(PROGRAM, FUNCTION(bind)), objects_address(SECOND, "zmq_bind"));
        assert_int_equal(copies.n_looked_up, n + i);
    }
    assert_int_equal(library_n, LIBRARY_MAX);
    assert_null(library_of_address(copies_address(SECOND)));
}

#define CASE(name) cmocka_unit_test_setup(name, copies_set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(caller__has_a_copy__all_is_filled_in),
        CASE(caller__has_a_copy_with_drafts__is_said),
        CASE(caller__copy_lacks_a_function__is_not_followed),
        CASE(caller__there_is_no_copy__nothing),
        CASE(own__another_stands_before_it__is_past_that),
        CASE(path__of_the_program_itself__is_read),
        CASE(path__is_long__is_cut),
        CASE(function__of_a_copy__is_looked_up_once),
        CASE(function__called_by_the_tap__is_of_the_copy_that_was_called_last),
        CASE(function__of_a_socket__is_that_of_its_copy),
        CASE(linker__must_be_asked__is_once),
        CASE(address__in_a_copy__is_followed),
        CASE(function_pointer__of_a_copy__is_known),
        CASE(list__copy_is_gone__entry_is_free),
        CASE(list__followed_copy_is_gone__its_entry_is_kept),
        CASE(list__some_entries_are_gone__the_others_are_looked_for),
        CASE(list__another_lies_where_it_lay__functions_are_looked_up_anew),
        CASE(list__another_lies_where_a_followed_one_lay__is_known_as_another),
        CASE(list__is_pinned_or_given__is_believed),
        CASE(list__copy_moves_in_it__its_place_is_known),
        CASE(copies__too_many__are_looked_up_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
