/* SPDX-License-Identifier: MPL-2.0 */
/* Which peers are whose, and what the reader may tell of them. */
#include "collectors/peek/peek_model.h"
#include "collectors/peers/kernel_sockets.h"
#include "collectors/peers/peer_join.h"
#include "collectors/peers/peer_table.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define HANDLE 77u
#define START  9u
#define SECOND UINT64_C(1000000000)

static struct peer peer_of(uint64_t pid, uint64_t handle, uint64_t inode)
{
    return (struct peer){.start_ticks = START,
                         .handle = handle,
                         .pid = pid,
                         .inode = inode,
                         .unsent_bytes = 10 * inode,
                         .unread_bytes = PEER_UNKNOWN,
                         .retransmits = inode == 1 ? 5 : PEER_UNKNOWN};
}

static struct peer_table table_of(const struct peer *items, size_t n,
                                  const struct peer_process *processes, size_t n_processes)
{
    struct peer_table table = {.n = n, .n_processes = n_processes};
    table.items = calloc(n + 1, sizeof(*items));
    table.processes = calloc(n_processes + 1, sizeof(*processes));
    assert_true(table.items && table.processes);
    if (n)
        memcpy(table.items, items, n * sizeof(*items));
    if (n_processes)
        memcpy(table.processes, processes, n_processes * sizeof(*processes));
    assert_int_equal(peer_table_complete(&table), 0);
    return table;
}

static size_t find(const struct peer_table *table, uint64_t pid, uint64_t handle,
                   const struct peer **ret_peers)
{
    const struct peer_process process = {START, pid};
    size_t n = 99;
    return peer_table_find(table, &process, handle, ret_peers, &n) ? n : 99;
}

static void find__several_sockets_and_processes__has_its_own(void **state)
{
    (void)state;
    struct peer items[] = {peer_of(5, HANDLE, 3), peer_of(6, HANDLE, 2), peer_of(5, HANDLE + 1, 4),
                           peer_of(5, HANDLE, 1)};
    struct peer_process processes[] = {{START, 6}, {START, 5}, {START, 7}};
    struct peer_table table = table_of(items, 4, processes, 3);
    const struct peer *found = NULL;
    assert_int_equal(find(&table, 5, HANDLE, &found), 2);
    assert_int_equal(found[0].inode, 1);
    assert_int_equal(found[1].inode, 3);
    assert_int_equal(find(&table, 6, HANDLE, &found), 1);
    assert_int_equal(found[0].inode, 2);
    assert_int_equal(find(&table, 7, HANDLE, &found), 0);
    assert_int_equal(find(&table, 8, HANDLE + 2, &found), 99);
    assert_int_equal(find(&table, 1, HANDLE + 1, &found), 1); /* as it is called in a container */
    assert_int_equal(found[0].inode, 4);
    assert_int_equal(find(&table, 5, HANDLE + 2, &found), 0); /* one without connections */
    assert_int_equal(find(&table, 7, HANDLE + 1, &found),
                     0);                                  /* and that of a process that is seen */
    assert_int_equal(find(&table, 1, HANDLE, &found), 2); /* of two that it may be */
    assert_int_equal(found[0].pid, 5);
    peer_table_finish(&table);
}

static void find__table_that_is_empty_or_not_made__knows_none(void **state)
{
    (void)state;
    const struct peer *found = NULL;
    const struct peer_process process = {START, 5};
    struct peer_table table = {.n = 0};
    assert_int_equal(find(&table, 5, HANDLE, &found), 99);
    assert_int_equal(peer_table_worst(&table, &process, HANDLE).unsent_bytes, PEER_UNKNOWN);
    table = table_of(NULL, 0, &process, 1);
    assert_int_equal(find(&table, 5, HANDLE, &found), 0);
    assert_int_equal(find(&table, 6, HANDLE, &found), 99);
    peer_table_finish(&table);
}

/* As many as fill the slots as far as they are filled. */
static void find__many_sockets__each_has_its_own(void **state)
{
    (void)state;
    struct peer items[256];
    const struct peer_process processes[] = {{START, 5}, {START, 6}};
    for (unsigned i = 0; i < 256; i++)
        items[i] = peer_of(5 + i % 2, HANDLE + i / 4 * 2, 1000 - i);
    struct peer_table table = table_of(items, 256, processes, 2);
    const struct peer *found = NULL;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t handle = HANDLE + i * 2;
        assert_int_equal(find(&table, 5, handle, &found), 2);
        assert_int_equal(found[0].inode, 1000 - (4 * i + 2));
        assert_int_equal(found[1].inode, 1000 - 4 * i);
        assert_int_equal(find(&table, 6, handle, &found), 2);
        assert_int_equal(found[1].inode, 1000 - (4 * i + 1));
        assert_int_equal(peer_table_worst(&table, &processes[1], handle).unsent_bytes,
                         10 * (1000 - (4 * i + 1)));
        assert_int_equal(find(&table, 5, handle + 1, &found), 0);
    }
    peer_table_finish(&table);
}

static void worst__some_numbers_are_unknown__is_of_the_others(void **state)
{
    (void)state;
    struct peer items[] = {peer_of(5, HANDLE, 1), peer_of(5, HANDLE, 3)};
    struct peer_process process = {START, 5};
    struct peer_table table = table_of(items, 2, &process, 1);
    struct peer_worst worst = peer_table_worst(&table, &process, HANDLE);
    assert_int_equal(worst.unsent_bytes, 30);
    assert_int_equal(worst.unread_bytes, PEER_UNKNOWN);
    assert_int_equal(worst.retransmits, 5);
    worst = peer_table_worst(&table, &process, HANDLE + 1);
    assert_int_equal(worst.unsent_bytes, PEER_UNKNOWN);
    peer_table_finish(&table);
}

