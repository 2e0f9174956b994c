/* SPDX-License-Identifier: MPL-2.0 */
/* rand(): the program's numbers come from the function that it would have without the tap, and the
 * tap's own sockets take none of them. What is loaded is played. */
#include "tap/ground/own_work.h"

#include "support/cmocka.h"
#include "support/tap_objects.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loaded loaded;
static unsigned n_visits;

void loaded_visit(loaded_work *work, void *data)
{
    n_visits++;
    work(&loaded, data);
}

/* Each object's rand() returns a number of its own: 40 and its place. */
#define RAND_OF(i)                                                                                 \
    static int rand_of_##i(void)                                                                   \
    {                                                                                              \
        return 40 + (i);                                                                           \
    }
RAND_OF(0)
RAND_OF(1)
RAND_OF(2)
RAND_OF(3)
RAND_OF(4)
RAND_OF(5)
static int (*const numbers[])(void) = {rand_of_0, rand_of_1, rand_of_2,
                                       rand_of_3, rand_of_4, rand_of_5};

static void append_object(const char *symbols)
{
    uint32_t i = objects_append("object", NULL, symbols);
    objects[i].real.name = "rand";
    objects[i].real.function = (void (*)(void))numbers[i];
}

/* Of six objects, the first `n_startup` came with the program: which of them define rand(), and
 * which are the C library. */
struct process {
    const char *have, *are_libc;
    uint32_t n_startup, own;
    int expected; /* whose number */
};

static void load(const struct process *process)
{
    objects_begin();
    for (char place = '0'; place < '6'; place++) {
        bool has = strchr(process->have, place), is_libc = strchr(process->are_libc, place);
        append_object(has       ? is_libc ? "rand __libc_start_main" : "rand"
                      : is_libc ? "__libc_start_main"
                                : "other");
    }
    objects_list(&loaded, NULL, 0);
    loaded.n_startup = process->n_startup;
    loaded.own = process->own;
}

/* The function that was found is kept, so each process is one of its own. */
static int first_number(const struct process *process)
{
    int status;
    load(process);
    pid_t pid = fork();
    if (pid == 0) {
        int number = rand();
        bool is_kept = rand() == number && n_visits == 1;
        _exit(is_kept ? number : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void rand__several_define_it__is_the_next_ones(void **state)
{
    static const struct process rows[] = {
        {"012345", "4", 5, 1, 42}, /* behind the tap */
        {"01345", "4", 5, 1, 43},         {"0145", "4", 5, 1, 44},
        {"0124", "4", 2, 1, 44},                                  /* came later, and is libc's */
        {"015", "5", 4, 1, 45},           {"015", "0", 4, 1, 40}, /* libc is before the tap */
        {"01", "01", 2, 1, 40},           {"12", "1", 2, 0, 41},
        {"012", "2", 3, LOADED_NONE, 40}, {"12", "2", 3, LOADED_NONE, 41},
        {"05", "5", 0, LOADED_NONE, 45},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(first_number(&rows[i]), rows[i].expected);
}

/* random() has the same sequence in glibc. */
static int twin_of_rand(const struct process *process)
{
    int status;
    load(process);
    pid_t pid = fork();
    if (pid == 0) {
        srandom(77);
        long expected = random();
        srandom(77);
        _exit(rand() == expected && n_visits == 1 ? 7 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void rand__nobody_defines_it__is_random(void **state)
{
    static const struct process rows[] = {
        {"", "4", 5, 1, 0},
        {"0125", "4", 2, 1, 0}, /* of what came later the C library's alone */
        {"1", "1", 2, 1, 0},    /* the tap's own is none */
        {"5", "5", 6, 5, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(twin_of_rand(&rows[i]), 7);
}

#define N_NUMBERS 2000

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(int));
}

static void rand__of_the_taps_own_work__takes_none_of_the_programs(void **state)
{
    static int own[N_NUMBERS];
    int n_set[31] = {0};
    (void)state;
    own_work_depth = 1;
    for (size_t i = 0; i < N_NUMBERS; i++) {
        own[i] = rand();
        assert_in_range(own[i], 0, RAND_MAX);
        for (int bit = 0; bit < 31; bit++)
            n_set[bit] += own[i] >> bit & 1;
    }
    own_work_depth = 0;
    assert_int_equal(n_visits, 0); /* nobody else was asked */
    for (int bit = 0; bit < 31; bit++)
        assert_in_range(n_set[bit], N_NUMBERS / 4, N_NUMBERS * 3 / 4);
    qsort(own, N_NUMBERS, sizeof(own[0]), compare);
    for (size_t i = 1; i < N_NUMBERS; i++)
        assert_int_not_equal(own[i - 1], own[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rand__of_the_taps_own_work__takes_none_of_the_programs),
        cmocka_unit_test(rand__several_define_it__is_the_next_ones),
        cmocka_unit_test(rand__nobody_defines_it__is_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
