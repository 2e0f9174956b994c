/* SPDX-License-Identifier: MPL-2.0 */
/* The exporter's end of the reader, which is played here: what it is told and asked, what it tells,
 * and what comes after it. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "collectors/peek/peek_collector.h"
#include "collectors/peek/peek_link.h"
#include "collectors/peek/peek_settings.h"
#include "collectors/peek/peek_sockets.h"
#include "metrics/text_writer.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_NS (60 * CLOCK_NS_PER_SECOND)
#define PUSH        8u

static char directory[64], path[96];
static int listener;
static struct peek_link *link_now;
static struct handover handover;
static struct string_buffer page;

static int set_up(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    temporary_directory_make(directory);
    (void)snprintf(path, sizeof(path), "%s/reader", directory);
    memcpy(address.sun_path, path, sizeof(path));
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 10), 0);
    handover.item = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    peek_link_destroy(&link_now);
    assert_null(link_now);
    struct peek_settings *settings = handover_take(&handover);
    peek_settings_destroy(&settings);
    close(listener);
    temporary_directory_remove(directory);
    string_buffer_finish(&page);
    return 0;
}

static void start_with(const char *const *excluded, size_t n)
{
    const struct peek_link_options options = {
        .socket_path = path, .excluded = excluded, .n_excluded = n, .settings = &handover};
    assert_int_equal(peek_link_new(&options, &link_now), 0);
}

static int accept_reader(void)
{
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

/* What the link says next. */
static struct peek_record hear(int fd)
{
    struct peek_record record;
    assert_int_equal(recv(fd, &record, sizeof(record), MSG_WAITALL), sizeof(record));
    assert_int_equal(record.magic, PEEK_RECORD_MAGIC);
    return record;
}

static void hear_begin(int fd)
{
    assert_int_equal(hear(fd).kind, PEEK_RECORD_BEGIN);
}

static void hear_exclude(int fd, const char *program)
{
    struct peek_record record = hear(fd);
    assert_int_equal(record.kind, PEEK_RECORD_EXCLUDE);
    assert_string_equal(record.name.program, program);
}

static void tell(int fd, struct peek_record record)
{
    assert_int_equal(send(fd, &record, sizeof(record), MSG_NOSIGNAL), sizeof(record));
}

static void tell_process(int fd, uint32_t pid, enum peek_reason reason, uint32_t n_sockets)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_PROCESS);
    record.process = (struct peek_record_process){.pid = pid,
                                                  .start_ticks = 7,
                                                  .reason = reason,
                                                  .n_sockets = n_sockets,
                                                  .is_without_tap = 1};
    (void)snprintf(record.process.program, sizeof(record.process.program), "program%u", pid);
    tell(fd, record);
}

static void tell_socket(int fd, uint64_t serial, bool is_closed)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_SOCKET);
    record.socket = (struct peek_record_socket){.serial = serial,
                                                .type = PUSH,
                                                .is_closed = is_closed,
                                                .n_pipes = 1,
                                                .is_valid = 1,
                                                .send_queue = 10,
                                                .send_fullest = PEEK_RECORD_UNKNOWN,
                                                .receive_fullest = PEEK_RECORD_UNKNOWN,
                                                .n_written = 30,
                                                .n_read = 4,
                                                .send_hwm = 1000,
                                                .receive_hwm = 1000};
    (void)snprintf(record.socket.endpoint, sizeof(record.socket.endpoint), "tcp://a");
    tell(fd, record);
}

static void tell_pass(int fd)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_PASS);
    record.pass = (struct peek_record_pass){
        .n_processes = 9, .n_followed = 1, .elapsed_ns = 1500000000, .cpu_ns = 250000000};
    tell(fd, record);
}

static uint64_t later(void)
{
    return clock_monotonic_ns() + PATIENCE_NS;
}

static void await_pass(void)
{
    assert_true(peek_link_await_pass(link_now, later()));
}

static void check(int result, const char *reason)
{
    struct error err = {""};
    (void)peek_link_lock(link_now);
    assert_int_equal(peek_link_check(link_now, &err), result);
    peek_link_unlock(link_now);
    assert_string_equal(err.message, reason);
}

