/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_sockets.h"

#include "segment/segment_writer.h"
#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUSH 8
#define PULL 7
#define XSUB 10

struct fixture {
    char directory[64];
    struct segment_table *table;
    struct segment_writer *writer;
    unsigned n_rows;
    char endpoints[8][768];
    struct tap_socket_field fields[8][TAP_SOCKET_MAX_FIELDS];
    size_t n_fields[8];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    temporary_directory_make(f->directory);
    assert_int_equal(segment_table_new(64, &f->table), 0);
    return segment_writer_new(f->table, f->directory, &f->writer);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    segment_writer_destroy(&f->writer);
    segment_table_destroy(&f->table);
    temporary_directory_remove(f->directory);
    free(f);
    return 0;
}

static uint64_t *open_socket(struct fixture *f, uint32_t type, const char *endpoint)
{
    uint32_t lane, group = segment_table_group(f->table, type, endpoint, NULL);
    assert_int_equal(segment_table_take_lane(f->table, group, &lane), 0);
    return segment_table_words(f->table, lane);
}

static int remember(const struct tap_socket *socket, void *data)
{
    struct fixture *f = data;
    assert_int_equal(socket->process->pid, getpid());
    assert_string_equal(socket->process->command, "collectors_tap_sockets_test");
    (void)snprintf(f->endpoints[f->n_rows], 768, "%s", socket->group->endpoint);
    f->n_fields[f->n_rows] = tap_socket_fields(socket, f->fields[f->n_rows]);
    f->n_rows++;
    return 0;
}

static unsigned count_rows(struct fixture *f)
{
    f->n_rows = 0;
    assert_int_equal(tap_sockets_each(f->directory, remember, f), 0);
    return f->n_rows;
}

static const struct tap_socket_field *find(const struct fixture *f, unsigned row, const char *name)
{
    for (size_t i = 0; i < f->n_fields[row]; i++) {
        if (strcmp(f->fields[row][i].name, name) == 0)
            return &f->fields[row][i];
    }
    return NULL;
}

static void each__open_sockets__are_rows_of_what_is_known(void **state)
{
    struct fixture *f = *state;
    uint64_t *push = open_socket(f, PUSH, "tcp://*:1"), *pull = open_socket(f, PULL, "tcp://*:2");
    segment_word_add(&push[SEGMENT_SENT_MESSAGES], 5);
    segment_word_set(&push[SEGMENT_SEND_QUEUE], 3);
    segment_word_set(&push[SEGMENT_OPTION_LINGER], (uint64_t)-1);
    segment_word_set(&pull[SEGMENT_SEND_QUEUE], 0);
    f->table->header->capabilities[SEGMENT_CAPABILITY_MESSAGES].state = SEGMENT_CAPABILITY_ON;
    assert_int_equal(segment_writer_publish(f->writer), 0);

    assert_int_equal(count_rows(f), 2);
    assert_string_equal(f->endpoints[0], "tcp://*:1");
    assert_int_equal(find(f, 0, "sent_messages")->value, 5);
    assert_int_equal(find(f, 0, "send_queue_messages")->value, 3);
    assert_true(find(f, 0, "linger")->is_signed);
    assert_null(find(f, 0, "peers"));               /* not measured */
    assert_null(find(f, 0, "send_would_block"));    /* no capability */
    assert_null(find(f, 1, "send_queue_messages")); /* PULL never sends */
    assert_int_equal(find(f, 1, "received_messages")->value, 0);
}

static void each__proxied_socket__has_no_fields_that_lack_something(void **state)
{
    struct fixture *f = *state;
    struct segment_capability *capabilities = f->table->header->capabilities;
    uint64_t *push = open_socket(f, PUSH, "tcp://*:1"), *xsub = open_socket(f, XSUB, "tcp://*:2");
    segment_word_add(&push[SEGMENT_SENT_MESSAGES], 5);
    segment_word_add(&push[SEGMENT_PROXIED], 1);
    segment_word_add(&xsub[SEGMENT_PROXIED], 1);
    capabilities[SEGMENT_CAPABILITY_MESSAGES].state = SEGMENT_CAPABILITY_ON;
    capabilities[SEGMENT_CAPABILITY_QUEUE_DEPTH].state = SEGMENT_CAPABILITY_ON;
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(count_rows(f), 2);
    assert_int_equal(find(f, 0, "sent_messages")->value, 5);
    assert_null(find(f, 0, "sent_bytes"));
    assert_null(find(f, 1, "sent_messages")); /* subscriptions, of unknown number */
    assert_int_equal(find(f, 1, "received_messages")->value, 0);

    capabilities[SEGMENT_CAPABILITY_QUEUE_DEPTH].state = SEGMENT_CAPABILITY_OFF;
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(count_rows(f), 2);
    assert_null(find(f, 0, "sent_messages"));
    assert_null(find(f, 1, "received_messages"));
}

static void each__closed_socket_or_process__is_no_row(void **state)
{
    struct fixture *f = *state;
    open_socket(f, PUSH, "tcp://*:1");
    open_socket(f, PULL, "tcp://*:2");
    segment_table_release_lane(f->table, 0);
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(count_rows(f), 1);
    assert_string_equal(f->endpoints[0], "tcp://*:2");
    segment_writer_close(f->writer);
    assert_int_equal(count_rows(f), 0);
}

static void each__older_image__is_passed_over(void **state)
{
    struct fixture *f = *state;
    struct segment_table *table = f->table;
    struct segment_writer *writer = f->writer;
    open_socket(f, PUSH, "tcp://*:1");
    assert_int_equal(segment_writer_publish(writer), 0);
    assert_int_equal(segment_table_new(64, &f->table), 0);
    assert_int_equal(segment_writer_new(f->table, f->directory, &f->writer), 0);
    open_socket(f, PUSH, "tcp://*:9");
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(count_rows(f), 1);
    assert_string_equal(f->endpoints[0], "tcp://*:9");
    segment_writer_destroy(&writer);
    segment_table_destroy(&table);
}

static int stop(const struct tap_socket *socket, void *data)
{
    (void)socket, (void)data;
    return -ECANCELED;
}

static void each__visitor_ends_it__says_why(void **state)
{
    struct fixture *f = *state;
    open_socket(f, PUSH, "tcp://*:1");
    assert_int_equal(segment_writer_publish(f->writer), 0);
    assert_int_equal(tap_sockets_each(f->directory, stop, NULL), -ECANCELED);
    assert_int_equal(tap_sockets_each("/nonexistent", stop, NULL), -ENOENT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(each__open_sockets__are_rows_of_what_is_known),
        CASE(each__proxied_socket__has_no_fields_that_lack_something),
        CASE(each__closed_socket_or_process__is_no_row),
        CASE(each__older_image__is_passed_over),
        CASE(each__visitor_ends_it__says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
