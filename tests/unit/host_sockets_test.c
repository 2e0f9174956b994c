/* SPDX-License-Identifier: MPL-2.0 */
/* Which of the sockets that taps and the reader tell of are visited, and what ends the walk. */
#include "collectors/peek/host_sockets.h"
#include "collectors/peek/peek_sockets.h"

#include "support/cmocka.h"

#include <errno.h>
#include <string.h>

#define MAX 40

static struct segment_header processes[MAX];
static struct played {
    struct tap_socket sockets[MAX];
    size_t n;
    int result;
} tapped, peeked;
static const struct tap_socket *visited[MAX];
static size_t n_visited, n_accepted;

int __wrap_tap_sockets_each(const char *directory, int (*visit)(const struct tap_socket *, void *),
                            void *data);
int __wrap_peek_sockets_each(struct peek_link *link,
                             int (*visit)(const struct tap_socket *, void *), void *data);

static int tell(const struct played *played, int (*visit)(const struct tap_socket *, void *),
                void *data)
{
    int r = 0;
    for (size_t i = 0; i < played->n && r == 0; i++)
        r = visit(&played->sockets[i], data);
    return r == 0 ? played->result : r;
}

int __wrap_tap_sockets_each(const char *directory, int (*visit)(const struct tap_socket *, void *),
                            void *data)
{
    assert_string_equal(directory, "/segments");
    return tell(&tapped, visit, data);
}

int __wrap_peek_sockets_each(struct peek_link *link,
                             int (*visit)(const struct tap_socket *, void *), void *data)
{
    assert_ptr_equal(link, processes);
    return tell(&peeked, visit, data);
}

static int visit_socket(const struct tap_socket *socket, void *data)
{
    assert_ptr_equal(data, visited);
    if (n_visited == n_accepted)
        return -EIO;
    visited[n_visited++] = socket;
    return 0;
}

static struct tap_socket *add(struct played *played, uint64_t pid, uint64_t start_ticks)
{
    struct segment_header *process = &processes[tapped.n + peeked.n];
    struct tap_socket *socket = &played->sockets[played->n++];
    process->pid = pid;
    process->start_ticks = start_ticks;
    *socket = (struct tap_socket){.process = process, .is_peeked = played == &peeked};
    return socket;
}

static int walk(bool has_reader, int *ret_directory_result)
{
    n_visited = 0;
    return host_sockets_each("/segments", has_reader ? (struct peek_link *)(void *)processes : NULL,
                             visit_socket, visited, ret_directory_result);
}

static int set_up(void **state)
{
    (void)state;
    memset(&tapped, 0, sizeof(tapped));
    memset(&peeked, 0, sizeof(peeked));
    n_accepted = MAX;
    return 0;
}

static void each__a_process_that_both_tell_of__is_the_taps(void **state)
{
    (void)state;
    const struct tap_socket *expected[] = {add(&tapped, 7, 100), add(&tapped, 7, 100),
                                           add(&tapped, 8, 100)};
    add(&peeked, 7, 100);
    add(&peeked, 8, 100);
    add(&peeked, 7, 100);
    assert_int_equal(walk(true, NULL), 0);
    assert_int_equal(n_visited, 3);
    assert_memory_equal(visited, expected, sizeof(expected));
}

static void each__a_process_that_the_reader_alone_tells_of__is_visited(void **state)
{
    (void)state;
    add(&tapped, 7, 100);
    add(&tapped, 9, 100)->is_contained = true; /* its number is of another namespace */
    const struct tap_socket *expected[] = {&tapped.sockets[0],   &tapped.sockets[1],
                                           add(&peeked, 8, 100), add(&peeked, 7, 101),
                                           add(&peeked, 9, 100), add(&peeked, 9, 100)};
    assert_int_equal(walk(true, NULL), 0);
    assert_int_equal(n_visited, 6);
    assert_memory_equal(visited, expected, sizeof(expected));
    assert_int_equal(walk(false, NULL), 0);
    assert_int_equal(n_visited, 2);
}

/* A stopped program's tap is silent; that of a program that was replaced by another one, too. */
static void each__a_silent_tap__is_its_process_as_long_as_it_is_there(void **state)
{
    (void)state;
    add(&tapped, 7, 100)->is_silent = true;
    struct tap_socket *told = add(&peeked, 7, 100);
    assert_int_equal(walk(true, NULL), 0);
    assert_int_equal(n_visited, 1);
    told->is_without_tap = true;
    assert_int_equal(walk(true, NULL), 0);
    assert_int_equal(n_visited, 2);
    tapped.sockets[0].is_silent = false;
    assert_int_equal(walk(true, NULL), 0);
    assert_int_equal(n_visited, 1);
}

static void each__many_processes__are_all_known(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MAX / 2; i++)
        add(&tapped, 10 + i, 100);
    for (unsigned i = 0; i < MAX / 2; i++)
        add(&peeked, 10 + i, 100);
    assert_int_equal(walk(true, NULL), 0);
    assert_int_equal(n_visited, MAX / 2);
}

static void each__directory__that_is_not_there_is_no_error(void **state)
{
    int result = 1;
    (void)state;
    add(&peeked, 7, 100);
    tapped.result = -ENOENT;
    assert_int_equal(walk(true, NULL), 0);
    assert_int_equal(n_visited, 1);
    assert_int_equal(walk(true, &result), 0);
    assert_int_equal(result, -ENOENT);
    tapped.result = -EACCES;
    assert_int_equal(walk(true, NULL), -EACCES);
    assert_int_equal(n_visited, 0);
    assert_int_equal(walk(true, &result), 0);
    assert_int_equal(result, -EACCES);
    assert_int_equal(n_visited, 1);
    tapped.result = -ENOMEM;
    assert_int_equal(walk(true, &result), -ENOMEM);
    assert_int_equal(result, 0);
    assert_int_equal(n_visited, 0);
    tapped.result = 0;
    assert_int_equal(walk(true, &result), 0);
    assert_int_equal(result, 0);
}

static void each__a_visit_that_fails__ends_it(void **state)
{
    int result = 1;
    (void)state;
    add(&tapped, 7, 100);
    add(&peeked, 8, 100);
    n_accepted = 0;
    assert_int_equal(walk(true, &result), -EIO);
    assert_int_equal(result, 0);
    assert_int_equal(walk(true, NULL), -EIO);
    assert_int_equal(walk(false, &result), -EIO);
    n_accepted = 1;
    assert_int_equal(walk(true, &result), -EIO);
    assert_int_equal(n_visited, 1);
    n_accepted = 2;
    peeked.result = -ENOMEM;
    assert_int_equal(walk(true, &result), -ENOMEM);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each__a_process_that_both_tell_of__is_the_taps),
        CASE(each__a_process_that_the_reader_alone_tells_of__is_visited),
        CASE(each__a_silent_tap__is_its_process_as_long_as_it_is_there),
        CASE(each__many_processes__are_all_known),
        CASE(each__directory__that_is_not_there_is_no_error),
        CASE(each__a_visit_that_fails__ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