static void end_append__either_family__is_an_address(void **state)
{
    (void)state;
    struct kernel_end end = {.port = htons(5556),
                             .host = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    char text[64];
    kernel_end_append(&end, text, sizeof(text));
    assert_string_equal(text, "tcp://127.0.0.1:5556");
    end = (struct kernel_end){.port = htons(1), .host = {[15] = 1}};
    kernel_end_append(&end, text, sizeof(text));
    assert_string_equal(text, "tcp://[::1]:1");
}

/*
 * What the reader tells
 */
static int take(struct peek_model *model, struct peek_record record)
{
    return peek_model_take(model, &record, SECOND);
}

static void tell_process(struct peek_model *model)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_PROCESS);
    record.process.pid = 5;
    record.process.start_ticks = START;
    record.process.n_sockets = 1;
    memcpy(record.process.program, "feed", sizeof("feed"));
    assert_int_equal(take(model, record), 0);
    record = peek_record_of(PEEK_RECORD_SOCKET);
    record.socket.serial = 3;
    record.socket.handle = HANDLE;
    record.socket.type = 8; /* PUSH */
    assert_int_equal(take(model, record), 0);
}

static struct peek_record connection_of(uint64_t serial, uint64_t inode)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_CONNECTIONS);
    record.connections.pid = 5;
    record.connections.start_ticks = START;
    record.connections.n = 1;
    record.connections.items[0] = (struct peek_connection){
        .serial = serial, .inode = inode, .send_queue = 4, .full_since_ns = 8};
    return record;
}

static void end_pass(struct peek_model *model, bool has_connections)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_PASS);
    record.pass.has_connections = has_connections;
    assert_int_equal(take(model, record), 0);
}

static void take__connections_of_a_pass__take_the_place_of_the_last(void **state)
{
    (void)state;
    struct peek_model model = {.n_passes = 0};
    tell_process(&model);
    assert_int_equal(take(&model, connection_of(3, 0)), 0);
    assert_int_equal(model.told.n_tellings, 0);
    end_pass(&model, true);
    assert_int_equal(model.told.n_tellings, 1);
    assert_int_equal(model.told.now.n, 1);
    end_pass(&model, false); /* nobody asked */
    assert_int_equal(model.told.now.n, 1);
    end_pass(&model, true);
    assert_int_equal(model.told.now.n, 0);
    peek_model_finish(&model);
}

static void take__what_cannot_be__is_refused(void **state)
{
    (void)state;
    struct peek_model model = {.n_passes = 0};
    struct peek_record record = connection_of(3, 1);
    record.connections.n = PEEK_CONNECTIONS_IN_RECORD + 1;
    assert_int_equal(take(&model, record), PEEK_MODEL_E_BAD);
    record = connection_of(3, 1);
    record.connections.pid = 0;
    assert_int_equal(take(&model, record), PEEK_MODEL_E_BAD);
    record = peek_record_of(PEEK_RECORD_OWNER);
    record.owner.pid = 4;
    assert_int_equal(take(&model, record), PEEK_MODEL_E_BAD); /* without a name */
    memset(record.owner.program, 'x', sizeof(record.owner.program));
    assert_int_equal(take(&model, record), PEEK_MODEL_E_BAD);
    record.owner.pid = 0; /* nobody's */
    assert_int_equal(take(&model, record), 0);
    peek_model_finish(&model);
}

static void join__socket_and_strangers__rows_are_those_of_sockets(void **state)
{
    (void)state;
    struct peek_model model = {.n_passes = 0};
    struct peer_join join = {.n_owners = 0};
    struct peer_table table;
    const struct peer *found = NULL;
    tell_process(&model);
    assert_int_equal(take(&model, connection_of(3, 0)), 0);
    assert_int_equal(take(&model, connection_of(4, 0)), 0); /* of no socket that is known */
    end_pass(&model, true);
    assert_int_equal(peer_join_take_connections(&join, &model), 0);
    assert_int_equal(peer_join_take_kernel(&join), 0);
    assert_int_equal(peer_join_make(&join, &table), 0);
    assert_int_equal(table.n, 1);
    assert_int_equal(find(&table, 5, HANDLE, &found), 1);
    assert_true(found->is_inproc);
    assert_int_equal(found->peer_pid, 5);
    assert_string_equal(found->peer_program, "feed");
    assert_int_equal(found->send_queue, 4);
    assert_int_equal(found->full_since_ns, 8);
    peer_table_finish(&table);
    peer_join_finish(&join);
    peek_model_finish(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__several_sockets_and_processes__has_its_own),
        cmocka_unit_test(find__table_that_is_empty_or_not_made__knows_none),
        cmocka_unit_test(find__many_sockets__each_has_its_own),
        cmocka_unit_test(worst__some_numbers_are_unknown__is_of_the_others),
        cmocka_unit_test(end_append__either_family__is_an_address),
        cmocka_unit_test(take__connections_of_a_pass__take_the_place_of_the_last),
        cmocka_unit_test(take__what_cannot_be__is_refused),
        cmocka_unit_test(join__socket_and_strangers__rows_are_those_of_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
