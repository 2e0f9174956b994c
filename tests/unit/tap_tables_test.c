/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/tables.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct row {
    char bytes[33];
};

static uint64_t *numbers;
static struct row *rows;
static char *letter;

TABLES_ROW(numbers, 1000);
TABLES_ROW(rows, 300);
TABLES_ROW(letter, 1);

static unsigned n_mapped;
static int error;

void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (error) {
        errno = error;
        return MAP_FAILED;
    }
    n_mapped++;
    return __real_mmap(address, size, protection, flags, fd, offset);
}

/* `size` bytes from `table` on are zero; then they are not. */
static void fill(void *table, size_t size)
{
    unsigned char *bytes = table;
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], 0);
    memset(bytes, 0xff, size);
}

static void map__no_memory__sets_nothing_and_can_be_tried_again(void **state)
{
    (void)state;
    error = EAGAIN;
    assert_int_equal(tables_map(), -ENOMEM);
    assert_null(numbers);
    assert_null(rows);
    assert_null(letter);
    error = 0;
}

static void map__several_tables__each_has_room_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(tables_map(), 0);
    assert_int_equal((uintptr_t)numbers % 4096, 0);
    assert_int_equal((uintptr_t)rows % 4096, 0);
    fill(numbers, 1000 * sizeof(*numbers));
    fill(rows, 300 * sizeof(*rows));
    fill(letter, 1);
}

static void map__once_more__leaves_what_is_there(void **state)
{
    (void)state;
    const uint64_t *before = numbers;
    assert_int_equal(tables_map(), 0);
    assert_ptr_equal(numbers, before);
    assert_int_equal(numbers[999], UINT64_MAX);
    assert_int_equal(n_mapped, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map__no_memory__sets_nothing_and_can_be_tried_again),
        cmocka_unit_test(map__several_tables__each_has_room_of_its_own),
        cmocka_unit_test(map__once_more__leaves_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
