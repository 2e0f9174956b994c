/* SPDX-License-Identifier: MPL-2.0 */
/* /api/v1/sockets/open, of sockets that the tap and the reader are played to tell of, and of a
 * table of peers. */
#include "agent/agent_open_sockets.h"
#include "agent/agent_peers.h"
#include "collectors/peek/peek_sockets.h"
#include "collectors/peers/peers_watch.h"
#include "collectors/tap/tap_sockets.h"
#include "problems/problem_watch.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define SECOND UINT64_C(1000000000)

static struct segment_header processes[2];
static struct segment_group groups[2];
static struct segment_library library = {4, 3, 5, 0, "/lib"};
static uint64_t words[2][SEGMENT_LANE_WORDS_MAX];
static struct tap_socket sockets[2]; /* the second one is the reader's */
static unsigned n_times;             /* how often the first one is told of */
static int tap_result, peek_result, visit_result;
static bool is_locked, is_asked;
static struct problem_socket named;
static struct problem_look look = {.view = {.sockets = &named, .n = 1}};
static int n_looks, look_result;
static struct peer peers[300];
static struct peer_process known_process;
static struct peer_table table;
static const char *asked[5];
static struct string_buffer json;

int __wrap_tap_sockets_each(const char *directory, int (*visit)(const struct tap_socket *, void *),
                            void *data);
int __wrap_peek_sockets_each(struct peek_link *link,
                             int (*visit)(const struct tap_socket *, void *), void *data);
void __wrap_peers_watch_ask(struct peers_watch *self, uint64_t max_age_ns, uint64_t patience_ns);
const struct peer_table *__wrap_peers_watch_lock(struct peers_watch *self);
void __wrap_peers_watch_unlock(struct peers_watch *self);
const char *__wrap_http_request_query(const struct http_request *self, const char *name);
int __wrap_problem_watch_share(struct problem_watch *self, struct problem_look **ret_look);
void __wrap_problem_watch_release(struct problem_watch *self, struct problem_look *shared);

int __wrap_tap_sockets_each(const char *directory, int (*visit)(const struct tap_socket *, void *),
                            void *data)
{
    assert_string_equal(directory, "/segments");
    for (unsigned i = 0; i < n_times && visit_result == 0; i++)
        visit_result = visit(&sockets[0], data);
    return tap_result;
}

int __wrap_peek_sockets_each(struct peek_link *link,
                             int (*visit)(const struct tap_socket *, void *), void *data)
{
    assert_ptr_equal(link, &sockets[1]);
    assert_int_equal(visit(&sockets[1], data), 0);
    return peek_result;
}

void __wrap_peers_watch_ask(struct peers_watch *self, uint64_t max_age_ns, uint64_t patience_ns)
{
    assert_ptr_equal(self, &table);
    assert_int_equal(max_age_ns, 5 * SECOND);
    assert_int_equal(patience_ns, 5 * SECOND / 2);
    assert_false(is_locked);
    is_asked = true;
}

const struct peer_table *__wrap_peers_watch_lock(struct peers_watch *self)
{
    assert_ptr_equal(self, &table);
    assert_true(is_asked);
    is_locked = true;
    return &table;
}

void __wrap_peers_watch_unlock(struct peers_watch *self)
{
    assert_ptr_equal(self, &table);
    is_locked = false;
}

int __wrap_problem_watch_share(struct problem_watch *self, struct problem_look **ret_look)
{
    assert_ptr_equal(self, &look);
    assert_false(is_locked); /* it takes that lock itself */
    if (look_result == 0) {
        *ret_look = &look;
        n_looks++;
    }
    return look_result;
}

void __wrap_problem_watch_release(struct problem_watch *self, struct problem_look *shared)
{
    assert_ptr_equal(self, &look);
    assert_ptr_equal(shared, &look);
    n_looks--;
}

