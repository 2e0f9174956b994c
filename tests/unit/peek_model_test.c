/* SPDX-License-Identifier: MPL-2.0 */
/* What the reader tells, added up; and what it may not tell. */
#include "collectors/peek/peek_model.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define PUSH   8u

static struct peek_record process_of(uint32_t pid, uint32_t n_sockets)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_PROCESS);
    record.process.pid = pid;
    record.process.start_ticks = 7;
    record.process.n_sockets = n_sockets;
    memcpy(record.process.program, "feed", sizeof("feed"));
    return record;
}

static struct peek_record socket_of(uint64_t serial, const char *endpoint, uint64_t n_more)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_SOCKET);
    record.socket = (struct peek_record_socket){.serial = serial,
                                                .type = PUSH,
                                                .n_pipes = 1,
                                                .is_valid = 1,
                                                .n_send_full = 1,
                                                .send_queue = 10,
                                                .send_fullest = SECOND, /* in billionths */
                                                .receive_fullest = PEEK_RECORD_UNKNOWN,
                                                .n_written_more = n_more,
                                                .send_hwm = 10,
                                                .receive_hwm = 10};
    (void)strncpy(record.socket.endpoint, endpoint, sizeof(record.socket.endpoint) - 1);
    return record;
}

static int take(struct peek_model *model, struct peek_record record, uint64_t now_ns)
{
    return peek_model_take(model, &record, now_ns);
}

static void pass_one(struct peek_model *model, uint64_t n_more, uint64_t now_ns)
{
    assert_int_equal(take(model, process_of(5, 1), now_ns), 0);
    assert_int_equal(take(model, socket_of(1, "tcp://a", n_more), now_ns), 0);
    assert_int_equal(take(model, peek_record_of(PEEK_RECORD_PASS), now_ns), 0);
}

static uint64_t counter(const struct peek_model *model, unsigned word)
{
    return tap_account_counter(&model->processes[0]->groups[0].account, word);
}

static void take__passes__adds_up_what_moved_and_the_time_at_the_mark(void **state)
{
    (void)state;
    struct peek_model model = {.processes = NULL};
    pass_one(&model, 100, 10 * SECOND);
    pass_one(&model, 30, 11 * SECOND);
    pass_one(&model, 0, 12 * SECOND);
    assert_int_equal(model.n_processes, 1);
    assert_string_equal(model.processes[0]->groups[0].name.endpoint, "tcp://a");
    assert_int_equal(counter(&model, SEGMENT_SENT_MESSAGES), 130);
    assert_int_equal(counter(&model, SEGMENT_SEND_AT_HWM_NS), 2 * SECOND);
    assert_int_equal(counter(&model, SEGMENT_SEND_FILL_BASE + 9), 3); /* up to 1.0 */
    assert_int_equal(model.processes[0]->groups[0].account.gauges[TAP_GAUGE_SEND_QUEUE], 10);
    assert_int_equal(model.processes[0]->groups[0].account.gauges[TAP_GAUGE_PEERS],
                     SEGMENT_UNKNOWN); /* a pipe of a network socket is no handshake */
    peek_model_finish(&model);
}

static void take__socket_gone__keeps_its_counts(void **state)
{
    (void)state;
    struct peek_model model = {.processes = NULL};
    pass_one(&model, 100, 10 * SECOND);
    assert_int_equal(take(&model, process_of(5, 0), 11 * SECOND), 0);
    assert_int_equal(counter(&model, SEGMENT_SENT_MESSAGES), 100);
    assert_int_equal(model.processes[0]->groups[0].account.n_sockets, 0);
    /* Another socket of the group counts from where it begins. */
    assert_int_equal(take(&model, process_of(5, 1), 12 * SECOND), 0);
    assert_int_equal(take(&model, socket_of(2, "tcp://a", 5), 12 * SECOND), 0);
    assert_int_equal(counter(&model, SEGMENT_SENT_MESSAGES), 105);
    peek_model_finish(&model);
}

static void restart__reader_that_sees_less_or_more__never_goes_back(void **state)
{
    (void)state;
    struct peek_model model = {.processes = NULL};
    pass_one(&model, 100, 10 * SECOND);
    peek_model_restart(&model);
    pass_one(&model, 60, 12 * SECOND); /* a pipe of 40 had gone */
    assert_int_equal(counter(&model, SEGMENT_SENT_MESSAGES), 100);
    pass_one(&model, 1, 13 * SECOND);
    assert_int_equal(counter(&model, SEGMENT_SENT_MESSAGES), 101);
    peek_model_restart(&model);
    pass_one(&model, 250, 14 * SECOND);
    assert_int_equal(counter(&model, SEGMENT_SENT_MESSAGES), 250);
    peek_model_finish(&model);
}

