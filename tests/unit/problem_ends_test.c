/* SPDX-License-Identifier: MPL-2.0 */
/* Which receiver is named for which sender: by connections where they are known, else by addresses.
 */
#include "base/clock.h"
#include "collectors/tap/tap_types.h"
#include "problems/problem.h"
#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#define NOW   (1000 * CLOCK_NS_PER_SECOND)
#define S     CLOCK_NS_PER_SECOND
#define START 50u /* of every process, unless a test says otherwise */

static char address[] = "ipc://feed", link_text[] = "ipc://feed", none[] = "";

/* What a test is made of: sockets, and the connections between them. */
struct scene {
    struct problem_socket sockets[8];
    size_t n;
    struct peer_table table;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    scene->table.items = calloc(16, sizeof(*scene->table.items));
    scene->table.processes = calloc(8, sizeof(*scene->table.processes));
    assert_true(scene->table.items && scene->table.processes);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    peer_table_finish(&scene->table);
    free(scene);
    return 0;
}

/* Its handle is its number of process and socket. */
static struct problem_socket *append(struct scene *scene, uint64_t pid, uint64_t serial)
{
    struct problem_socket *socket = &scene->sockets[scene->n++];
    *socket = (struct problem_socket){.pid = pid,
                                      .start_ticks = START,
                                      .serial = serial,
                                      .handle = pid * 100 + serial,
                                      .type = "DEALER",
                                      .traits = TAP_TYPE_SENDS | TAP_TYPE_RECEIVES,
                                      .address = address,
                                      .name = none,
                                      .link = link_text,
                                      .is_network = true,
                                      .peers = SEGMENT_UNKNOWN};
    return socket;
}

static struct problem_socket *stuck(struct scene *scene, uint64_t pid, uint64_t serial)
{
    struct problem_socket *socket = append(scene, pid, serial);
    socket->type = "PULL";
    socket->traits = TAP_TYPE_RECEIVES;
    socket->receive_queue = 9;
    socket->receive_age_ns = 9 * S;
    socket->receive_fullest = 1000000000;
    return socket;
}

static struct problem_socket *full(struct scene *scene, uint64_t pid, uint64_t serial)
{
    struct problem_socket *socket = append(scene, pid, serial);
    socket->type = "PUSH";
    socket->traits = TAP_TYPE_SENDS;
    socket->send_queue = 9;
    socket->send_fullest = 1000000000;
    return socket;
}

/* The reader sees the process. */
static void see(struct scene *scene, uint64_t host_pid)
{
    scene->table.processes[scene->table.n_processes++] = (struct peer_process){START, host_pid};
}

/* One end of a connection, as the table has it. */
static struct peer *connect_to(struct scene *scene, const struct problem_socket *own,
                               const struct problem_socket *other)
{
    struct peer *peer = &scene->table.items[scene->table.n++];
    *peer = (struct peer){.start_ticks = own->start_ticks,
                          .handle = own->handle,
                          .pid = own->pid,
                          .inode = scene->table.n};
    if (other) {
        peer->peer_pid = other->pid;
        peer->peer_start_ticks = other->start_ticks;
        peer->peer_handle = other->handle;
    }
    return peer;
}

static void join(struct scene *scene, const struct problem_socket *one,
                 const struct problem_socket *other)
{
    (void)connect_to(scene, one, other);
    (void)connect_to(scene, other, one);
}

/* Whose problem names whose: "1:2,3 4:" are two receivers, of which the second blocks nobody. What
 * is full and not explained is "+5". */
static void check(struct scene *scene, const char *expected)
{
    const struct problem_view view = {
        .sockets = scene->sockets, .n = scene->n, .now_ns = NOW, .recent_ns = 60 * S};
    struct problems problems;
    struct string_buffer text = {0};
    assert_int_equal(peer_table_complete(&scene->table), 0);
    assert_int_equal(problems_find(&view, &scene->table, &problems), 0);
    for (size_t i = 0; i < problems.n; i++) {
        const struct problem *problem = &problems.items[i];
        bool is_receiver = problem->kind == PROBLEM_RECEIVER_STUCK;
        string_buffer_append_format(&text, "%s%s%llu%s", i ? " " : "", is_receiver ? "" : "+",
                                    (unsigned long long)problem->socket->pid,
                                    is_receiver ? ":" : "");
        for (unsigned k = 0; k < problem->n_blocked; k++)
            string_buffer_append_format(&text, "%s%llu", k ? "," : "",
                                        (unsigned long long)problem->blocked[k]->pid);
    }
    assert_string_equal(text.data, expected);
    string_buffer_finish(&text);
    problems_finish(&problems);
    free(scene->table.slots); /* it may be changed and completed again */
    scene->table.slots = NULL;
}

