/* SPDX-License-Identifier: MPL-2.0 */
/* The lines of `top`, of looks that are played: its order, filter, rates and columns, what it says
 * of one socket, and its JSON. */
#include "cli/top_details.h"
#include "cli/top_rows.h"

#include "support/cmocka.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND  UINT64_C(1000000000)
#define NOW     (1764400000 * SECOND)
#define UNKNOWN SEGMENT_UNKNOWN
#define RATIO   UINT64_C(10000000) /* a hundredth */

/* What the source has. */
static struct problem_socket sockets[8];
static const char *addresses[8];
static size_t n_sockets;
static uint64_t look_ns;
static bool is_complete;
static int look_result, socket_result;
static const char *problem_texts[3];
static const char *socket_json;
static uint64_t asked_pid, asked_serial;

static struct top top;
static struct string_buffer out;
static struct error err;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    (void)clock;
    *ret = (struct timespec){.tv_sec = (time_t)(NOW / SECOND)};
    return 0;
}

int top_source_look(struct top_source *self, struct top_look *ret_look, struct error *ret_err)
{
    assert_null(self);
    if (look_result < 0)
        return error_set(ret_err, look_result, "no look");
    *ret_look = (struct top_look){.view = {.sockets = calloc(n_sockets + 1, sizeof(*sockets)),
                                           .n = n_sockets,
                                           .now_ns = look_ns,
                                           .is_complete = is_complete}};
    for (size_t i = 0; i < n_sockets; i++) {
        ret_look->view.sockets[i] = sockets[i];
        ret_look->view.sockets[i].address = strdup(addresses[i]);
    }
    qsort(ret_look->view.sockets, n_sockets, sizeof(*sockets), problem_socket_compare);
    ret_look->problems = calloc(3, sizeof(*ret_look->problems));
    for (; ret_look->n_problems < 3 && problem_texts[ret_look->n_problems]; ret_look->n_problems++)
        ret_look->problems[ret_look->n_problems].text = strdup(problem_texts[ret_look->n_problems]);
    string_buffer_append_text(&ret_look->json, "\"is_complete\":true");
    return 0;
}

void top_look_finish(struct top_look *self)
{
    for (size_t i = 0; i < self->n_problems; i++)
        free(self->problems[i].text);
    free(self->problems);
    problem_view_finish(&self->view);
    string_buffer_finish(&self->json);
    *self = (struct top_look){.n_problems = 0};
}

void top_source_destroy(struct top_source **self_p)
{
    *self_p = NULL;
}

int top_source_socket(struct top_source *self, uint64_t pid, uint64_t serial,
                      struct string_buffer *ret_json, struct error *ret_err)
{
    (void)self;
    asked_pid = pid;
    asked_serial = serial;
    if (socket_result < 0)
        return error_set(ret_err, socket_result, "no answer");
    string_buffer_append_text(ret_json, socket_json);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    memset(&top, 0, sizeof(top));
    memset(problem_texts, 0, sizeof(problem_texts));
    n_sockets = 0;
    look_ns = NOW;
    is_complete = true;
    look_result = socket_result = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    top_finish(&top);
    string_buffer_finish(&out);
    return 0;
}

/* Of which only that much is known. */
static struct problem_socket *add(const char *program, const char *type, const char *address)
{
    addresses[n_sockets] = address;
    struct problem_socket *socket = &sockets[n_sockets++];
    *socket = (struct problem_socket){.pid = n_sockets,
                                      .type = type,
                                      .peers = UNKNOWN,
                                      .send_queue = UNKNOWN,
                                      .receive_queue = UNKNOWN,
                                      .send_fullest = UNKNOWN,
                                      .receive_fullest = UNKNOWN};
    (void)snprintf(socket->program, sizeof(socket->program), "%s", program);
    for (size_t i = 0; i < PROBLEM_N_COUNTERS; i++)
        socket->counters[i] = UNKNOWN;
    return socket;
}

static void refresh(void)
{
    assert_int_equal(top_refresh(&top, &err), 0);
}

static const char *text(void)
{
    return out.data ? out.data : "";
}

