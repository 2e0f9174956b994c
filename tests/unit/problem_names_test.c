/* SPDX-License-Identifier: MPL-2.0 */
/* What the processes of a host are called, of a view and a table of peers that are played. */
#include "problems/problem_names.h"

#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#define START 50u

/* Two tapped processes, the second in a pid namespace of its own, and one that the reader sees. */
struct scene {
    struct problem_socket sockets[4];
    struct problem_view view;
    struct peer peers[2];
    struct peer_process processes[2];
    struct peer_table table;
    struct problem_names names;
};

static void fill(struct problem_socket *socket, uint64_t pid, uint64_t handle, const char *program)
{
    *socket = (struct problem_socket){.pid = pid, .start_ticks = START, .handle = handle};
    memcpy(socket->program, program, strlen(program) + 1);
}

static int set_up(void **state)
{
    static struct scene made;
    made = (struct scene){.view = {.sockets = made.sockets, .n = 3},
                          .table = {.items = made.peers, .processes = made.processes}};
    fill(&made.sockets[0], 4711, 7, "orders");
    fill(&made.sockets[1], 1, 8, "ledger");
    made.sockets[1].is_contained = true;
    fill(&made.sockets[2], 9, 9, "python3");
    made.sockets[2].is_peeked = true;
    *state = &made;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    problem_names_finish(&scene->names);
    free(scene->table.slots);
    return 0;
}

/* The number of a process, and what it is called; NULL: nothing. */
static void check(struct scene *scene, uint64_t pid, const char *expected)
{
    problem_names_finish(&scene->names);
    free(scene->table.slots);
    assert_int_equal(peer_table_complete(&scene->table), 0);
    assert_int_equal(problem_names_init(&scene->names, &scene->view, &scene->table), 0);
    const char *name = problem_names_find(&scene->names, pid, START);
    assert_string_equal(name ? name : "(none)", expected ? expected : "(none)");
}

static void tapped__has_the_name_of_its_segment(void **state)
{
    struct scene *scene = *state;
    check(scene, 4711, "orders");
    assert_null(problem_names_find(&scene->names, 4711, START + 1)); /* who had the number before */
    check(scene, 4712, NULL);
    check(scene, 9, NULL); /* the reader's own name is with the peer */
    check(scene, 0, NULL);
    fill(&scene->sockets[3], 4710, 3, "early");
    scene->view.n = 4;
    check(scene, 4710, "early");
    check(scene, 4711, "orders");
}

static void contained__is_who_has_the_socket(void **state)
{
    struct scene *scene = *state;
    check(scene, 1, NULL); /* that is another one here */
    scene->processes[0] = (struct peer_process){START, 5000};
    scene->table.n_processes = 1;
    check(scene, 5000, NULL); /* its connections are not known yet */
    scene->peers[0] = (struct peer){.start_ticks = START, .handle = 8, .pid = 5000};
    scene->table.n = 1;
    check(scene, 5000, "ledger");
    check(scene, 1, NULL);
    check(scene, 4711, "orders");
    scene->sockets[1].handle = SEGMENT_UNKNOWN;
    check(scene, 5000, NULL);
}

static void nothing__has_no_names(void **state)
{
    struct scene *scene = *state;
    scene->view.n = 0;
    check(scene, 4711, NULL);
    problem_names_finish(&scene->names);
    assert_null(problem_names_find(&scene->names, 4711, START));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(tapped__has_the_name_of_its_segment),
        CASE(contained__is_who_has_the_socket),
        CASE(nothing__has_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
