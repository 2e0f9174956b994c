/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/library_maps.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

static const char ordinary[] =
    "55d0c0a00000-55d0c0a01000 r--p 00000000 08:01 131 /usr/bin/feed\n"
    "7f10a0000000-7f10a0010000 r--p 00000000 08:01 42 /usr/lib/x86_64-linux-gnu/libzmq.so.5.2.4\n"
    "7f10a0010000-7f10a0080000 r-xp 00010000 08:01 42 /usr/lib/x86_64-linux-gnu/libzmq.so.5.2.4\n"
    "7f10a1000000-7f10a1010000 r--p 00000000 08:01 43 /opt/tap/libzmqtap.so\n"
    "7f10a2000000-7f10a2010000 r--p 00000000 08:01 44 /srv/my app/libzmq-ab12.so.5.2.5 (deleted)\n"
    "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0 [stack]\n";

static void assert_path(const struct library_mapping *mapping, const char *path)
{
    assert_int_equal(mapping->path_size, strlen(path));
    assert_memory_equal(mapping->path, path, mapping->path_size);
}

static void find__two_copies__gives_each_once_by_its_first_mapping(void **state)
{
    (void)state;
    struct library_mapping found[LIBRARY_MAPS_MAX];
    assert_int_equal(library_maps_find(ordinary, found), 2);
    assert_path(&found[0], "/usr/lib/x86_64-linux-gnu/libzmq.so.5.2.4");
    assert_int_equal(found[0].start, 0x7f10a0000000);
    assert_int_equal(found[0].end, 0x7f10a0010000);
    assert_false(found[0].is_deleted);
    assert_path(&found[1], "/srv/my app/libzmq-ab12.so.5.2.5");
    assert_true(found[1].is_deleted);
}

static void is_libzmq__names__only_copies_of_libzmq(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool is_libzmq;
    } cases[] = {
        {"/usr/lib/libzmq.so.5.2.4", true},
        {"/usr/lib/libzmq.so", true},
        {"libzmq.so.5", true},
        {"/w/pyzmq.libs/libzmq-0d4b1a6c.so.5.2.5", true},
        {"/w/zmq/libzmq.cpython-39-x86_64-linux-gnu.so", true},
        {"/usr/lib/libzmqtap.so", false},
        {"/usr/lib/libzmqpp.so.4", false},
        {"/usr/lib/libzmq.a", false},
        {"/usr/lib/libzmq.conf/other.so", false},
        {"/usr/lib/xlibzmq.so.5", false},
        {"/usr/lib/libzmq", false},
        {"/", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(library_maps_is_libzmq(cases[i].path, strlen(cases[i].path)),
                         cases[i].is_libzmq);
}

static void find__odd_lines__are_skipped(void **state)
{
    (void)state;
    struct library_mapping found[LIBRARY_MAPS_MAX];
    assert_int_equal(library_maps_find("", found), 0);
    assert_int_equal(library_maps_find("libzmq", found), 0);
    assert_int_equal(library_maps_find("libzmq.so.5.2.4", found), 0);
    assert_int_equal(library_maps_find("rubbish /libzmq.so.5\n", found), 0);
    assert_int_equal(library_maps_find("0-1 r /libzmq.so (deleted)", found), 1);
    assert_true(found[0].is_deleted);
}

static void find__more_copies_than_fit__stops(void **state)
{
    (void)state;
    char text[2048] = "";
    for (unsigned i = 0; i < LIBRARY_MAPS_MAX + 4; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "%x-%x r /%u/libzmq.so.5\n", i, i + 1, i);
    }
    struct library_mapping found[LIBRARY_MAPS_MAX];
    assert_int_equal(library_maps_find(text, found), LIBRARY_MAPS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__two_copies__gives_each_once_by_its_first_mapping),
        cmocka_unit_test(is_libzmq__names__only_copies_of_libzmq),
        cmocka_unit_test(find__odd_lines__are_skipped),
        cmocka_unit_test(find__more_copies_than_fit__stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