static const char *row(size_t i, size_t width)
{
    string_buffer_clear(&out);
    top_row_line(&top, i, width, &out);
    return text();
}

/* The pids of the rows, as digits. */
static const char *order(enum top_order by)
{
    static char digits[16];
    size_t n = 0;
    top.order = by;
    refresh();
    for (; n < top.n_rows; n++)
        digits[n] = (char)('0' + top.rows[n]->pid);
    digits[n] = '\0';
    return digits;
}

static void refresh__orders__the_greatest_first(void **state)
{
    (void)state;
    struct problem_socket *socket = add("d", "PUSH", "");
    socket->send_queue = 5, socket->send_fullest = 10 * RATIO;
    socket->receive_fullest = 3 * RATIO;
    socket = add("c", "PUSH", "");
    socket->receive_queue = 9, socket->receive_fullest = 20 * RATIO;
    socket = add("b", "PUSH", "");
    socket->send_queue = 7, socket->receive_queue = 8;
    socket = add("a", "PUSH", "");
    (void)socket;
    assert_string_equal(order(TOP_WORST), "2143");
    assert_string_equal(order(TOP_SEND_QUEUE), "3142");
    assert_string_equal(order(TOP_RECEIVE_QUEUE), "2341");
    assert_string_equal(order(TOP_PROGRAM), "4321");
    add("a", "PUSH", "");
    add("a", "PUSH", "");
    assert_string_equal(order(TOP_PROGRAM), "456321");
}

static void refresh__rates__are_of_two_looks(void **state)
{
    (void)state;
    add("a", "PUSH", "")->counters[PROBLEM_SENT] = 100;
    add("b", "PUSH", "")->counters[PROBLEM_RECEIVED] = 100;
    add("c", "PUSH", "")->counters[PROBLEM_SENT] = 100;
    sockets[2].counters[PROBLEM_RECEIVED] = 100;
    add("d", "PUSH", "");
    refresh();
    assert_non_null(strstr(row(0, 200), "        -         -"));
    look_ns += 2 * SECOND;
    sockets[0].counters[PROBLEM_SENT] = 140;
    sockets[1].counters[PROBLEM_RECEIVED] = 117;
    sockets[2].counters[PROBLEM_SENT] += 15, sockets[2].counters[PROBLEM_RECEIVED] += 15;
    assert_string_equal(order(TOP_RATE), "1324");
    assert_non_null(strstr(row(0, 200), "        20         -"));
    assert_non_null(strstr(row(2, 200), "         -       8.5"));
    assert_non_null(strstr(row(3, 200), "         -         -"));
    /* One more look tells what came since the second one alone. */
    look_ns += 4 * SECOND;
    sockets[0].counters[PROBLEM_SENT] = 180;
    sockets[1].counters[PROBLEM_RECEIVED] = 117;
    sockets[2].counters[PROBLEM_SENT] = 3; /* another socket's now */
    add("e", "PUSH", "")->counters[PROBLEM_SENT] = 1000;
    assert_string_equal(order(TOP_RATE), "12345");
    assert_non_null(strstr(row(0, 200), "        10         -"));
    assert_non_null(strstr(row(1, 200), "         -       0.0"));
    assert_non_null(strstr(row(2, 200), "         -       0.0"));
    assert_non_null(strstr(row(4, 200), "         -         -"));
    /* Two looks at one time, or the clock went back. */
    refresh();
    assert_non_null(strstr(row(0, 200), "         -         -"));
    look_ns -= SECOND;
    refresh();
    sockets[0].counters[PROBLEM_SENT] = 190;
    assert_non_null(strstr(row(0, 200), "         -         -"));
}

