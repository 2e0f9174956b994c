/* SPDX-License-Identifier: MPL-2.0 */
/* The list of objects, as the dynamic linker tells it, and what is found in it. */
#include "tap/ground/loaded.h"

#include "support/cmocka.h"
#include "support/tap_linker.h"

/*
 * The linker.list
 */
static void list__read__again_only_where_it_changed(void)
{
    linker_begin_preloaded();
    linker_visit();
    assert_int_equal(linker.n_works, 1);
    assert_int_equal(linker.depth_in_work, 1);
    assert_int_equal(linker.lock_depth, 0);
    assert_int_equal(linker.list->generation, 1);
    assert_int_equal(linker.list->n_objects, 3);
    assert_int_equal(linker.list->n_startup, 3);
    assert_int_equal(linker.list->own, 1);
    linker_visit();
    assert_int_equal(linker.n_works, 2);
    assert_int_equal(linker.n_told, 1);
    linker_append(LIBZMQ);
    linker.n_adds = 4;
    linker_visit();
    assert_int_equal(linker.list->generation, 2);
    assert_int_equal(linker.list->n_objects, 4);
    assert_int_equal(linker.list->n_startup, 3);
    assert_int_equal(linker.list->n_loads, 4);
    linker.n_subs = 2;
    linker_visit();
    assert_int_equal(linker.list->generation, 3);
    assert_int_equal(linker.list->n_unloads, 2);
    linker_visit();
    assert_int_equal(linker.list->generation, 3);
    loaded_forked();
    linker_visit();
    assert_int_equal(linker.list->generation, 4);
}

static void list__linker_tells_no_numbers__is_read_each_time(void)
{
    linker_begin_preloaded();
    linker.info_size = offsetof(struct dl_phdr_info, dlpi_subs);
    linker.n_adds = linker.n_subs = 9; /* which are not there */
    linker_visit();
    linker_visit();
    assert_int_equal(linker.list->generation, 2);
    assert_int_equal(linker.list->n_loads, 0);
    assert_int_equal(linker.list->n_unloads, 2);
    linker.info_size += sizeof(linker.n_subs);
    linker_visit();
    assert_int_equal(linker.list->n_unloads, 9);
    assert_int_equal(linker.list->n_loads, 9);
    linker_visit();
    assert_int_equal(linker.list->generation, 3);
}

static void list__tap_opened_later__only_the_program_came_with_it(void)
{
    objects_append("", NULL, "main");
    linker_append_libc();
    linker_append_tap();
    linker_visit();
    assert_int_equal(linker.list->own, 2);
    assert_int_equal(linker.list->n_startup, 1);
}

static void list__libc_is_in_the_program__tap_was_opened_later(void)
{
    objects_append("", NULL, "main __libc_start_main");
    linker_append_tap();
    linker_visit();
    assert_int_equal(linker.list->n_startup, 1);
}

static void list__tap_is_in_no_object__all_can_be_called(void)
{
    objects_append("", NULL, "main");
    linker_append(LIBZMQ);
    linker_visit();
    assert_true(linker.list->own == LOADED_NONE);
    assert_int_equal(linker.list->n_startup, 2);
    assert_int_equal(linker.list->n_behind, 1);
    assert_int_equal(linker.list->n_candidates, 1);
}

static void list__more_than_there_is_room__is_cut(void)
{
    linker_begin_preloaded();
    linker.n_repeated = LOADED_MAX_OBJECTS - 3;
    linker_visit();
    assert_int_equal(linker.list->n_objects, LOADED_MAX_OBJECTS);
    linker.n_repeated += 5;
    linker_change();
    assert_int_equal(linker.list->n_objects, LOADED_MAX_OBJECTS);
    assert_int_equal(linker.list->generation, 2);
}

static void list__read_by_a_signal_handler_meanwhile__is_read_once_more(void)
{
    linker_begin_preloaded();
    linker_append(LIBZMQ);
    linker.while_told = linker_visit;
    linker_visit();
    assert_int_equal(linker.n_works, 2);
    assert_int_equal(linker.list->n_objects, 4);
    assert_int_equal(linker.list->n_candidates, 1);
    assert_int_equal(linker.list->own, 1);
}

/*
 * Copies of libzmq
 */
static void candidates__behind_the_tap_first__then_those_before(void)
{
    objects_append("", NULL, LIBZMQ); /* 0: of the program itself */
    linker_append_tap();
    linker_append("zmq_send zmq_socket zmqtap_interface " LIBZMQ); /* 2: another tap, preloaded */
    linker_append(LIBZMQ);                                         /* 3 */
    linker_append_libc();
    linker_visit();
    linker_append("zmq_version zmq_send"); /* 5 */
    linker_append(LIBZMQ);                 /* 6 */
    linker_append("zmqtap_interface " LIBZMQ);
    linker_append("zmq_socket"); /* 8: opened later, it can be all that there is */
    linker_change();
    const uint32_t expected[] = {2, 3, 6, 8, 0};
    assert_int_equal(linker.list->n_candidates, 5);
    assert_int_equal(linker.list->n_behind, 4);
    assert_memory_equal(linker.list->candidates, expected, sizeof(expected));
    n_objects = 2;
    linker_change();
    assert_int_equal(linker.list->n_behind, 0);
    assert_int_equal(linker.list->n_candidates, 1);
}