static void start__settings__are_said_first(void **state)
{
    static const char *const excluded[] = {"one", "two"};
    static char name[] = "three";
    char *names[] = {name};
    struct peek_settings *settings = NULL;
    (void)state;
    static const char yaml[] = "exclude: [three]";
    struct config_document *document = NULL;
    assert_int_equal(config_document_parse("c", yaml, strlen(yaml), &document, NULL), 0);
    assert_int_equal(peek_settings_read(config_document_root(document), &settings, NULL), 0);
    config_document_destroy(&document);
    assert_int_equal(settings->n_excluded, 1);
    assert_string_equal(settings->excluded[0], names[0]);
    assert_null(handover_give(&handover, settings));
    start_with(excluded, 2);
    cleanup_fd int fd = accept_reader();
    hear_exclude(fd, "one");
    hear_exclude(fd, "two");
    hear_exclude(fd, "three");
    hear_begin(fd);
    check(0, ""); /* it has just begun */
    assert_false(peek_link_await_pass(link_now, clock_monotonic_ns()));
}

static size_t n_visited;

static int visit(const struct tap_socket *socket, void *data)
{
    assert_null(data);
    assert_true(socket->is_peeked);
    assert_int_equal(socket->process->pid, 5);
    assert_int_equal(socket->process->start_ticks, 7);
    assert_string_equal(socket->process->program, "program5");
    assert_string_equal(socket->process->command, "program5");
    assert_string_equal(socket->group->endpoint, "tcp://a");
    assert_string_equal(socket->type, "PUSH");
    assert_int_equal(socket->words[SEGMENT_SERIAL], 1 + n_visited);
    assert_int_equal(socket->words[SEGMENT_SEND_QUEUE], 10);
    assert_int_equal(socket->words[SEGMENT_SENT_MESSAGES], 30);
    assert_int_equal(socket->words[SEGMENT_RECEIVED_MESSAGES], 4);
    assert_int_equal(socket->words[SEGMENT_ATTACHED], 1);
    assert_int_equal(socket->words[SEGMENT_SEND_AT_HWM_NS], 0);
    assert_true(socket->words[SEGMENT_OPENED_NS] == SEGMENT_UNKNOWN);
    assert_int_equal(socket->process->capabilities[SEGMENT_CAPABILITY_MESSAGES].state,
                     SEGMENT_CAPABILITY_ON);
    assert_int_equal(socket->process->capabilities[SEGMENT_CAPABILITY_QUEUE_DEPTH].state,
                     SEGMENT_CAPABILITY_ON);
    n_visited++;
    return 0;
}

static int refuse(const struct tap_socket *socket, void *data)
{
    (void)socket, (void)data;
    n_visited++;
    return -EIO;
}

static const char *collect(int result)
{
    struct collector collector;
    struct samples samples;
    const struct samples *part = &samples;
    struct error err;
    peek_collector_init(link_now, &collector);
    samples_init(&samples);
    assert_int_equal(collector.collect(collector.state, &samples, &err), result);
    string_buffer_clear(&page);
    assert_int_equal(text_format_write(TEXT_FORMAT_PROMETHEUS, &part, 1, &page), 0);
    samples_finish(&samples);
    collector.destroy(collector.state);
    return page.data;
}

static void assert_line(const char *text, const char *line)
{
    char whole[200];
    (void)snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (!strstr(text, whole))
        fail_msg("no %s in %s", line, text);
}

static void hear__a_pass__is_what_is_seen(void **state)
{
    (void)state;
    start_with(NULL, 0);
    cleanup_fd int fd = accept_reader();
    hear_begin(fd);
    tell_process(fd, 5, PEEK_REASON_NONE, 3);
    tell_socket(fd, 1, false);
    tell_socket(fd, 2, false);
    tell_socket(fd, 3, true);
    tell_process(fd, 6, PEEK_REASON_PERMISSION, 0);
    tell_pass(fd);
    await_pass();
    check(0, "");
    n_visited = 0;
    assert_int_equal(peek_sockets_each(link_now, visit, NULL), 0);
    assert_int_equal(n_visited, 2);
    n_visited = 0;
    assert_int_equal(peek_sockets_each(link_now, refuse, NULL), -EIO);
    assert_int_equal(n_visited, 1);
    const char *text = collect(0);
    assert_line(text, "zmq_exporter_processes{seen_by=\"tap\",reason=\"\"} 0");
    assert_line(text, "zmq_exporter_processes{seen_by=\"peek\",reason=\"\"} 1");
    assert_line(text, "zmq_exporter_processes{seen_by=\"none\",reason=\"permission\"} 1");
    assert_line(text, "zmq_exporter_processes{seen_by=\"none\",reason=\"failed\"} 0");
    assert_line(text, "zmq_exporter_peek_pass_duration_seconds 1.5");
    assert_line(text, "zmq_exporter_peek_cpu_seconds_total 0.25");
    assert_line(text, "zmq_exporter_peek_passes_total 1");
    assert_line(text, "zmq_exporter_peek_starts_total 1");
}

