/* SPDX-License-Identifier: MPL-2.0 */
/* Which processes run libzmq, over a folder made to look like /proc. */
#include "peek/peek_host.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PID 42

struct fixture {
    char path[64];
    struct peek_setup setup;
    struct peek_host host;
    int n_gone;
};

static void count_gone(void *data, pid_t pid, uint64_t start_ticks)
{
    struct fixture *self = data;
    assert_int_equal(pid, PID);
    assert_int_equal(start_ticks, 1000);
    self->n_gone++;
}

static void put(const struct fixture *self, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", self->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make(const struct fixture *self, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", self->path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int setup(void **state)
{
    struct fixture *self = calloc(1, sizeof(*self));
    temporary_directory_make(self->path);
    make(self, "42");
    make(self, "42/task");
    make(self, "42/task/42");
    make(self, "42/task/43");
    put(self, "42/stat", "42 (program) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 1000 0 0 0\n");
    put(self, "42/task/42/comm", "program\n");
    put(self, "42/task/43/comm", "program\n");
    put(self, "loadavg", "0.00 0.00 0.00 1/100 43\n");
    assert_int_equal(peek_host_init(&self->host, self->path), 0);
    self->host.setup = &self->setup;
    self->host.tell_gone = count_gone;
    self->host.data = self;
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *self = *state;
    peek_host_finish(&self->host);
    temporary_directory_remove(self->path);
    free(self);
    return 0;
}

/* At once, and not when it is time for it. */
static void update(struct fixture *self)
{
    self->host.next_list_ns = 0;
    assert_int_equal(peek_host_update(&self->host), 0);
}

static bool is_followed(const struct fixture *self)
{
    return self->host.n_entries == 1 && self->host.entries[0].process;
}

static void update__thread_has_the_name__is_followed_until_it_ends(void **state)
{
    struct fixture *self = *state;
    char path[128];
    put(self, "42/task/43/comm", "ZMQbg/IO/0\n");
    update(self);
    assert_true(is_followed(self));
    assert_int_equal(self->host.n_followed, 1);
    assert_int_equal(self->host.n_unsettled, 0);

    (void)snprintf(path, sizeof(path), "%s/42", self->path);
    temporary_directory_remove(path);
    put(self, "loadavg", "0.00 0.00 0.00 1/100 44\n");
    update(self);
    assert_int_equal(self->n_gone, 1);
    assert_int_equal(self->host.n_entries, 0);
    assert_int_equal(self->host.n_followed, 0);
}

/* It is there from when it is made, and names itself when it first runs: nothing else changes. */
static void update__thread_names_itself_after_the_first_look__is_followed(void **state)
{
    struct fixture *self = *state;
    update(self);
    assert_false(is_followed(self));
    put(self, "42/task/43/comm", "ZMQbg/IO/0\n");
    update(self);
    assert_true(is_followed(self));
}

static void update__nothing_has_changed_for_long__does_not_list(void **state)
{
    struct fixture *self = *state;
    for (unsigned i = 0; i < PEEK_HOST_LOOKS; i++)
        update(self);
    assert_int_equal(self->host.n_unsettled, 0);
    uint64_t listed_ns = self->host.next_list_ns;
    assert_int_not_equal(listed_ns, 0);
    put(self, "42/task/43/comm", "ZMQbg/IO/0\n");
    update(self);
    assert_int_equal(self->host.next_list_ns, 0);
    assert_false(is_followed(self));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(update__thread_has_the_name__is_followed_until_it_ends,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            update__thread_names_itself_after_the_first_look__is_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(update__nothing_has_changed_for_long__does_not_list, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