static void take__closed_socket__lingers_and_is_not_open(void **state)
{
    (void)state;
    struct peek_model model = {.processes = NULL};
    struct peek_record closed = socket_of(1, "tcp://a", 3);
    closed.socket.is_closed = 1;
    assert_int_equal(take(&model, process_of(5, 1), SECOND), 0);
    assert_int_equal(take(&model, closed, SECOND), 0);
    const struct peek_model_group *group = &model.processes[0]->groups[0];
    assert_int_equal(group->account.n_sockets, 0);
    assert_int_equal(group->account.gauges[TAP_GAUGE_SEND_QUEUE], SEGMENT_UNKNOWN);
    assert_int_equal(group->n_lingering, 1);
    assert_int_equal(group->lingering_messages, 10);
    assert_int_equal(counter(&model, SEGMENT_SENT_MESSAGES), 3);
    peek_model_finish(&model);
}

static void take__not_told_by_a_new_reader__is_gone(void **state)
{
    (void)state;
    struct peek_model model = {.processes = NULL};
    pass_one(&model, 1, SECOND);
    peek_model_restart(&model);
    assert_int_equal(take(&model, peek_record_of(PEEK_RECORD_PASS), 2 * SECOND), 0);
    assert_true(model.processes[0]->is_gone);
    peek_model_clean(&model);
    assert_int_equal(model.n_processes, 0);
    peek_model_finish(&model);
}

static void take__more_groups_than_the_limit__are_one_other(void **state)
{
    (void)state;
    struct peek_model model = {.processes = NULL};
    const uint32_t n = PEEK_MODEL_MAX_GROUPS + 50;
    assert_int_equal(take(&model, process_of(5, n), SECOND), 0);
    for (uint32_t i = 0; i < n; i++) {
        char endpoint[32];
        (void)snprintf(endpoint, sizeof(endpoint), "tcp://a:%u", i);
        assert_int_equal(take(&model, socket_of(i + 1, endpoint, 1), SECOND), 0);
    }
    const struct peek_model_process *process = model.processes[0];
    assert_int_equal(process->n_groups, PEEK_MODEL_MAX_GROUPS + 1);
    assert_true(process->groups[PEEK_MODEL_MAX_GROUPS].name.is_other);
    assert_int_equal(process->groups[PEEK_MODEL_MAX_GROUPS].account.n_sockets, 50);
    peek_model_finish(&model);
}

static void refuse(struct peek_record record, bool is_in_process)
{
    struct peek_model model = {.processes = NULL};
    if (is_in_process)
        assert_int_equal(take(&model, process_of(5, 1), SECOND), 0);
    assert_int_equal(take(&model, record, SECOND), PEEK_MODEL_E_BAD);
    peek_model_finish(&model);
}

static void take__what_no_reader_says__is_refused(void **state)
{
    (void)state;
    struct peek_record record = process_of(5, 0);
    record.magic++;
    refuse(record, false);
    refuse(peek_record_of(0), false);
    refuse(peek_record_of(PEEK_RECORD_N_KINDS), false);
    refuse(process_of(0, 0), false);
    refuse(process_of(5, PEEK_MAX_SOCKETS + 1), false);
    record = process_of(5, 0);
    record.process.reason = PEEK_N_REASONS;
    refuse(record, false);
    refuse(socket_of(1, "a", 0), false); /* of no process */
    refuse(process_of(6, 0), true);      /* amid another's sockets */
    refuse(peek_record_of(PEEK_RECORD_PASS), true);
    record = socket_of(0, "a", 0);
    refuse(record, true);
    record = socket_of(1, "a", 0);
    record.socket.type = SEGMENT_N_TYPES;
    refuse(record, true);
    record = socket_of(1, "a", 0);
    memset(record.socket.endpoint, 'a', sizeof(record.socket.endpoint));
    refuse(record, true);
    record = socket_of(1, "a", 0);
    record.socket.send_queue = UINT64_C(1) << 62;
    refuse(record, true);
    record = socket_of(1, "a", 0);
    record.socket.is_closed = 2;
    refuse(record, true);
    record = socket_of(1, "a", 0);
    record.socket.options.mechanism = 4;
    refuse(record, true);
    record = socket_of(1, "a", 0);
    record.socket.options.is_server = 2;
    refuse(record, true);
    record = socket_of(1, "a", 0);
    record.socket.options.conflate = 2;
    refuse(record, true);
    record = socket_of(1, "a", 0);
    record.socket.options.immediate = 2;
    refuse(record, true);
    record = socket_of(1, "a", 0);
    record.socket.context = UINT64_C(1) << 62;
    refuse(record, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take__passes__adds_up_what_moved_and_the_time_at_the_mark),
        cmocka_unit_test(take__socket_gone__keeps_its_counts),
        cmocka_unit_test(restart__reader_that_sees_less_or_more__never_goes_back),
        cmocka_unit_test(take__closed_socket__lingers_and_is_not_open),
        cmocka_unit_test(take__not_told_by_a_new_reader__is_gone),
        cmocka_unit_test(take__more_groups_than_the_limit__are_one_other),
        cmocka_unit_test(take__what_no_reader_says__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
