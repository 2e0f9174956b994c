/* SPDX-License-Identifier: MPL-2.0 */
/* What the reader tells and hears. */
#include "base/clock.h"
#include "queues/pipe_bytes.h"
#include "support/cmocka.h"
#include "support/peek_reader_played.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SECOND_MS 1000

#define OPTIONS                                                                                    \
    {                                                                                              \
        .linger = 13, .maxmsgsize = 14, .rcvtimeo = 15, .sndtimeo = 16, .immediate = 17,           \
        .tcp_keepalive = 18, .mechanism = 19, .is_server = 20, .conflate = 21,                     \
        .handshake_ivl = 22, .heartbeat_ivl = 23                                                   \
    }

static const struct peek_socket given = {.serial = 5,
                                         .type = 8,
                                         .is_valid = true,
                                         .is_closed = true,
                                         .send_hwm = 11,
                                         .receive_hwm = 12,
                                         .options = OPTIONS,
                                         .endpoint = "inproc://a",
                                         .sample = {.n_pipes = 1,
                                                    .n_inproc = 2,
                                                    .n_send_full = 3,
                                                    .send_queue = 4,
                                                    .receive_queue = 5,
                                                    .send_fullest = 6,
                                                    .receive_fullest = 7,
                                                    .send_age_ns = 8,
                                                    .receive_age_ns = 9}};

static const struct peek_record_socket told_of_it = {.serial = 5,
                                                     .type = 8,
                                                     .is_closed = 1,
                                                     .is_valid = 1,
                                                     .n_pipes = 1,
                                                     .n_inproc = 2,
                                                     .n_send_full = 3,
                                                     .send_queue = 4,
                                                     .receive_queue = 5,
                                                     .send_fullest = 6,
                                                     .receive_fullest = 7,
                                                     .n_written = 10,
                                                     .n_read = 4,
                                                     .n_written_more = 10,
                                                     .n_read_more = 4,
                                                     .send_hwm = 11,
                                                     .receive_hwm = 12,
                                                     .options = OPTIONS,
                                                     .send_age_ns = 8,
                                                     .receive_age_ns = 9,

                                                     .endpoint = "inproc://a"};

static void pass__process_is_seen__is_told_with_its_sockets(void **state)
{
    (void)state;
    process.n_sockets = 3;
    sockets[0] = given;
    sockets[1] = (struct peek_socket){.serial = 6, .n_absent = 1};
    sockets[2] = (struct peek_socket){.serial = 7};
    start();
    struct peek_record_process told = hear_process(true);
    assert_int_equal(told.reason, PEEK_REASON_NONE);
    assert_int_equal(told.n_sockets, 2);
    assert_int_equal(told.n_contexts, 2);
    assert_int_equal(told.n_left_out, 3);
    assert_int_equal(told.n_invalid, 4);
    assert_int_equal(told.is_without_tap, 1);
    struct peek_record_socket one = hear(PEEK_RECORD_SOCKET).socket;
    struct peek_record_socket expected = told_of_it;
    expected.handle = one.handle;
    assert_memory_equal(&one, &expected, sizeof(one));
    struct peek_record_socket two = hear(PEEK_RECORD_SOCKET).socket;
    assert_int_equal(two.serial, 7);
    assert_int_equal(two.is_valid, 0);
    assert_true(two.send_queue == PIPE_UNKNOWN && two.receive_queue == PIPE_UNKNOWN);
    assert_true(two.send_fullest == PIPE_UNKNOWN && two.receive_fullest == PIPE_UNKNOWN);
    assert_true(two.send_age_ns == PIPE_UNKNOWN && two.receive_age_ns == PIPE_UNKNOWN);
    struct peek_record_pass pass = hear_rest(true);
    assert_int_equal(pass.n_processes, 3);
    assert_int_equal(pass.n_followed, 2);
    assert_int_equal(pass.cpu_ns, 7);
    assert_int_equal(pass.elapsed_ns, 0);
    assert_int_equal(pass.has_connections, 0);
    end_interval();
    (void)hear_process(false);
    one = hear(PEEK_RECORD_SOCKET).socket;
    assert_int_equal(one.n_written, 20);
    assert_int_equal(one.n_written_more, 10);
    assert_int_equal(one.n_read, 8);
    assert_int_equal(one.n_read_more, 4);
    (void)hear(PEEK_RECORD_SOCKET);
    (void)hear_rest(false);
    assert_int_equal(shared->n_insides_changes, 3);
}