static void hear__pieces_of_records__are_put_together(void **state)
{
    struct peek_record records[3] = {peek_record_of(PEEK_RECORD_PASS),
                                     peek_record_of(PEEK_RECORD_PASS),
                                     peek_record_of(PEEK_RECORD_PASS)};
    static const size_t sizes[] = {100, 924 + 500, 524, 1024};
    const char *bytes = (const char *)records;
    (void)state;
    start_with(NULL, 0);
    cleanup_fd int fd = accept_reader();
    hear_begin(fd);
    for (size_t i = 0; i < 4; i++) {
        size_t n = sizes[i] < (size_t)((const char *)&records[3] - bytes)
                       ? sizes[i]
                       : (size_t)((const char *)&records[3] - bytes);
        assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
        bytes += n;
        if (i == 1)
            await_pass(); /* the rest of the second one is still to come */
    }
    struct peek_model *model = peek_link_lock(link_now);
    while (model->n_passes < 3)
        peek_link_wait(link_now, later());
    peek_link_unlock(link_now);
    check(0, "");
}

static void ask__before_and_after_it_is_heard__is_said_or_not(void **state)
{
    uint64_t inodes[PEEK_WANTED_IN_RECORD + 2];
    (void)state;
    for (size_t i = 0; i < PEEK_WANTED_IN_RECORD + 2; i++)
        inodes[i] = 1000 + i;
    start_with(NULL, 0);
    cleanup_fd int fd = accept_reader();
    hear_begin(fd);
    peek_link_ask(link_now); /* of one that was not heard yet nothing is asked */
    tell_pass(fd);
    await_pass();
    struct peek_record record;
    do {
        peek_link_want(link_now, inodes, PEEK_WANTED_IN_RECORD + 2);
        record.kind = 0;
    } while (recv(fd, &record, sizeof(record), MSG_DONTWAIT) != sizeof(record));
    assert_int_equal(record.kind, PEEK_RECORD_WANTED);
    if (record.wanted.n == PEEK_WANTED_IN_RECORD) {
        assert_int_equal(record.wanted.inodes[PEEK_WANTED_IN_RECORD - 1],
                         1000 + PEEK_WANTED_IN_RECORD - 1);
        record = hear(fd);
    }
    assert_int_equal(record.kind, PEEK_RECORD_WANTED);
    assert_int_equal(record.wanted.n, 2);
    assert_int_equal(record.wanted.inodes[0], 1000 + PEEK_WANTED_IN_RECORD);
    assert_int_equal(record.wanted.inodes[1], 1001 + PEEK_WANTED_IN_RECORD);
    peek_link_ask(link_now);
    do
        record = hear(fd);
    while (record.kind == PEEK_RECORD_WANTED);
    assert_int_equal(record.kind, PEEK_RECORD_ASK);
}

/* Waits until the link says that. */
static void await_reason(const char *reason)
{
    char expected[200];
    struct error err;
    (void)snprintf(expected, sizeof(expected), "programs without a tap are not seen: %s", reason);
    uint64_t end_ns = later();
    for (;;) {
        err.message[0] = '\0';
        (void)peek_link_lock(link_now);
        int r = peek_link_check(link_now, &err);
        peek_link_unlock(link_now);
        if (r == -ESRCH && strcmp(err.message, expected) == 0)
            return;
        if (clock_monotonic_ns() > end_ns)
            fail_msg("%d %s", r, err.message);
        usleep(1000);
    }
}

