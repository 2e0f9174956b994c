/* SPDX-License-Identifier: MPL-2.0 */
/* Whose peers are whose, by what the reader and the kernel tell. */
#include "base/array.h"
#include "collectors/peek/peek_model.h"
#include "collectors/peers/peer_join.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define START  9u
#define SECOND UINT64_C(1000000000)
#define PULL   7u
#define PUSH   8u

struct state {
    struct peek_model model;
    struct peer_join join;
    struct peer_table table;
};

static int set_up(void **state)
{
    static struct state made;
    made = (struct state){.model.n_passes = 0};
    *state = &made;
    return 0;
}

static int tear_down(void **state)
{
    struct state *self = *state;
    peer_table_finish(&self->table);
    peer_join_finish(&self->join);
    peek_model_finish(&self->model);
    return 0;
}

/* A process with one socket, whose handle is its number. */
static void tell_process(struct state *self, uint32_t pid, const char *program, uint32_t type,
                         const char *endpoint)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_PROCESS);
    record.process.pid = pid;
    record.process.start_ticks = START;
    record.process.n_sockets = 1;
    (void)snprintf(record.process.program, sizeof(record.process.program), "%s", program);
    assert_int_equal(peek_model_take(&self->model, &record, SECOND), 0);
    record = peek_record_of(PEEK_RECORD_SOCKET);
    record.socket.serial = 3;
    record.socket.handle = pid;
    record.socket.type = type;
    (void)snprintf(record.socket.endpoint, sizeof(record.socket.endpoint), "%s", endpoint);
    assert_int_equal(peek_model_take(&self->model, &record, SECOND), 0);
}

static void tell_connection(struct state *self, uint32_t pid, uint64_t inode)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_CONNECTIONS);
    record.connections.pid = pid;
    record.connections.start_ticks = START;
    record.connections.n = 1;
    record.connections.items[0] = (struct peek_connection){.serial = 3, .inode = inode};
    assert_int_equal(peek_model_take(&self->model, &record, SECOND), 0);
}

static void tell_owner(struct state *self, uint64_t inode, uint32_t pid)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_OWNER);
    record.owner.inode = inode;
    record.owner.pid = pid;
    record.owner.start_ticks = pid ? START + pid : 0;
    if (pid)
        memcpy(record.owner.program, "stranger", sizeof("stranger"));
    assert_int_equal(peek_model_take(&self->model, &record, SECOND), 0);
    peer_join_take_owners(&self->join, &self->model);
    assert_int_equal(self->model.told.n_owners, 0);
}

static struct kernel_socket *add_kernel(struct state *self, uint64_t inode, uint64_t peer_inode)
{
    struct kernel_sockets *kernel = &self->join.kernel;
    assert_true(
        array_make_room(&kernel->items, &kernel->capacity, kernel->n, sizeof(*kernel->items)));
    kernel->items[kernel->n] = (struct kernel_socket){.inode = inode,
                                                      .peer_inode = peer_inode,
                                                      .unsent_bytes = 10 * inode,
                                                      .unread_bytes = 100 * inode,
                                                      .retransmits = KERNEL_SOCKETS_UNKNOWN};
    return &kernel->items[kernel->n++];
}

static void make(struct state *self)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_PASS);
    record.pass.has_connections = true;
    assert_int_equal(peek_model_take(&self->model, &record, SECOND), 0);
    assert_int_equal(peer_join_take_connections(&self->join, &self->model), 0);
    peer_table_finish(&self->table);
    assert_int_equal(peer_join_make(&self->join, &self->table), 0);
}

static const struct peer *only_peer_of(const struct state *self, uint64_t pid)
{
    const struct peer_process process = {START, pid};
    const struct peer *peers = NULL;
    size_t n = 0;
    assert_true(peer_table_find(&self->table, &process, pid, &peers, &n));
    assert_int_equal(n, 1);
    return peers;
}

static void join__both_ends_are_told__each_is_the_others_peer(void **state)
{
    struct state *self = *state;
    tell_process(self, 5, "feed", PUSH, "tcp://127.0.0.1:80");
    tell_connection(self, 5, 12);
    tell_process(self, 6, "sink", PULL, "tcp://127.0.0.1:80");
    tell_connection(self, 6, 11);
    struct kernel_socket *kernel = add_kernel(self, 11, 12);
    kernel->is_tcp = true;
    kernel->remote = (struct kernel_end){.port = htons(4), .host = {[15] = 1}};
    kernel = add_kernel(self, 12, 11);
    kernel->is_tcp = true;
    kernel->remote = (struct kernel_end){.port = htons(80), .host = {[15] = 1}};
    kernel->retransmits = 2;
    make(self);
    const struct peer *peer = only_peer_of(self, 5);
    assert_false(peer->is_inproc);
    assert_int_equal(peer->peer_pid, 6);
    assert_string_equal(peer->peer_program, "sink");
    assert_string_equal(peer->peer_type, "PULL");
    assert_string_equal(peer->address, "tcp://[::1]:80");
    assert_int_equal(peer->unsent_bytes, 120);
    assert_int_equal(peer->unread_bytes, 1200);
    assert_int_equal(peer->peer_unread_bytes, 1100);
    assert_int_equal(peer->retransmits, 2);
    peer = only_peer_of(self, 6);
    assert_int_equal(peer->peer_pid, 5);
    assert_string_equal(peer->peer_type, "PUSH");
    assert_string_equal(peer->address, "tcp://[::1]:4");
    assert_int_equal(peer->retransmits, PEER_UNKNOWN);
    uint64_t wanted[2];
    assert_int_equal(peer_join_wanted(&self->join, SECOND, wanted, 2), 0);
}