static void same_address__two_links__each_names_its_own(void **state)
{
    struct scene *scene = *state;
    struct problem_socket *one = stuck(scene, 1, 1), *two = stuck(scene, 2, 1);
    struct problem_socket *to_one = full(scene, 3, 1), *to_two = full(scene, 4, 1);
    check(scene, "1:3,4 2:3,4"); /* nothing is known */
    for (uint64_t pid = 1; pid <= 4; pid++)
        see(scene, pid);
    check(scene, "1:3,4 2:3,4"); /* nothing but that there are no connections yet */
    join(scene, one, to_one);
    join(scene, two, to_two);
    check(scene, "1:3 2:4");
}

/* Neither of which is the exporter's, so that no connection is known. */
static void same_address__two_network_namespaces__each_names_its_own(void **state)
{
    static char loopback[] = "tcp:1", name[] = "ipc://@feed", host[] = "tcp://10.0.0.1:1";
    struct scene *scene = *state;
    struct problem_socket *pulls[] = {stuck(scene, 1, 1), stuck(scene, 2, 1)};
    struct problem_socket *pushes[] = {full(scene, 3, 1), full(scene, 4, 1)};
    for (size_t i = 0; i < 2; i++) {
        pulls[i]->net_namespace = pushes[i]->net_namespace = 7 + i;
        pulls[i]->link = pushes[i]->link = loopback;
    }
    check(scene, "1:3 2:4");
    pulls[0]->link = pulls[1]->link = pushes[0]->link = pushes[1]->link = name;
    check(scene, "1:3 2:4");
    pushes[1]->net_namespace = 9; /* another one still */
    check(scene, "1:3 2: +4");
    pushes[1]->net_namespace = 0; /* not known */
    check(scene, "1:3,4 2:4");
    pushes[1]->net_namespace = 8;
    pulls[0]->net_namespace = 0;
    check(scene, "1:3,4 2:4");
    pulls[0]->net_namespace = 7;
    pulls[0]->link = pulls[1]->link = pushes[0]->link = pushes[1]->link = host;
    check(scene, "1:3,4 2:3,4"); /* a host is one, from wherever */
}

static void other_addresses__one_connection__are_a_link(void **state)
{
    static char elsewhere[] = "tcp:1", here[] = "tcp://10.0.0.1:1";
    struct scene *scene = *state;
    struct problem_socket *pull = stuck(scene, 1, 1), *push = full(scene, 2, 1);
    pull->link = elsewhere;
    push->link = here;
    check(scene, "1: +2");
    see(scene, 1);
    see(scene, 2);
    join(scene, pull, push);
    check(scene, "1:2");
    push->traits = TAP_TYPE_RECEIVES;
    check(scene, "1: +2");
}

/* As of two network namespaces of which the exporter sees one: its link is known from either end.
 */
static void one_end_is_unknown__other_link_is_known__is_not_that_one(void **state)
{
    struct scene *scene = *state;
    struct problem_socket *ours = stuck(scene, 1, 1), *theirs = stuck(scene, 2, 1);
    struct problem_socket *to_ours = full(scene, 3, 1), *to_theirs = full(scene, 4, 1);
    for (uint64_t pid = 1; pid <= 4; pid++)
        see(scene, pid);
    join(scene, ours, to_ours);
    (void)connect_to(scene, theirs, NULL);
    (void)connect_to(scene, to_theirs, NULL);
    check(scene, "1:3 2:4");
}

static void connections__not_all_are_known__address_decides(void **state)
{
    struct scene *scene = *state;
    struct problem_socket *pull = stuck(scene, 1, 1), *well = append(scene, 2, 1);
    struct problem_socket *push = full(scene, 3, 1);
    well->link = none;
    see(scene, 2);
    see(scene, 3);
    (void)connect_to(scene, push, well);
    check(scene, "1: +3");
    push->peers = 1;
    check(scene, "1: +3");
    push->peers = 2; /* more than the table has */
    check(scene, "1:3");
    push->peers = 1;
    struct peer *further = connect_to(scene, push, NULL); /* to whom is not known */
    check(scene, "1:3");
    further = &scene->table.items[1];
    further->peer_pid = 1; /* a process, and which socket is not known */
    further->peer_start_ticks = START;
    check(scene, "1:3");
    further->peer_handle = 999; /* a socket that is gone */
    check(scene, "1:3");
    further->peer_handle = pull->handle; /* of a process that the reader does not see */
    check(scene, "1:3");
    push->handle = SEGMENT_UNKNOWN; /* a tap that does not tell it */
    check(scene, "1:3");
}