static void candidates__more_than_there_is_room__are_cut(void)
{
    objects_append("", NULL, LIBZMQ);
    linker_append_tap();
    for (uint32_t i = 0; i < LOADED_MAX_CANDIDATES - 1; i++)
        linker_append(LIBZMQ);
    linker_visit();
    assert_int_equal(linker.list->n_candidates, LOADED_MAX_CANDIDATES);
    assert_int_equal(linker.list->candidates[LOADED_MAX_CANDIDATES - 1], 0);
    linker_append(LIBZMQ);
    linker_append(LIBZMQ);
    linker_change();
    assert_int_equal(linker.list->n_candidates, LOADED_MAX_CANDIDATES);
    assert_int_equal(linker.list->n_behind, LOADED_MAX_CANDIDATES);
}

static void candidates__one_that_stands_before_libzmq__is_none(void)
{
    objects_append("", NULL, "main");
    linker_append_tap();
    linker_append("zmq_socket zmq_send");
    linker_append_libc();
    linker_visit();
    assert_int_equal(linker.list->n_candidates, 1); /* nothing else is there */
    assert_int_equal(linker.list->candidates[0], 2);
    linker_append(LIBZMQ);
    linker_change();
    assert_int_equal(linker.list->n_candidates, 1);
    assert_int_equal(linker.list->candidates[0], 4);
    assert_int_equal(linker.list->n_behind, 1);
}

static void function__another_stands_before_the_copy__is_the_other_s(void)
{
    objects_append("", NULL, "zmq_send");
    linker_append_tap();
    linker_append("main zmq_bind zmq_send"); /* 2 */
    linker_append(LIBZMQ);                   /* 3 */
    linker_append("zmq_send");               /* 4 */
    linker_append_libc();
    linker_visit();
    linker_append("zmq_socket zmq_recv"); /* 6: opened later, it stands before nothing */
    linker_append("zmq_recv " LIBZMQ);    /* 7 */
    linker_change();
    assert_true(loaded_has_interposers(linker.list));
    assert_int_equal(loaded_find_function(linker.list, 3, "zmq_send"),
                     objects_address(2, "zmq_send"));
    assert_int_equal(loaded_find_function(linker.list, 3, "zmq_socket"),
                     objects_address(3, "zmq_socket"));
    assert_int_equal(loaded_find_function(linker.list, 7, "zmq_recv"),
                     objects_address(7, "zmq_recv"));
    objects[2].symbols = "zmq_bind";
    assert_int_equal(loaded_find_function(linker.list, 7, "zmq_send"),
                     objects_address(4, "zmq_send"));
    assert_int_equal(loaded_find_function(linker.list, 4, "zmq_send"),
                     objects_address(4, "zmq_send"));
    assert_int_equal(loaded_find_function(linker.list, 3, "zmq_send"),
                     objects_address(3, "zmq_send"));
}

static void function__asked_first__those_before_it_are_known(void)
{
    linker_begin_preloaded();
    linker_append("zmq_ctx_new");
    linker_append(LIBZMQ " zmq_ctx_new");
    linker_visit();
    assert_int_equal(loaded_find_function(linker.list, 4, "zmq_ctx_new"),
                     objects_address(3, "zmq_ctx_new"));
}

static void interposers__none__are_none(void)
{
    linker_begin_preloaded();
    linker_append(LIBZMQ);
    linker_visit();
    assert_false(loaded_has_interposers(linker.list));
    linker_append("zmq_send");
    linker_change();
    assert_false(
        loaded_has_interposers(linker.list)); /* what came with the program is looked at once */
}

static void interposers__tap_is_in_no_object__are_not_looked_for(void)
{
    objects_append("", NULL, "main");
    linker_append("zmq_send");
    linker_append(LIBZMQ);
    linker_visit();
    assert_false(loaded_has_interposers(linker.list));
}

static void interposers__more_than_there_is_room__are_cut(void)
{
    linker_begin_preloaded();
    for (uint32_t i = 0; i < LOADED_MAX_CANDIDATES + 1; i++)
        linker_append("zmq_ctx_term");
    linker_append("zmq_ctx_term zmq_version");
    linker_visit();
    assert_true(loaded_has_interposers(linker.list));
    objects[3].symbols = "";
    assert_int_equal(loaded_find_function(linker.list, n_objects - 1, "zmq_ctx_term"),
                     objects_address(4, "zmq_ctx_term"));
    for (uint32_t i = 3; i < LOADED_MAX_CANDIDATES + 3; i++)
        objects[i].symbols = "";
    assert_int_equal(loaded_find_function(linker.list, n_objects - 1, "zmq_ctx_term"),
                     objects_address(n_objects - 1, "zmq_ctx_term"));
    objects[LOADED_MAX_CANDIDATES + 2].symbols = "zmq_ctx_term";
    assert_int_equal(loaded_find_function(linker.list, n_objects - 1, "zmq_ctx_term"),
                     objects_address(LOADED_MAX_CANDIDATES + 2, "zmq_ctx_term"));
}