static void join__unix__has_the_path_of_the_end_that_is_bound(void **state)
{
    struct state *self = *state;
    tell_process(self, 5, "feed", PUSH, "ipc://@orders");
    tell_connection(self, 5, 12);
    tell_process(self, 6, "sink", PULL, "ipc://@orders");
    tell_connection(self, 6, 11);
    memcpy(add_kernel(self, 11, 12)->path, "@orders", sizeof("@orders"));
    (void)add_kernel(self, 12, 11);
    make(self);
    assert_string_equal(only_peer_of(self, 5)->address, "ipc://@orders");
    assert_string_equal(only_peer_of(self, 6)->address, "ipc://@orders");
}

static void join__kernel_does_not_know__nothing_is_said(void **state)
{
    struct state *self = *state;
    tell_process(self, 5, "feed", PUSH, "tcp://127.0.0.1:80");
    tell_connection(self, 5, 12);
    (void)add_kernel(self, 13, 0);
    make(self);
    const struct peer *peer = only_peer_of(self, 5);
    assert_int_equal(peer->peer_pid, 0);
    assert_string_equal(peer->address, "");
    assert_null(peer->peer_type);
    assert_int_equal(peer->unsent_bytes, PEER_UNKNOWN);
    assert_int_equal(peer->unread_bytes, PEER_UNKNOWN);
    assert_int_equal(peer->peer_unread_bytes, PEER_UNKNOWN);
    assert_int_equal(peer->retransmits, PEER_UNKNOWN);
}

static void join__peer_on_another_host__nobody_is_asked_for(void **state)
{
    struct state *self = *state;
    uint64_t wanted[2];
    tell_process(self, 5, "feed", PUSH, "tcp://10.0.0.1:80");
    tell_connection(self, 5, 12);
    struct kernel_socket *kernel = add_kernel(self, 12, 0);
    kernel->is_tcp = true;
    kernel->remote = (struct kernel_end){.port = htons(80), .host = {[15] = 1}};
    make(self);
    assert_string_equal(only_peer_of(self, 5)->address, "tcp://[::1]:80");
    assert_int_equal(only_peer_of(self, 5)->peer_pid, 0);
    assert_int_equal(only_peer_of(self, 5)->peer_unread_bytes, PEER_UNKNOWN);
    assert_int_equal(peer_join_wanted(&self->join, SECOND, wanted, 2), 0);
    assert_true(peer_join_has_all(&self->join));
}

/* One that is not told of by the reader. */
static void begin_stranger(struct state *self)
{
    tell_process(self, 5, "feed", PUSH, "tcp://127.0.0.1:80");
    tell_connection(self, 5, 12);
    (void)add_kernel(self, 12, 90);
    (void)add_kernel(self, 90, 12);
    make(self);
}

/* The next round, in which all is as before. */
static void make_again(struct state *self)
{
    tell_connection(self, 5, 12);
    make(self);
}

static size_t ask(struct state *self, uint64_t now_ns)
{
    uint64_t wanted[2] = {0, 0};
    size_t n = peer_join_wanted(&self->join, now_ns, wanted, 2);
    if (n > 0)
        assert_int_equal(wanted[0], 90);
    return n;
}

static void owner__of_a_stranger__is_asked_for_and_stays(void **state)
{
    struct state *self = *state;
    begin_stranger(self);
    assert_int_equal(only_peer_of(self, 5)->peer_pid, 0);
    assert_int_equal(ask(self, 100 * SECOND), 1);
    assert_false(peer_join_has_all(&self->join));
    assert_int_equal(ask(self, 101 * SECOND), 0);
    tell_owner(self, 91, 8); /* nobody asked */
    assert_false(peer_join_has_all(&self->join));
    tell_owner(self, 90, 7);
    assert_true(peer_join_has_all(&self->join));
    make_again(self);
    const struct peer *peer = only_peer_of(self, 5);
    assert_int_equal(peer->peer_pid, 7);
    assert_int_equal(peer->peer_start_ticks, START + 7);
    assert_string_equal(peer->peer_program, "stranger");
    assert_null(peer->peer_type);
    make_again(self); /* the next round */
    assert_int_equal(only_peer_of(self, 5)->peer_pid, 7);
}