static void pass__process_is_not_seen__is_told_with_the_reason_alone(void **state)
{
    (void)state;
    process.n_sockets = 1;
    process.reason = PEEK_REASON_CONTEXT;
    start();
    say(PEEK_RECORD_ASK, "");
    for (int i = 0; i < 2; i++) {
        struct peek_record_process told = hear_process(i == 0);
        assert_int_equal(told.reason, PEEK_REASON_CONTEXT);
        assert_int_equal(told.n_sockets + told.n_contexts + told.n_left_out + told.n_invalid, 0);
        assert_int_equal(hear_rest(i == 0).has_connections, i);
        if (i == 0)
            end_interval();
    }
}

static void pass__more_than_the_buffer__is_told_whole(void **state)
{
    (void)state;
    process.n_sockets = MANY;
    for (uint64_t i = 0; i < MANY; i++)
        sockets[i].serial = i + 1;
    start();
    assert_int_equal(hear_process(true).n_sockets, MANY);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(hear(PEEK_RECORD_SOCKET).socket.serial, i + 1);
    (void)hear_rest(true);
}

static void pass__process_is_gone__is_released(void **state)
{
    (void)state;
    for (int is_replaced = 0; is_replaced < 2; is_replaced++) {
        if (is_replaced) {
            (void)tear_down(state);
            (void)set_up(state);
        }
        shared->is_gone = true;
        shared->is_replaced = is_replaced;
        start();
        hear_looking(7, 70);
        hear_looking(PID, TICKS);
        struct peek_record gone = hear(PEEK_RECORD_GONE);
        assert_int_equal(gone.process.pid, PID);
        assert_int_equal(gone.process.start_ticks, TICKS);
        (void)hear_rest(true);
        assert_int_equal(shared->n_released, 1);
        end_interval();
        hear_looking(7, 70);
        assert_int_equal(hear_rest(false).n_followed, 1);
        assert_int_equal(shared->last_pid, is_replaced ? 0 : 5);
    }
}

static void setup__what_was_said__is_known_to_the_host(void **state)
{
    (void)state;
    start();
    (void)hear_process(true);
    assert_true(shared->has_excluded);
    assert_true(shared->may_open);
    assert_true(shared->has_failed);
    assert_int_equal(shared->excluded_pid, getpid());
    assert_int_equal(shared->sandbox, 1);
}

static void ask__connections__are_told_once_in_as_many_records_as_it_takes(void **state)
{
    const uint32_t all = 2 * PEEK_CONNECTIONS_IN_RECORD + 1;
    (void)state;
    shared->n_connections = all;
    shared->n_left_out = 6;
    start();
    (void)hear_process(true);
    (void)hear_rest(true);
    say(PEEK_RECORD_ASK, "");
    end_interval();
    (void)hear_process(false);
    for (uint32_t i = 0; i < 3; i++) {
        struct peek_record_connections told = hear(PEEK_RECORD_CONNECTIONS).connections;
        assert_int_equal(told.pid, PID);
        assert_int_equal(told.start_ticks, TICKS);
        assert_int_equal(told.n, i < 2 ? PEEK_CONNECTIONS_IN_RECORD : 1);
        assert_int_equal(told.n_all, all);
        assert_int_equal(told.n_left_out, 6);
        assert_int_equal(told.items[0].inode, 100 + i * PEEK_CONNECTIONS_IN_RECORD);
        assert_int_equal(told.items[told.n - 1].inode,
                         99 + i * PEEK_CONNECTIONS_IN_RECORD + told.n);
    }
    assert_int_equal(hear_rest(false).has_connections, 1);
    end_interval();
    (void)hear_process(false);
    assert_int_equal(hear_rest(false).has_connections, 0);
}

static void ask__no_connections__is_answered(void **state)
{
    (void)state;
    start();
    (void)hear_process(true);
    (void)hear_rest(true);
    say(PEEK_RECORD_ASK, "");
    end_interval();
    (void)hear_process(false);
    assert_int_equal(hear(PEEK_RECORD_CONNECTIONS).connections.n, 0);
    assert_int_equal(hear_rest(false).has_connections, 1);
}