static void refresh__filter__each_word_is_somewhere(void **state)
{
    static const struct {
        const char *filter, *pids;
    } rows[] = {
        {"", "123"},           {"ledger", "12"},     {"LEDGER pu", "12"},    {"pub", "2"},
        {"5556", "13"},        {"ledger 5556", "1"}, {"  5556  feed ", "3"}, {"nothing", ""},
        {"ledger nothing", ""}};
    (void)state;
    add("ledger", "PULL", "tcp://*:5556");
    add("ledger", "PUB", "");
    add("lo-feed", "PUSH", "ipc:///5556");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        (void)snprintf(top.filter, sizeof(top.filter), "%s", rows[i].filter);
        assert_string_equal(order(TOP_PROGRAM), rows[i].pids);
        assert_string_equal(top.filter, rows[i].filter);
    }
}

static void refresh__no_look__leaves_all_as_it_was(void **state)
{
    (void)state;
    add("a", "PUSH", "");
    refresh();
    look_result = -EIO;
    assert_int_equal(top_refresh(&top, &err), -EIO);
    assert_string_equal(err.message, "no look");
    assert_int_equal(top.n_rows, 1);
    assert_string_equal(top.rows[0]->program, "a");
    look_result = 0;
    n_sockets = 0;
    refresh();
    assert_int_equal(top.n_rows, 0);
}

static const char *head(size_t width)
{
    string_buffer_clear(&out);
    top_head_line(&top, width, &out);
    return text();
}

static void lines__head__says_how_many_and_how(void **state)
{
    (void)state;
    add("a", "PUSH", "");
    refresh();
    assert_string_equal(head(70),
                        "1 sockets, 0 problems; order: fullest queue                           ");
    problem_texts[0] = "one is wrong";
    is_complete = false;
    top.order = TOP_PROGRAM;
    (void)snprintf(top.filter, sizeof(top.filter), "a b");
    refresh();
    assert_string_equal(head(60), "1 sockets of more, 1 problem; order: program; filter: a b   ");
    problem_texts[1] = "another";
    refresh();
    assert_string_equal(head(35), "1 sockets of more, 2 problems; orde");
    string_buffer_clear(&out);
    top_problem_line(&top, 1, 10, &out);
    top_problem_line(&top, 0, 6, &out);
    assert_string_equal(text(), "another   one is");
}

static void lines__columns__fit_the_rows(void **state)
{
    (void)state;
    struct problem_socket *socket = add("a-program-with-a-name", "PUSH", "tcp://127.0.0.1:5556");
    socket->pid = 12345678;
    socket->peers = 2;
    socket->send_queue = 1000, socket->send_fullest = 1000000000;
    socket->receive_queue = 0, socket->receive_fullest = 4999999;
    add("b", "PULL", "")->receive_fullest = 5000000;
    refresh();
    string_buffer_clear(&out);
    top_column_line(110, &out);
    assert_string_equal(text(),
                        "PROGRAM        TYPE    ADDRESS                   PID PEERS   TO SEND"
                        "  FULL   TO RECV  FULL    SENT/S    RECV/S");
    assert_string_equal(row(0, 110), "a-program-with PUSH    tcp://127.0.0.1:5556 12345678"
                                     "     2      1000  100%         0    0%         -         -");
    assert_string_equal(row(1, 110), "b              PULL    -                           2"
                                     "     -         -     -         -    1%         -         -");
    /* An address has twelve columns at least, and the line is cut. */
    assert_string_equal(row(0, 102), "a-program-with PUSH    tcp://127.0. 12345678"
                                     "     2      1000  100%         0    0%         -         -");
    assert_string_equal(row(0, 50), "a-program-with PUSH    tcp://127.0. 12345678     2");
    string_buffer_clear(&out);
    top_column_line(30, &out);
    assert_string_equal(text(), "PROGRAM        TYPE    ADDRESS");
    assert_string_equal(row(0, 103), "a-program-with PUSH    tcp://127.0.0 12345678"
                                     "     2      1000  100%         0    0%         -         -");
}