static void owner__asked_long_ago__is_asked_for_again(void **state)
{
    struct state *self = *state;
    begin_stranger(self);
    assert_int_equal(ask(self, 100 * SECOND), 1);
    tell_owner(self, 90, 0); /* nobody's, or the reader may not look */
    make_again(self);
    assert_int_equal(ask(self, 100 * SECOND + PEER_JOIN_RETRY_NS - 1), 0);
    assert_int_equal(ask(self, 100 * SECOND + PEER_JOIN_RETRY_NS), 1);
    tell_owner(self, 90, 7);
    make_again(self);
    assert_int_equal(ask(self, 130 * SECOND + PEER_JOIN_RECHECK_NS - 1), 0);
    assert_int_equal(ask(self, 130 * SECOND + PEER_JOIN_RECHECK_NS), 1);
    assert_false(peer_join_has_all(&self->join));
    make_again(self); /* it is not told yet: the last one stays */
    assert_int_equal(only_peer_of(self, 5)->peer_pid, 7);
    tell_owner(self, 90, 8); /* a child, that goes on with it */
    make_again(self);
    assert_int_equal(only_peer_of(self, 5)->peer_pid, 8);
}

static void owner__connection_has_gone__is_forgotten(void **state)
{
    struct state *self = *state;
    begin_stranger(self);
    assert_int_equal(ask(self, 100 * SECOND), 1);
    tell_owner(self, 90, 7);
    make_again(self);
    assert_int_equal(self->join.n_owners, 1);
    make(self);
    assert_int_equal(self->join.n_owners, 0);
}

static void wanted__more_than_there_is_room_for__is_the_next_ones_turn(void **state)
{
    struct state *self = *state;
    uint64_t wanted[2] = {0, 0};
    tell_process(self, 5, "feed", PUSH, "tcp://127.0.0.1:80");
    for (uint64_t i = 0; i < 3; i++)
        tell_connection(self, 5, 12 + i);
    for (uint64_t i = 0; i < 3; i++)
        (void)add_kernel(self, 12 + i, 92 - i);
    make(self);
    assert_int_equal(peer_join_wanted(&self->join, SECOND, wanted, 2), 2);
    assert_int_equal(wanted[0], 90);
    assert_int_equal(wanted[1], 91);
    assert_int_equal(peer_join_wanted(&self->join, SECOND, wanted, 2), 1);
    assert_int_equal(wanted[0], 92);
}

static void join__socket_is_closed_or_process_not_seen__is_left_out(void **state)
{
    struct state *self = *state;
    tell_process(self, 5, "feed", PUSH, "tcp://127.0.0.1:80");
    tell_connection(self, 5, 12);
    tell_process(self, 6, "sink", PULL, "tcp://127.0.0.1:80");
    tell_connection(self, 6, 11);
    make(self);
    assert_int_equal(self->table.n, 2);
    assert_int_equal(self->table.n_processes, 2);
    struct peek_model_process *process = peek_model_find(&self->model, 5, START);
    process->sockets[0].now.is_closed = 1;
    assert_int_equal(peer_join_take_connections(&self->join, &self->model), 0);
    assert_int_equal(self->join.n_connections, 1);
    assert_int_equal(self->join.connections[0].pid, 6);
    assert_int_equal(self->join.n_processes, 2);
    process->is_gone = true;
    assert_int_equal(peer_join_take_connections(&self->join, &self->model), 0);
    assert_int_equal(self->join.n_processes, 1);
    process->is_gone = false;
    process->is_known = false; /* to the reader that runs now */
    peek_model_find(&self->model, 6, START)->reason = PEEK_REASON_PERMISSION;
    assert_int_equal(peer_join_take_connections(&self->join, &self->model), 0);
    assert_int_equal(self->join.n_connections, 0);
    assert_int_equal(self->join.n_processes, 0);
}

static void join__inproc_of_a_socket_with_another_address__has_none(void **state)
{
    struct state *self = *state;
    tell_process(self, 5, "feed", PUSH, "inproc://within");
    tell_connection(self, 5, 0);
    tell_process(self, 6, "both", PUSH, "tcp://127.0.0.1:80");
    tell_connection(self, 6, 0);
    make(self);
    assert_string_equal(only_peer_of(self, 5)->address, "inproc://within");
    assert_int_equal(only_peer_of(self, 5)->peer_start_ticks, START);
    assert_string_equal(only_peer_of(self, 6)->address, "");
    assert_true(only_peer_of(self, 6)->is_inproc);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(join__both_ends_are_told__each_is_the_others_peer),
        CASE(join__unix__has_the_path_of_the_end_that_is_bound),
        CASE(join__kernel_does_not_know__nothing_is_said),
        CASE(join__peer_on_another_host__nobody_is_asked_for),
        CASE(owner__of_a_stranger__is_asked_for_and_stays),
        CASE(owner__asked_long_ago__is_asked_for_again),
        CASE(owner__connection_has_gone__is_forgotten),
        CASE(wanted__more_than_there_is_room_for__is_the_next_ones_turn),
        CASE(join__socket_is_closed_or_process_not_seen__is_left_out),
        CASE(join__inproc_of_a_socket_with_another_address__has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