/* One problem for all of them, of which the first need not be the one that is connected. */
static void alike__another_of_them_is_connected__are_linked(void **state)
{
    struct scene *scene = *state;
    struct problem_socket *first = stuck(scene, 1, 1), *second = stuck(scene, 1, 2);
    struct problem_socket *push = full(scene, 2, 1), *to_second = full(scene, 2, 2);
    struct problem_socket *well = append(scene, 3, 1);
    well->link = none;
    for (uint64_t pid = 1; pid <= 3; pid++)
        see(scene, pid);
    join(scene, first, well);
    join(scene, push, well);
    join(scene, second, to_second);
    check(scene, "1:2");
    /* Of another name they are another problem. */
    static char name[] = "other";
    second->name = to_second->name = name;
    check(scene, "1: 1:2 +2");
}

/* The one that is full need not be the first of them. */
static void alike__one_before_it_is_connected__are_linked(void **state)
{
    struct scene *scene = *state;
    struct problem_socket *pull = stuck(scene, 1, 1), *push = full(scene, 2, 1);
    struct problem_socket *to_well = full(scene, 2, 2), *well = append(scene, 3, 1);
    well->link = none;
    push->send_fullest = 0;
    for (uint64_t pid = 1; pid <= 3; pid++)
        see(scene, pid);
    join(scene, pull, push);
    join(scene, to_well, well);
    check(scene, "1:2");
}

/* Two that are called 1 and 2 where they are, of which the reader sees one. */
static void container__two_may_be_the_other_end__address_decides(void **state)
{
    struct scene *scene = *state;
    struct problem_socket *one = stuck(scene, 1, 1), *two = stuck(scene, 2, 1);
    struct problem_socket *push = full(scene, 3, 1);
    one->handle = two->handle = 7;
    see(scene, 4711);
    see(scene, 3);
    connect_to(scene, one, push)->pid = 4711;
    connect_to(scene, push, one)->peer_pid = 4711;
    check(scene, "1:3 2:3");
}

static void container__number_of_its_own__is_found_by_the_handle(void **state)
{
    struct scene *scene = *state;
    struct problem_socket *pull = stuck(scene, 1, 1), *push = full(scene, 2, 1);
    struct problem_socket *stranger = full(scene, 3, 1);
    see(scene, 4711);
    see(scene, 2);
    see(scene, 3);
    connect_to(scene, pull, push)->pid = 4711;
    connect_to(scene, push, pull)->peer_pid = 4711;
    check(scene, "1:2 +3");
    stranger->link = none;
    check(scene, "1:2 +3");
}

/* Without randomized addresses two processes that began in the same moment. */
static void handle__two_processes_have_it__the_number_decides(void **state)
{
    struct scene *scene = *state;
    struct problem_socket *one = stuck(scene, 1, 1), *two = stuck(scene, 2, 1);
    struct problem_socket *push = full(scene, 3, 1);
    one->handle = two->handle = 7;
    for (uint64_t pid = 1; pid <= 3; pid++)
        see(scene, pid);
    join(scene, two, push);
    check(scene, "1: 2:3");
    two->start_ticks = scene->table.items[0].start_ticks = START + 1;
    scene->table.processes[1].start_ticks = START + 1;
    for (size_t i = 0; i < scene->table.n; i++) {
        if (scene->table.items[i].peer_pid == 2)
            scene->table.items[i].peer_start_ticks = START + 1;
        if (scene->table.items[i].pid == 2)
            scene->table.items[i].start_ticks = START + 1;
    }
    check(scene, "1: 2:3");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(same_address__two_links__each_names_its_own),
        CASE(same_address__two_network_namespaces__each_names_its_own),
        CASE(other_addresses__one_connection__are_a_link),
        CASE(one_end_is_unknown__other_link_is_known__is_not_that_one),
        CASE(connections__not_all_are_known__address_decides),
        CASE(alike__another_of_them_is_connected__are_linked),
        CASE(alike__one_before_it_is_connected__are_linked),
        CASE(container__two_may_be_the_other_end__address_decides),
        CASE(container__number_of_its_own__is_found_by_the_handle),
        CASE(handle__two_processes_have_it__the_number_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