static void json__all__is_what_is_known(void **state)
{
    (void)state;
    struct problem_socket *socket = add("a\"", "PUSH", "tcp://*:1");
    add("b", "PULL", "")->is_peeked = true;
    socket->peers = 2;
    socket->send_queue = 1000, socket->send_fullest = 1000000001;
    socket->receive_queue = 3, socket->receive_fullest = 5;
    socket->counters[PROBLEM_SENT] = 8, socket->counters[PROBLEM_RECEIVED] = 9;
    refresh();
    string_buffer_clear(&out);
    top_json(&top, &out);
    assert_string_equal(
        text(),
        "{\"is_complete\":true,\"sockets\":["
        "{\"program\":\"a\\\"\",\"type\":\"PUSH\",\"address\":\"tcp://*:1\",\"pid\":1,"
        "\"seen_by\":\"tap\",\"peers\":2,\"send_queue_messages\":1000,"
        "\"send_hwm_proximity_ratio\":1.000000001,\"receive_queue_messages\":3,"
        "\"receive_hwm_proximity_ratio\":0.000000005,\"sent_messages\":8,\"received_messages\":9},"
        "{\"program\":\"b\",\"type\":\"PULL\",\"address\":\"\",\"pid\":2,\"seen_by\":\"peek\"}]}"
        "\n");
    assert_false(out.has_failed);
}

static void history__looks__move_on_with_their_socket(void **state)
{
    (void)state;
    add("a", "PUSH", "")->send_fullest = 0;
    refresh();
    sockets[0].send_fullest = 1000000000;
    refresh();
    sockets[0].send_fullest = 500000000;
    sockets[0].receive_fullest = 1;
    add("b", "PUSH", "");
    refresh();
    const uint8_t *send = top.histories[0].send, *receive = top.histories[0].receive;
    assert_int_equal(send[TOP_HISTORY_LOOKS - 1], 100);
    assert_int_equal(send[TOP_HISTORY_LOOKS - 2], 200);
    assert_int_equal(send[TOP_HISTORY_LOOKS - 3], 0);
    assert_int_equal(send[TOP_HISTORY_LOOKS - 4], 255);
    assert_int_equal(send[0], 255);
    assert_int_equal(receive[TOP_HISTORY_LOOKS - 1], 1); /* what is not nothing is shown */
    assert_int_equal(receive[TOP_HISTORY_LOOKS - 2], 255);
    assert_int_equal(top.histories[1].send[TOP_HISTORY_LOOKS - 1], 255);
    for (size_t i = 0; i < TOP_HISTORY_LOOKS; i++)
        refresh();
    assert_int_equal(top.histories[0].send[0], 100);
    sockets[0].send_fullest = 9 * SECOND; /* beyond its mark */
    refresh();
    assert_int_equal(top.histories[0].send[TOP_HISTORY_LOOKS - 1], 200);
    assert_int_equal(top.histories[0].send[0], 100);
}

static int details(size_t width)
{
    static const struct top_key key = {.pid = 1, .serial = 3, .start_ticks = 5};
    string_buffer_clear(&out);
    return top_details_append(&top, &key, width, &out, &err);
}