const char *__wrap_http_request_query(const struct http_request *self, const char *name)
{
    static const char *const names[] = {"program", "type", "address", "pid", "serial"};
    assert_null(self);
    for (size_t i = 0; i < 5; i++) {
        if (strcmp(name, names[i]) == 0)
            return asked[i];
    }
    fail_msg("%s", name);
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    memset(processes, 0, sizeof(processes));
    memset(groups, 0, sizeof(groups));
    memset(peers, 0, sizeof(peers));
    memset(asked, 0, sizeof(asked));
    table = (struct peer_table){.items = peers, .processes = &known_process, .n_processes = 1};
    known_process = (struct peer_process){.start_ticks = 55, .pid = 7};
    n_times = 1;
    tap_result = peek_result = visit_result = 0;
    is_locked = is_asked = false;
    look_result = 0;
    for (size_t i = 0; i < 2; i++) {
        for (size_t word = 0; word < SEGMENT_LANE_WORDS_MAX; word++)
            words[i][word] = SEGMENT_UNKNOWN;
        sockets[i] = (struct tap_socket){.process = &processes[i],
                                         .group = &groups[i],
                                         .type = i ? "PULL" : "PUSH",
                                         .words = words[i],
                                         .is_peeked = i};
        (void)snprintf(processes[i].program, sizeof(processes[i].program), "program%zu", i);
        (void)snprintf(processes[i].command, sizeof(processes[i].command), "command%zu", i);
        (void)snprintf(groups[i].endpoint, sizeof(groups[i].endpoint), "tcp://*:%zu", i);
        groups[i].type = i ? ZMQ_PULL : ZMQ_PUSH;
        processes[i].pid = 7 + i;
        processes[i].start_ticks = 55 + i;
        words[i][SEGMENT_SERIAL] = 3 + i;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    string_buffer_finish(&json);
    free(table.slots);
    table.slots = NULL;
    assert_false(is_locked);
    assert_int_equal(n_looks, 0);
    return 0;
}

static const struct agent_open_sockets tapped = {.directory = "/segments"};
static const struct agent_open_sockets both = {.directory = "/segments",
                                               .peek = (struct peek_link *)&sockets[1]};
static const struct agent_open_sockets with_peers = {.directory = "/segments",
                                                     .peers = (struct peers_watch *)&table};

static const char *list(const struct agent_open_sockets *self,
                        struct agent_open_sockets_query query)
{
    string_buffer_finish(&json);
    visit_result = 0;
    assert_int_equal(agent_open_sockets_list(self, &query, &json), 0);
    return json.data;
}

#define ANY ((struct agent_open_sockets_query){.program = NULL})
#define END "],\"is_complete\":true}\n"

static void list__a_socket__has_what_is_known(void **state)
{
    (void)state;
    words[0][SEGMENT_SEND_HWM] = 1000;
    words[0][SEGMENT_OPTION_LINGER] = (uint64_t)-1;
    words[0][SEGMENT_SEND_FULLEST] = 1000000005;
    sockets[0].library = &library;
    (void)snprintf(groups[0].name, sizeof(groups[0].name), "na\"me");
    processes[0].capabilities[0] = (struct segment_capability){.state = SEGMENT_CAPABILITY_OFF,
                                                               .reason = "why"};
    processes[0].capabilities[1].state = SEGMENT_CAPABILITY_ON;
    processes[0].capabilities[SEGMENT_N_CAPABILITIES - 1] = (struct segment_capability){
        .state = SEGMENT_CAPABILITY_BOUND, .reason = "b"};
    const char *text = list(&tapped, ANY);
    static const char begin[] = "{\"open\":[{\"pid\":7,\"command\":\"command0\","
                                "\"program\":\"program0\",\"type\":\"PUSH\","
                                "\"address\":\"tcp://*:0\",\"socket\":\"na\\\"me\","
                                "\"library\":\"4.3.5\",\"is_silent\":false,\"seen_by\":\"tap\","
                                "\"fields\":{";
    assert_memory_equal(text, begin, sizeof(begin) - 1);
    assert_non_null(strstr(text, "\"send_hwm_messages\":1000,"));
    assert_non_null(strstr(text, "_proximity_ratio\":1.000000005"));
    assert_non_null(strstr(text, "linger"));
    assert_non_null(strstr(text, ":-1"));
    const char *left_out = strstr(text, ",\"not_measured\":[{\"capability\":\"");
    assert_non_null(left_out);
    assert_non_null(strstr(left_out, "\"state\":\"off\",\"reason\":\"why\"},{\"capability\":\""));
    const char *last = strstr(left_out, "\"state\":\"bound\",\"reason\":\"b\"}]}" END);
    assert_non_null(last);
    assert_string_equal(last, "\"state\":\"bound\",\"reason\":\"b\"}]}" END);
    assert_null(strstr(text, "\"peers\":["));
    assert_null(strstr(text, "{,"));
    assert_null(strstr(text, ",,"));
    sockets[0].is_silent = true;
    sockets[0].library = NULL;
    groups[0].name[0] = '\0';
    text = list(&tapped, ANY);
    assert_non_null(strstr(text, "\"is_silent\":true"));
    assert_null(strstr(text, "library"));
    assert_null(strstr(text, "\"socket\""));
}

static void list__both_sources__are_one_list(void **state)
{
    (void)state;
    const char *text = list(&both, ANY);
    const char *other = strstr(text, "},{\"pid\":8,");
    assert_non_null(other);
    assert_non_null(strstr(other, "\"seen_by\":\"peek\""));
    assert_null(strstr(other, "\"seen_by\":\"tap\""));
}

static void list__asked_for__is_that_alone(void **state)
{
    static const struct {
        struct agent_open_sockets_query query;
        bool has_first, has_second;
    } rows[] = {
        {{.program = "program1"}, false, true},
        {{.type = "PUSH"}, true, false},
        {{.address = "tcp://*:1"}, false, true},
        {{.pid = "7"}, true, false},
        {{.serial = "4"}, false, true},
        {{.pid = "7", .serial = "4"}, false, false},
        {{.program = "program"}, false, false},
        {{.pid = "07"}, false, false},
        {{.type = "PUSH", .program = "program0", .address = "tcp://*:0", .pid = "7", .serial = "3"},
         true,
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *text = list(&both, rows[i].query);
        assert_int_equal(!!strstr(text, "{\"pid\":7,"), rows[i].has_first);
        assert_int_equal(!!strstr(text, "{\"pid\":8,"), rows[i].has_second);
        assert_null(strstr(text, "[,"));
    }
    assert_string_equal(list(&both, (struct agent_open_sockets_query){.pid = "9"}),
                        "{\"open\":[" END);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

static void list__too_many__are_cut_and_said(void **state)
{
    (void)state;
    n_times = AGENT_OPEN_SOCKETS_MAX;
    const char *text = list(&tapped, ANY);
    assert_int_equal(count(text, "{\"pid\":7,"), 1000);
    assert_non_null(strstr(text, END));
    n_times++;
    text = list(&tapped, ANY);
    assert_int_equal(count(text, "{\"pid\":7,"), 1000);
    assert_non_null(strstr(text, "],\"is_complete\":false}\n"));
    assert_int_equal(visit_result, 0);
}

static void list__directory__that_is_not_there_has_none(void **state)
{
    (void)state;
    n_times = 0;
    tap_result = -ENOENT;
    assert_string_equal(list(&tapped, ANY), "{\"open\":[" END);
    assert_int_equal(count(list(&both, ANY), "{\"pid\":8,"), 1);
    tap_result = -EACCES;
    string_buffer_finish(&json);
    assert_int_equal(agent_open_sockets_list(&both, &ANY, &json), -EACCES);
    assert_string_equal(json.data, "{\"open\":[" END);
    string_buffer_finish(&json);
    tap_result = 0;
    peek_result = -EIO;
    assert_int_equal(agent_open_sockets_list(&both, &ANY, &json), -EIO);
}

static struct http_response answer(void)
{
    struct http_response response = {.status = 200};
    union {
        const struct agent_open_sockets *in;
        void *out;
    } self = {&both};
    agent_open_sockets_handle(self.out, NULL, &response);
    return response;
}

static void handle__questions__are_answered(void **state)
{
    static const char *const values[] = {"program1", "PULL", "tcp://*:1", "8", "4"};
    (void)state;
    struct http_response response = answer();
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "application/json");
    assert_int_equal(count(response.body, "{\"pid\":"), 2);
    http_response_finish(&response);
    for (size_t i = 0; i < 5; i++) {
        memset(asked, 0, sizeof(asked));
        asked[i] = values[i];
        visit_result = 0;
        response = answer();
        assert_int_equal(count(response.body, "{\"pid\":"), 1);
        assert_int_equal(count(response.body, "{\"pid\":8"), 1);
        http_response_finish(&response);
    }
    tap_result = -EACCES;
    response = answer();
    assert_int_equal(response.status, 503);
    assert_string_equal(response.body, "the segment directory cannot be read\n");
}

static void add_peers(size_t n)
{
    words[0][SEGMENT_HANDLE] = 66;
    for (size_t i = 0; i < n; i++)
        peers[i] = (struct peer){.start_ticks = 55,
                                 .handle = 66,
                                 .pid = 7,
                                 .inode = i + 1,
                                 .unsent_bytes = PEER_UNKNOWN,
                                 .unread_bytes = PEER_UNKNOWN,
                                 .peer_unread_bytes = PEER_UNKNOWN,
                                 .retransmits = PEER_UNKNOWN};
    table.n = n;
}

static const struct agent_open_sockets with_names = {.directory = "/segments",
                                                     .peers = (struct peers_watch *)&table,
                                                     .problems = (struct problem_watch *)&look};
static const struct agent_open_sockets *asked_of = &with_peers;

/* The list of peers, and what follows in the socket. */
static const char *list_peers(void)
{
    free(table.slots);
    assert_int_equal(peer_table_complete(&table), 0);
    const char *text = strstr(list(asked_of, ANY), ",\"peers\":[");
    assert_true(is_asked);
    return text ? text : "";
}

#define TAIL "}" END

static void peers__of_a_socket__have_what_is_known(void **state)
{
    (void)state;
    add_peers(2);
    peers[0].send_queue = 5, peers[0].receive_queue = 6;
    (void)snprintf(peers[1].address, sizeof(peers[1].address), "tcp://a\":1");
    (void)snprintf(peers[1].peer_program, sizeof(peers[1].peer_program), "feed");
    peers[1].peer_type = "PULL";
    peers[1].peer_pid = 9;
    peers[1].unsent_bytes = 1, peers[1].unread_bytes = 0, peers[1].peer_unread_bytes = 3;
    peers[1].retransmits = 4;
    peers[1].full_since_ns = 12 * SECOND + 34567890;
    assert_string_equal(list_peers(),
                        ",\"peers\":[{\"send_queue\":5,\"receive_queue\":6},"
                        "{\"send_queue\":0,\"receive_queue\":0,\"address\":\"tcp://a\\\":1\","
                        "\"program\":\"feed\",\"type\":\"PULL\",\"pid\":9,\"unsent_bytes\":1,"
                        "\"unread_bytes\":0,\"peer_unread_bytes\":3,\"retransmits\":4,"
                        "\"full_since\":12.034}]" TAIL);
    peers[1].address[0] = '\0';
    peers[1].peer_type = NULL;
    assert_non_null(strstr(list_peers(), "\"receive_queue\":0,\"program\":\"feed\",\"pid\":9,"));
}

static void peers__of_tapped_programs__have_the_names_of_these(void **state)
{
    (void)state;
    add_peers(1);
    (void)snprintf(peers[0].peer_program, sizeof(peers[0].peer_program), "python3");
    peers[0].peer_pid = 9;
    peers[0].peer_start_ticks = 33;
    named = (struct problem_socket){.pid = 9, .start_ticks = 33, .handle = SEGMENT_UNKNOWN};
    (void)snprintf(named.program, sizeof(named.program), "led\"ger");
    asked_of = &with_names;
    assert_non_null(strstr(list_peers(), "\"program\":\"led\\\"ger\",\"pid\":9"));
    named.start_ticks = 34;
    assert_non_null(strstr(list_peers(), "\"program\":\"python3\",\"pid\":9"));
    named.start_ticks = 33;
    look_result = -ENOMEM;
    assert_non_null(strstr(list_peers(), "\"program\":\"python3\",\"pid\":9"));
    asked_of = &with_peers;
    assert_non_null(strstr(list_peers(), "\"program\":\"python3\",\"pid\":9"));
}

static void peers__not_known__are_left_out(void **state)
{
    (void)state;
    add_peers(0);
    assert_string_equal(list_peers(), ",\"peers\":[]" TAIL);
    known_process.start_ticks++;
    assert_string_equal(list_peers(), "");
    known_process.start_ticks--;
    words[0][SEGMENT_HANDLE] = SEGMENT_UNKNOWN;
    assert_string_equal(list_peers(), "");
}

static void peers__too_many__those_that_most_waits_for(void **state)
{
    (void)state;
    add_peers(AGENT_PEERS_MAX);
    peers[99].send_queue = 1;
    const char *text = list_peers(); /* all are shown, as they stand */
    assert_int_equal(count(text, "\"send_queue\":"), 100);
    assert_null(strstr(text, "left_out"));
    assert_non_null(strstr(text, "{\"send_queue\":1,\"receive_queue\":0}]" TAIL));
    add_peers(103);
    peers[50].send_queue = 3;
    peers[60].receive_queue = 4;
    peers[70].send_queue = 2, peers[70].receive_queue = 3;
    peers[80].unsent_bytes = 9;
    peers[90].unread_bytes = 10;
    peers[95].unread_bytes = 5, peers[95].unsent_bytes = 6;
    text = list_peers();
    static const char begin[] = ",\"peers\":[{\"send_queue\":2,\"receive_queue\":3},"
                                "{\"send_queue\":0,\"receive_queue\":4},"
                                "{\"send_queue\":3,\"receive_queue\":0},"
                                "{\"send_queue\":0,\"receive_queue\":0,\"unsent_bytes\":6,"
                                "\"unread_bytes\":5},"
                                "{\"send_queue\":0,\"receive_queue\":0,\"unread_bytes\":10},"
                                "{\"send_queue\":0,\"receive_queue\":0,\"unsent_bytes\":9},"
                                "{\"send_queue\":0,\"receive_queue\":0},";
    assert_memory_equal(text, begin, sizeof(begin) - 1);
    assert_int_equal(count(text, "\"send_queue\":"), 100);
    assert_non_null(strstr(text, "],\"n_peers_left_out\":3" TAIL));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(list__a_socket__has_what_is_known),
        CASE(list__both_sources__are_one_list),
        CASE(list__asked_for__is_that_alone),
        CASE(list__too_many__are_cut_and_said),
        CASE(list__directory__that_is_not_there_has_none),
        CASE(handle__questions__are_answered),
        CASE(peers__of_a_socket__have_what_is_known),
        CASE(peers__of_tapped_programs__have_the_names_of_these),
        CASE(peers__not_known__are_left_out),
        CASE(peers__too_many__those_that_most_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