static void hear__it_ends_at_a_process__the_next_one_leaves_it_alone(void **state)
{
    (void)state;
    start_with(NULL, 0);
    int fd = accept_reader();
    hear_begin(fd);
    struct peek_record looking = peek_record_of(PEEK_RECORD_LOOKING);
    looking.process.pid = 77;
    looking.process.start_ticks = 8;
    tell(fd, looking);
    tell_pass(fd);
    await_pass();
    tell(fd, looking);
    close(fd);
    await_reason("the reader of other programs ended");
    collect(-ESRCH);
    fd = accept_reader();
    struct peek_record record = hear(fd);
    assert_int_equal(record.kind, PEEK_RECORD_FAILED);
    assert_int_equal(record.process.pid, 77);
    assert_int_equal(record.process.start_ticks, 8);
    hear_begin(fd);
    await_reason("the reader has just begun again");
    assert_int_equal(peek_link_count_starts(link_now), 2);
    tell_pass(fd);
    struct peek_model *model = peek_link_lock(link_now);
    while (model->n_passes < 2)
        peek_link_wait(link_now, later());
    peek_link_unlock(link_now);
    check(0, "");
    close(fd);
}

static void hear__nonsense__ends_it(void **state)
{
    struct peek_record record = peek_record_of(PEEK_RECORD_PASS);
    (void)state;
    record.magic++;
    start_with(NULL, 0);
    cleanup_fd int fd = accept_reader();
    hear_begin(fd);
    tell(fd, record);
    await_reason("the reader of other programs said what it may not");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    cleanup_fd int next = accept_reader();
    hear_begin(next); /* it looked at nobody, so nobody is to blame */
}

static struct peek_settings *settings_of(const char *yaml)
{
    struct config_document *document = NULL;
    struct peek_settings *settings = NULL;
    assert_int_equal(config_document_parse("c", yaml, strlen(yaml), &document, NULL), 0);
    assert_int_equal(peek_settings_read(config_document_root(document), &settings, NULL), 0);
    config_document_destroy(&document);
    return settings;
}

static void hear__other_settings__a_new_one_is_told(void **state)
{
    char byte;
    (void)state;
    assert_null(handover_give(&handover, settings_of("exclude: [a]")));
    start_with(NULL, 0);
    cleanup_fd int fd = accept_reader();
    hear_exclude(fd, "a");
    hear_begin(fd);
    /* The same again is no change. */
    assert_null(handover_give(&handover, settings_of("exclude: [a]")));
    tell_pass(fd);
    await_pass();
    while (__atomic_load_n(&handover.item, __ATOMIC_ACQUIRE)) {
        tell_pass(fd);
        usleep(1000);
    }
    assert_int_equal(peek_link_count_starts(link_now), 1);
    assert_null(handover_give(&handover, settings_of("exclude: [b]")));
    tell_pass(fd);
    assert_true(recv(fd, &byte, 1, 0) <= 0); /* it closes, whether that was read or not */
    cleanup_fd int next = accept_reader();
    hear_exclude(next, "b");
    hear_begin(next);
}

static void start__nobody_there__says_why(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    start_with(NULL, 0);
    await_reason("it cannot be started: No such file or directory");
    assert_false(peek_link_await_pass(link_now, later()));
    assert_int_equal(peek_link_count_starts(link_now), 0);
    peek_link_destroy(&link_now);
    memset(path, 'a', sizeof(path) - 1);
    char longer[200];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(peek_link_new(&(struct peek_link_options){.socket_path = longer}, &link_now),
                     0);
    await_reason("it cannot be started: File name too long");
    peek_link_destroy(&link_now);
    assert_int_equal(peek_link_new(&(struct peek_link_options){.launch = NULL}, &link_now), 0);
    await_reason("it cannot be started: Operation not permitted");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(start__settings__are_said_first),
        CASE(hear__a_pass__is_what_is_seen),
        CASE(hear__pieces_of_records__are_put_together),
        CASE(ask__before_and_after_it_is_heard__is_said_or_not),
        CASE(hear__it_ends_at_a_process__the_next_one_leaves_it_alone),
        CASE(hear__nonsense__ends_it),
        CASE(hear__other_settings__a_new_one_is_told),
        CASE(start__nobody_there__says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