static void details__socket__is_shown_with_all_that_is_known(void **state)
{
    (void)state;
    struct problem_socket *socket = add("ledger", "PULL", "tcp://*:1");
    socket->serial = 3, socket->start_ticks = 5;
    socket->send_fullest = 0, socket->receive_fullest = 1000000000;
    *add("other", "PULL",
         "") = (struct problem_socket){.pid = 1, .serial = 3, .start_ticks = 6, .type = "PULL"};
    *add("other", "PULL",
         "") = (struct problem_socket){.pid = 1, .serial = 4, .start_ticks = 5, .type = "PULL"};
    *add("other", "PULL",
         "") = (struct problem_socket){.pid = 2, .serial = 3, .start_ticks = 5, .type = "PULL"};
    refresh();
    socket_json =
        "{\"open\":[{\"program\":\"ledger\",\"pid\":1,\"type\":\"PULL\",\"address\":\"tcp://*:1\","
        "\"library\":\"4.3.4\",\"seen_by\":\"tap\",\"peers\":["
        "{\"address\":\"tcp://10.0.0.5:4\",\"program\":\"feed\",\"type\":\"PUSH\",\"pid\":7,"
        "\"send_queue\":1,\"receive_queue\":2,\"unsent_bytes\":3,\"unread_bytes\":4,"
        "\"peer_unread_bytes\":5,\"retransmits\":6,\"full_since\":1764399988.500},"
        "{\"send_queue\":0,\"receive_queue\":0,\"full_since\":1764400000.001}],"
        "\"n_peers_left_out\":8,"
        "\"fields\":{\"one\":1,\"none\":[],\"two\":2,\"three\":3},\"events\":{}}]}";
    assert_int_equal(details(200), 0);
    assert_int_equal(asked_pid, 1);
    assert_int_equal(asked_serial, 3);
    char expected[4096], blanks[61];
    memset(blanks, ' ', 60);
    blanks[59] = '\0';
    (void)snprintf(
        expected, sizeof(expected),
        "ledger 1 PULL tcp://*:1 (libzmq 4.3.4, seen by the tap)\n\n"
        "send queue, fill     |%s▁|\n"
        "receive queue, fill  |%s█|\n\n"
        "%-101sPROGRAM        TYPE         PID  TO SEND  TO RECV     UNSENT     UNREAD    AT PEER  "
        "RESENT FULL FOR\n"
        "%-101sfeed           PUSH           7        1        2          3          4          5  "
        " "
        "    6     11 s\n"
        "%-101s-              -              -        0        0          -          -          -  "
        " "
        "    -        -\n"
        "and 8 more\n\n"
        "%-40s %-24s  %-40s 2\n%-40s 3\n",
        blanks, blanks, "PEER", "tcp://10.0.0.5:4", "-", "one", "1", "two", "three");
    assert_string_equal(text(), expected);
}

static void details__little_is_known__it_says_so(void **state)
{
    (void)state;
    socket_json = "{\"open\":[]}";
    assert_int_equal(details(100), 0);
    assert_string_equal(text(), "This socket is closed.\n");
    socket_json = "{\"open\":[{\"program\":\"a\",\"pid\":1,\"type\":\"PULL\",\"address\":\"\","
                  "\"seen_by\":\"peek\"}]}";
    assert_int_equal(details(100), 0);
    assert_string_equal(
        text(), "a 1 PULL  (seen by the reader)\n\n\nWho is at the other end is not seen.\n");
    socket_json = "{\"open\":[{\"program\":\"a\",\"pid\":1,\"type\":\"PULL\",\"address\":\"x\","
                  "\"peers\":[],\"fields\":{},\"events\":{\"listening\":1,\"closed\":2}}]}";
    assert_int_equal(details(134), 0);
    char expected[512];
    (void)snprintf(expected, sizeof(expected),
                   "a 1 PULL x (seen by the tap)\n\n\nNobody is at the other end.\n\n"
                   "%-40s 1\n%-40s 2\n",
                   "listening", "closed");
    assert_string_equal(text(), expected);
    assert_int_equal(details(135), 0);
    assert_null(strstr(text(), "\nclosed"));
    socket_json = "{\"open\":[{\"peers\":3,\"fields\":4}]}";
    assert_int_equal(details(100), 0);
    assert_non_null(strstr(text(), "is not seen.\n"));
}

static void details__wrong_answers__are_errors(void **state)
{
    (void)state;
    socket_result = -EIO;
    assert_int_equal(details(100), -EIO);
    socket_result = 0;
    static const char *const wrong[] = {"{\"closed\":[]}", "{", "{\"open\":1}", "{\"open\":{}}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        socket_json = wrong[i];
        assert_int_equal(details(100), -EPROTO);
        assert_string_equal(err.message,
                            "--url: is it an exporter, of this release? the answer has no open");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(refresh__orders__the_greatest_first),
        CASE(refresh__rates__are_of_two_looks),
        CASE(refresh__filter__each_word_is_somewhere),
        CASE(refresh__no_look__leaves_all_as_it_was),
        CASE(lines__head__says_how_many_and_how),
        CASE(lines__columns__fit_the_rows),
        CASE(json__all__is_what_is_known),
        CASE(history__looks__move_on_with_their_socket),
        CASE(details__socket__is_shown_with_all_that_is_known),
        CASE(details__little_is_known__it_says_so),
        CASE(details__wrong_answers__are_errors),
    };
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
