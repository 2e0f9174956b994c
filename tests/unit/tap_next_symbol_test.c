/* SPDX-License-Identifier: MPL-2.0 */
/* Which function of a name comes behind the tap. The dynamic linker's list is played, and what is
 * loaded. */
#include "tap/ground/next_symbol.h"

#include "support/cmocka.h"
#include "support/tap_objects.h"

#include <string.h>

#define N_MAPS 5

struct r_debug _r_debug; /* in place of the linker's */

static struct loaded loaded;
static struct link_map maps[N_MAPS];
static unsigned n_visits, n_looked_at;

void loaded_visit(loaded_work *work, void *data)
{
    n_visits++;
    work(&loaded, data);
}

struct elf_object elf_object_of_map(const struct link_map *map)
{
    assert_ptr_not_equal(map->l_ld, _DYNAMIC);
    n_looked_at++;
    return objects_elf_of((uint32_t)(map - maps));
}

/* Objects 0 to 4, of which `own` is the tap. What has "next" is `places`. */
static void load(const char *places, uint32_t own)
{
    static ElfW(Dyn) other[N_MAPS];
    n_visits = n_looked_at = 0;
    objects_begin();
    for (uint32_t i = 0; i < N_MAPS; i++) {
        objects_append("object", NULL, strchr(places, '0' + (int)i) ? "some next" : "some");
        maps[i] = (struct link_map){.l_ld = i == own ? _DYNAMIC : &other[i],
                                    .l_next = i + 1 < N_MAPS ? &maps[i + 1] : NULL};
    }
    objects_list(&loaded, NULL, 0);
    loaded.own = own;
    _r_debug.r_map = &maps[0];
}

static void find__in_the_linkers_list__is_the_first_behind_the_tap(void **state)
{
    (void)state;
    load("01234", 1);
    assert_int_equal(next_symbol_find("next"), objects_address(2, "next"));
    assert_int_equal(n_looked_at, 1);
    load("0134", 1);
    assert_int_equal(next_symbol_find("next"), objects_address(3, "next"));
    load("04", 0);
    assert_int_equal(next_symbol_find("next"), objects_address(4, "next"));
    assert_int_equal(n_visits, 0); /* no lock */
}

static void find__not_behind_the_tap__is_looked_for_in_all(void **state)
{
    (void)state;
    load("013", 3); /* as one that came later, which the list has in front */
    assert_int_equal(next_symbol_find("next"), objects_address(0, "next"));
    assert_int_equal(n_visits, 1);
    assert_int_equal(n_looked_at, 1);
    load("23", 3);
    assert_int_equal(next_symbol_find("next"), objects_address(2, "next"));
    load("3", 3); /* the tap's own is none */
    assert_true(next_symbol_find("next") == 0);
    load("0", 0);
    assert_true(next_symbol_find("next") == 0);
    load("", 2);
    assert_true(next_symbol_find("next") == 0);
}

static void find__there_is_no_list__begins_behind_the_tap(void **state)
{
    (void)state;
    load("0124", 1);
    _r_debug.r_map = NULL;
    assert_int_equal(next_symbol_find("next"), objects_address(2, "next"));
    load("014", 1);
    _r_debug.r_map = NULL;
    assert_int_equal(next_symbol_find("next"), objects_address(4, "next"));
    load("01", 1);
    _r_debug.r_map = NULL;
    assert_int_equal(next_symbol_find("next"), objects_address(0, "next"));
    assert_int_equal(n_looked_at, 0);
}

/* The tap is in no list: the first object is the program, which imports it. */
static void find__the_tap_is_nowhere__is_not_the_programs(void **state)
{
    (void)state;
    load("0134", LOADED_NONE);
    assert_int_equal(next_symbol_find("next"), objects_address(1, "next"));
    assert_int_equal(n_looked_at, 0);
    load("4", LOADED_NONE);
    assert_int_equal(next_symbol_find("next"), objects_address(4, "next"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__in_the_linkers_list__is_the_first_behind_the_tap),
        cmocka_unit_test(find__not_behind_the_tap__is_looked_for_in_all),
        cmocka_unit_test(find__there_is_no_list__begins_behind_the_tap),
        cmocka_unit_test(find__the_tap_is_nowhere__is_not_the_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