static void want__owners__are_told_and_processes_listed_anew(void **state)
{
    (void)state;
    start();
    (void)hear_process(true);
    (void)hear_rest(true);
    want(PEEK_WANTED_IN_RECORD);
    end_interval();
    (void)hear_process(false);
    assert_int_equal(hear(PEEK_RECORD_PROCESS).process.pid, 43);
    struct peek_owner owner = hear(PEEK_RECORD_OWNER).owner;
    assert_int_equal(owner.inode, 500);
    assert_int_equal(owner.pid, 11);
    (void)hear(PEEK_RECORD_PASS);
    assert_int_equal(shared->n_wanted, PEEK_WANTED_IN_RECORD);
    assert_int_equal(shared->wanted[PEEK_WANTED_IN_RECORD - 1], 499 + PEEK_WANTED_IN_RECORD);
    assert_int_equal(shared->next_list_ns, 0);
}

/* Whatever it is: what the exporter would not say ends the reader. */
static void hear__no_exporters_words__ends(void **state)
{
    for (int what = 0; what < 4; what++) {
        if (what > 0) {
            (void)tear_down(state);
            (void)set_up(state);
        }
        start();
        (void)hear_process(true);
        (void)hear_rest(true);
        struct peek_record record = peek_record_of(PEEK_RECORD_ASK);
        record.magic++;
        if (what == 0)
            say(PEEK_RECORD_BEGIN, "");
        else if (what == 1)
            want(PEEK_WANTED_IN_RECORD + 1);
        else if (what == 2)
            say_record(&record);
        else
            hang_up();
        assert_int_equal(end_of_reader(), 0);
        assert_int_equal(shared->n_finished, 2);
        assert_int_equal(shared->n_passed, 1);
        assert_int_equal(shared->n_wanted, 0);
    }
}

static void wait__nothing_is_asked__lasts_an_interval(void **state)
{
    (void)state;
    for (unsigned interval_ms = 0; interval_ms <= 40; interval_ms += 40) {
        uint64_t interval_ns = (interval_ms ? interval_ms : SECOND_MS) * CLOCK_NS_PER_MS;
        if (interval_ms) {
            (void)tear_down(state);
            (void)set_up(state);
        }
        run(true, interval_ms);
        say(PEEK_RECORD_BEGIN, "");
        uint64_t begin_ns = shared->now_ns;
        for (unsigned i = 0; i < 3; i++) {
            hear_looking(7, 70);
            hear_looking(8, 80);
            if (i == 0)
                hear_looking(PID, TICKS);
            (void)hear(PEEK_RECORD_PROCESS);
            (void)hear_rest(i == 0);
            assert_int_equal(shared->now_ns, begin_ns + i * interval_ns);
            end_interval();
        }
        assert_int_equal(shared->sandbox, 2);
        assert_int_equal(shared->rest_ns, interval_ns);
    }
}

/* A quarter of the interval later, so that one who asks often costs no more than that. */
static void wait__asked__lasts_a_part_of_it(void **state)
{
    (void)state;
    start();
    (void)hear_process(true);
    (void)hear_rest(true);
    uint64_t begin_ns = shared->now_ns;
    say(PEEK_RECORD_ASK, "");
    end_interval();
    (void)hear_process(false);
    (void)hear(PEEK_RECORD_CONNECTIONS);
    (void)hear_rest(false);
    assert_int_equal(shared->now_ns, begin_ns + CLOCK_NS_PER_SECOND / 4);
}

static void run__cannot_start__says_why(void **state)
{
    int *const results[] = {&sandbox_result, &host_result, &libraries_result};
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            (void)tear_down(state);
            (void)set_up(state);
        }
        *results[i] = -ENOSYS;
        run(false, 0);
        if (i > 0)
            say(PEEK_RECORD_BEGIN, "");
        assert_int_equal(end_of_reader(), ENOSYS);
        assert_int_equal(shared->n_passed, 0);
    }
}

static void run__setup_is_none__says_why(void **state)
{
    (void)state;
    run(false, 0);
    say(PEEK_RECORD_ASK, "");
    assert_int_equal(end_of_reader(), EPROTO);
    assert_int_equal(shared->n_passed, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pass__process_is_seen__is_told_with_its_sockets),
        CASE(pass__process_is_not_seen__is_told_with_the_reason_alone),
        CASE(pass__more_than_the_buffer__is_told_whole),
        CASE(pass__process_is_gone__is_released),
        CASE(setup__what_was_said__is_known_to_the_host),
        CASE(ask__connections__are_told_once_in_as_many_records_as_it_takes),
        CASE(ask__no_connections__is_answered),
        CASE(want__owners__are_told_and_processes_listed_anew),
        CASE(hear__no_exporters_words__ends),
        CASE(wait__nothing_is_asked__lasts_an_interval),
        CASE(wait__asked__lasts_a_part_of_it),
        CASE(run__cannot_start__says_why),
        CASE(run__setup_is_none__says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