/*
 * Addresses
 */
static void find__address__only_in_a_segment(void)
{
    linker_begin_preloaded();
    linker_append(LIBZMQ);
    linker_append("other");
    static const ElfW(Phdr) headers[] = {
        {.p_type = PT_DYNAMIC, .p_vaddr = 0, .p_memsz = OBJECTS_SIZE},
        {.p_type = PT_LOAD, .p_vaddr = 0x100, .p_memsz = 0x100},
        {.p_type = PT_LOAD, .p_vaddr = 0x1000, .p_memsz = 0x10},
    };
    linker_visit();
    uintptr_t begin = objects[3].begin;
    linker.list->objects[3].headers = headers;
    linker.list->objects[3].n_headers = 3;
    assert_int_equal(loaded_find(linker.list, begin + 0x100), 3);
    assert_int_equal(loaded_find(linker.list, begin + 0x1ff), 3);
    assert_int_equal(loaded_find(linker.list, begin + 0x1000), 3);
    assert_int_equal(loaded_find(linker.list, begin + 0x100f), 3);
    assert_true(loaded_find(linker.list, begin + 0xff) == LOADED_NONE);
    assert_true(loaded_find(linker.list, begin + 0x200) == LOADED_NONE);
    assert_true(loaded_find(linker.list, begin + 0x1010) == LOADED_NONE);
    assert_int_equal(loaded_find(linker.list, objects[4].begin), 4);
    assert_int_equal(loaded_find(linker.list, objects[0].begin), 0);
    assert_true(loaded_find(linker.list, objects[4].end) == LOADED_NONE);
    uintptr_t gone = objects[4].begin;
    n_objects--;
    linker_change();
    assert_true(loaded_find(linker.list, gone) == LOADED_NONE);
    linker.list->objects[3].headers = headers;
    linker.list->objects[3].n_headers = 3;
    linker.list->objects[3].end = begin + 0x101; /* what it spans is looked at first */
    assert_true(loaded_find(linker.list, begin + 0x101) == LOADED_NONE);
}

static void libc__by_its_name__is_found(void)
{
    static const char *const sonames[] = {"libc.so.6", "libpthread.so.0", "libdl.so.2"};
    objects_append("", NULL, "dlsym");
    objects_append("/lib/libzmq.so", "libzmq.so.5", "dlsym");
    objects_append("/lib/c.so", NULL, "other dlsym dlsym2");
    for (size_t i = 0; i < 3; i++) {
        objects[2].soname = sonames[i];
        assert_int_equal(loaded_find_in_libc("dlsym"), objects_address(2, "dlsym"));
    }
    assert_true(loaded_find_in_libc("missing") == 0);
    objects[2].soname = "libc.so.7";
    assert_true(loaded_find_in_libc("dlsym") == 0);
    objects[2].symbols = "other dlsym __tsan_init";
    assert_int_equal(loaded_find_in_libc("dlsym"), objects_address(2, "dlsym"));
    objects[2].soname = NULL;
    assert_int_equal(loaded_find_in_libc("dlsym"), objects_address(2, "dlsym"));
    objects[0].soname = "libc.so.6"; /* the first one */
    assert_int_equal(loaded_find_in_libc("dlsym"), objects_address(0, "dlsym"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWN_PROCESS_CASE(list__read__again_only_where_it_changed),
        OWN_PROCESS_CASE(list__linker_tells_no_numbers__is_read_each_time),
        OWN_PROCESS_CASE(list__tap_opened_later__only_the_program_came_with_it),
        OWN_PROCESS_CASE(list__libc_is_in_the_program__tap_was_opened_later),
        OWN_PROCESS_CASE(list__tap_is_in_no_object__all_can_be_called),
        OWN_PROCESS_CASE(list__more_than_there_is_room__is_cut),
        OWN_PROCESS_CASE(list__read_by_a_signal_handler_meanwhile__is_read_once_more),
        OWN_PROCESS_CASE(candidates__behind_the_tap_first__then_those_before),
        OWN_PROCESS_CASE(candidates__more_than_there_is_room__are_cut),
        OWN_PROCESS_CASE(candidates__one_that_stands_before_libzmq__is_none),
        OWN_PROCESS_CASE(function__another_stands_before_the_copy__is_the_other_s),
        OWN_PROCESS_CASE(function__asked_first__those_before_it_are_known),
        OWN_PROCESS_CASE(interposers__none__are_none),
        OWN_PROCESS_CASE(interposers__tap_is_in_no_object__are_not_looked_for),
        OWN_PROCESS_CASE(interposers__more_than_there_is_room__are_cut),
        OWN_PROCESS_CASE(find__address__only_in_a_segment),
        OWN_PROCESS_CASE(libc__by_its_name__is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
