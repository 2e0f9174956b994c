/* SPDX-License-Identifier: MPL-2.0 */
/* Which of two ways the events of a libzmq come, and what is asked of it where they come directly.
 */
#include "tap/events/monitor.h"

#include "tap/events/direct.h"
#include "tap/events/fake_socket.h"
#include "tap/events/hub.h"
#include "tap/ground/capability.h"
#include "tap/learned/learned.h"
#include "tap/learned/pipe_lab.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define OWN  "inproc://.zmqtap"
#define LAB  ((void *)0x1111)
#define MADE ((void *)0x2222)

struct library library_list[LIBRARY_MAX];
static char said[1000];
static struct registry_socket *socket_now;
static enum learned_monitor kinds[LIBRARY_MAX];
static unsigned calls_of_first, calls_of_second, n_frames, n_begun;
static struct fake_socket_request *request_now, last;
static const char *lab_reason;
static bool has_no_socket, has_monitor, has_hub_monitor;
static int result;

static void say(const char *word)
{
    strcat(strcat(said, said[0] ? " " : ""), word);
    errno = 99;
}

#define ASSERT_SAID(expected)                                                                      \
    do {                                                                                           \
        assert_string_equal(said, expected);                                                       \
        said[0] = '\0';                                                                            \
    } while (0)

static int answer(const char *function, const char *address, uint64_t events)
{
    char text[100];
    const char *name = !address ? "none" : strcmp(address, OWN) == 0 ? "own" : address;
    assert_ptr_equal(library_inside, &tap_played);
    assert_non_null(request_now);
    if (address) /* the first try is without events */
        request_now->calls = n_begun <= 2 ? calls_of_first : calls_of_second;
    request_now->n_frames += events == 0 && !address && n_begun > 2 ? n_frames : 0;
    snprintf(text, sizeof(text), "%s %s %llx", function, name, (unsigned long long)events);
    say(text);
    return result;
}

static int monitor(void *handle, const char *address, int events)
{
    assert_true(handle == socket_now->handle || handle == MADE);
    return answer("monitor", address, (uint64_t)events);
}

static int monitor_versioned(void *handle, const char *address, uint64_t events, int version,
                             int type)
{
    assert_ptr_equal(handle, socket_now->handle);
    assert_int_equal(version, 2);
    assert_int_equal(type, ZMQ_PUB);
    return answer("versioned", address, events);
}

void fake_socket_begin(struct fake_socket_request *request)
{
    assert_null(request_now);
    request_now = request;
    last = *request;
    n_begun++;
}

void fake_socket_end(void)
{
    assert_non_null(request_now);
    request_now = NULL;
}

bool fake_socket_has_monitor(const struct registry_socket *socket)
{
    assert_ptr_equal(socket, socket_now);
    assert_int_equal(tap_played_lock_depth, 1);
    return has_monitor;
}

void fake_socket_reset(struct registry_socket *socket)
{
    assert_ptr_equal(socket, socket_now);
    say("reset");
}

void fake_socket_forked(void)
{
    say("fakes-forked");
}

enum learned_monitor learned_monitor_of(const struct library *library)
{
    size_t i = library == &tap_played ? 0 : (size_t)(library - library_list);
    return kinds[i];
}

void learned_set_monitor(const struct library *library, enum learned_monitor kind)
{
    assert_ptr_equal(library, &tap_played);
    kinds[0] = kind;
}

const char *pipe_lab_open(const struct library *library, struct pipe_lab *ret_lab)
{
    assert_ptr_equal(library, &tap_played);
    ret_lab->context = LAB;
    say("lab");
    return lab_reason;
}

void pipe_lab_close(struct pipe_lab *self)
{
    assert_ptr_equal(self->context, LAB);
    say("end-lab");
}

void *pipe_lab_socket(struct pipe_lab *self, int type, int send_hwm, int receive_hwm)
{
    assert_ptr_equal(self->context, LAB);
    (void)type, (void)send_hwm, (void)receive_hwm;
    return has_no_socket ? NULL : MADE;
}

void pipe_lab_close_socket(struct pipe_lab *self, void **socket_p)
{
    (void)self;
    say(*socket_p ? "close" : "close-none");
}

/*
 * Hubs
 */
void hub_start(void)
{
    say("hub-start");
}

bool hub_attach(struct registry_socket *socket)
{
    assert_ptr_equal(socket, socket_now);
    say("hub-attach");
    return has_hub_monitor;
}

void hub_close_socket(struct registry_socket *socket)
{
    assert_ptr_equal(socket, socket_now);
    say("hub-close");
}

int hub_request(struct registry_socket *socket, const struct monitor_request *request)
{
    assert_ptr_equal(socket, socket_now);
    assert_non_null(request);
    say("hub-request");
    return 5;
}

void hub_begin_context(struct registry_context *context)
{
    assert_ptr_equal(context, tap_played_context);
    say("hub-begin");
}

void hub_drain_context(struct registry_context *context)
{
    assert_ptr_equal(context, tap_played_context);
    say("hub-drain");
}

void hub_drain_all(void)
{
    say("hub-drain-all");
}

bool hub_is_urgent(void)
{
    return has_hub_monitor;
}

int hub_wait_for_closed(struct registry_context *context)
{
    assert_ptr_equal(context, tap_played_context);
    say("hub-wait");
    return -1;
}

void hub_end_context(struct registry_context *context)
{
    assert_ptr_equal(context, tap_played_context);
    say("hub-end");
}

bool hub_shed(void)
{
    return has_hub_monitor;
}

void hub_forked(void)
{
    say("hubs-forked");
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    capability_start(tap_played_table->header);
    tap_played.socket_monitor = monitor;
    tap_played.socket_monitor_versioned = monitor_versioned;
    socket_now = tap_played_open(ZMQ_PUSH);
    memset(kinds, 0, sizeof(kinds));
    said[0] = '\0';
    calls_of_first = calls_of_second = FAKE_SOCKET_MADE | FAKE_SOCKET_OPTION_SET |
                                       FAKE_SOCKET_BOUND | FAKE_SOCKET_CLOSED;
    n_frames = 2;
    n_begun = 0;
    request_now = NULL;
    lab_reason = NULL;
    has_no_socket = has_monitor = false;
    has_hub_monitor = true;
    result = 0;
    library_inside = NULL;
    return 0;
}

static int state_of(enum segment_capability_id id)
{
    return (int)tap_played_table->header->capabilities[id].state;
}

/*
 * Which way
 */
#define TRIED "monitor own 0 monitor none 0 monitor own ffff monitor none 0"

static void library__all_calls_pass_the_hooks__is_direct(void **state)
{
    (void)state;
    monitor_add_library(&tap_played);
    ASSERT_SAID("lab " TRIED " close end-lab");
    assert_int_equal(kinds[0], LEARNED_MONITOR_DIRECT);
    assert_ptr_equal(last.context, LAB);
    assert_int_equal(last.type, ZMQ_PAIR);
    assert_int_equal(last.version, 1);
    assert_int_equal(state_of(SEGMENT_CAPABILITY_OVERSIZED), SEGMENT_CAPABILITY_ON);
    assert_false(monitor_has_sockets(&tap_played));
    monitor_add_library(&tap_played); /* once */
    ASSERT_SAID("");
    assert_null(library_inside);
    monitor_drain_context(tap_played_context);
    ASSERT_SAID("");
}

static void library__some_call_passes_no_hook__has_hubs(void **state)
{
    static const unsigned parts[] = {FAKE_SOCKET_MADE, FAKE_SOCKET_OPTION_SET, FAKE_SOCKET_BOUND,
                                     FAKE_SOCKET_CLOSED};
    unsigned all = calls_of_first;
    (void)state;
    for (size_t i = 0; i < 9; i++) {
        calls_of_first = i < 4 ? all & ~parts[i] : all;
        calls_of_second = i >= 4 && i < 8 ? all & ~parts[i - 4] : all;
        n_frames = i == 8 ? 1 : 2;
        n_begun = 0;
        kinds[0] = LEARNED_MONITOR_UNTRIED;
        monitor_add_library(&tap_played);
        assert_int_equal(kinds[0], LEARNED_MONITOR_HUB);
        assert_int_equal(n_begun, i < 4 ? 2 : 4);
        said[0] = '\0';
    }
    assert_true(monitor_has_sockets(&tap_played));
    assert_int_equal(state_of(SEGMENT_CAPABILITY_OVERSIZED), SEGMENT_CAPABILITY_OFF);
    monitor_drain_context(tap_played_context);
    ASSERT_SAID("hub-drain");
}

static void library__cannot_be_tried_now__is_with_its_first_socket(void **state)
{
    (void)state;
    lab_reason = "too few";
    monitor_add_library(&tap_played);
    ASSERT_SAID("lab");
    lab_reason = NULL;
    has_no_socket = true;
    monitor_add_library(&tap_played);
    ASSERT_SAID("lab close-none end-lab");
    assert_int_equal(state_of(SEGMENT_CAPABILITY_OVERSIZED), 0);
    errno = 42;
    monitor_attach(socket_now);
    assert_int_equal(errno, 42);
    ASSERT_SAID(TRIED " monitor own ffff");
    assert_ptr_equal(last.socket, socket_now);
    assert_int_equal(state_of(SEGMENT_CAPABILITY_OVERSIZED), SEGMENT_CAPABILITY_ON);
    assert_int_equal(state_of(SEGMENT_CAPABILITY_EVENTS), SEGMENT_CAPABILITY_ON);
    monitor_attach(socket_now);
    ASSERT_SAID("monitor own ffff");
    result = -1;
    monitor_attach(socket_now);
    assert_int_equal(state_of(SEGMENT_CAPABILITY_EVENTS), SEGMENT_CAPABILITY_BOUND);
}

/*
 * By hubs
 */
static void hub__each_call__is_its(void **state)
{
    const struct monitor_request request = {.version = 1};
    (void)state;
    kinds[0] = LEARNED_MONITOR_HUB;
    monitor_attach(socket_now);
    assert_int_equal(state_of(SEGMENT_CAPABILITY_EVENTS), SEGMENT_CAPABILITY_ON);
    has_hub_monitor = false;
    monitor_attach(socket_now);
    assert_int_equal(state_of(SEGMENT_CAPABILITY_EVENTS), SEGMENT_CAPABILITY_BOUND);
    assert_int_equal(monitor_request(socket_now, &request), 5);
    monitor_end_call(socket_now);
    assert_int_equal(monitor_wait_for_closed(tap_played_context), -1);
    monitor_end_context(tap_played_context);
    monitor_close_socket(socket_now);
    monitor_begin_context(tap_played_context);
    monitor_drain_all();
    monitor_reset(socket_now);
    monitor_forked();
    ASSERT_SAID("hub-attach hub-attach hub-request hub-drain hub-wait hub-end hub-close hub-begin "
                "hub-drain-all reset hubs-forked fakes-forked");
    assert_false(monitor_is_urgent());
    assert_false(monitor_shed());
    has_hub_monitor = true;
    assert_true(monitor_is_urgent());
    assert_true(monitor_shed());
}

static void rounds__some_copy_has_hubs__are_needed(void **state)
{
    (void)state;
    assert_false(monitor_needs_rounds());
    kinds[LIBRARY_MAX - 1] = LEARNED_MONITOR_HUB;
    assert_true(monitor_needs_rounds());
    kinds[LIBRARY_MAX - 1] = LEARNED_MONITOR_DIRECT;
    assert_false(monitor_needs_rounds());
    kinds[0] = LEARNED_MONITOR_HUB;
    assert_true(monitor_needs_rounds());
}

/*
 * Directly
 */
static int ask(const char *address, uint64_t events, bool is_versioned)
{
    const struct monitor_request request = {.address = address,
                                            .events = events,
                                            .version = is_versioned ? 2 : 1,
                                            .type = is_versioned ? ZMQ_PUB : ZMQ_PAIR,
                                            .is_versioned = is_versioned};
    library_inside = NULL;
    n_begun = 0;
    int rc = monitor_request(socket_now, &request);
    assert_null(library_inside);
    return rc;
}

static void direct__program_has_a_monitor__has_the_tap_s_events_too(void **state)
{
    (void)state;
    kinds[0] = LEARNED_MONITOR_DIRECT;
    has_monitor = true;
    assert_int_equal(ask("inproc://m", 4, false), 0);
    ASSERT_SAID("monitor inproc://m ffff");
    assert_true(last.has_target);
    assert_int_equal(last.mask, 4);
    assert_int_equal(last.version, 1);
    assert_int_equal(ask("inproc://m", 0x30000, true), 0);
    ASSERT_SAID("versioned inproc://m 3ffff");
    assert_int_equal(last.type, ZMQ_PUB);
    assert_int_equal(last.version, 2);
    result = -1;
    assert_int_equal(ask("inproc://m", 4, false), -1);
    ASSERT_SAID("monitor inproc://m ffff"); /* refused before it touched the monitor */
    has_monitor = false;
    errno = 1;
    assert_int_equal(ask("inproc://m", 4, false), -1);
    assert_int_equal(errno, 99);
    ASSERT_SAID("monitor inproc://m ffff monitor own ffff");
}

static void direct__program_ends_its_monitor__tap_s_goes_on(void **state)
{
    (void)state;
    kinds[0] = LEARNED_MONITOR_DIRECT;
    assert_int_equal(ask(NULL, 0, false), 0);
    ASSERT_SAID("monitor own ffff");
    assert_false(last.has_target);
    result = -1;
    assert_int_equal(ask(NULL, 0, false), 0); /* it has ended, whatever came of the tap's */
    calls_of_first = 0;
    assert_int_equal(ask(NULL, 0, false), -1);
    said[0] = '\0';
    result = 0;
    assert_int_equal(ask(NULL, 0x10000, true), 0);
    ASSERT_SAID("monitor own ffff");
    tap_played.version_number = 40302;
    assert_int_equal(ask(NULL, 0x10000, true), 0);
    ASSERT_SAID("monitor own ffff");
    assert_int_equal(ask(NULL, 0xffff, false), 0);
    ASSERT_SAID("monitor own ffff");
    assert_int_equal(ask(NULL, 0x10000, false), 0);
    ASSERT_SAID("monitor none 1ffff"); /* which this one refuses: it says so itself */
    tap_played.version_number = 40301;
    assert_int_equal(ask(NULL, 0x10000, false), 0);
    ASSERT_SAID("monitor own ffff");
}

static void direct__closed__free_once_its_monitor_has_told_its_last(void **state)
{
    (void)state;
    kinds[0] = LEARNED_MONITOR_DIRECT;
    has_monitor = true;
    monitor_end_call(socket_now);
    assert_int_equal(monitor_wait_for_closed(tap_played_context), 0);
    monitor_end_context(tap_played_context);
    monitor_close_socket(socket_now);
    ASSERT_SAID("");
    assert_null(socket_now->slot);
    assert_true(socket_now->is_used);
    socket_now = tap_played_open(ZMQ_PUSH);
    has_monitor = false;
    monitor_close_socket(socket_now);
    assert_false(socket_now->is_used);
}

static void direct__within_another_call_of_the_tap__that_goes_on(void **state)
{
    (void)state;
    kinds[0] = LEARNED_MONITOR_DIRECT;
    library_inside = library_list;
    monitor_attach(socket_now);
    assert_ptr_equal(library_inside, library_list);
    library_inside = NULL;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(library__all_calls_pass_the_hooks__is_direct),
        CASE(library__some_call_passes_no_hook__has_hubs),
        CASE(library__cannot_be_tried_now__is_with_its_first_socket),
        CASE(hub__each_call__is_its),
        CASE(rounds__some_copy_has_hubs__are_needed),
        CASE(direct__program_has_a_monitor__has_the_tap_s_events_too),
        CASE(direct__program_ends_its_monitor__tap_s_goes_on),
        CASE(direct__closed__free_once_its_monitor_has_told_its_last),
        CASE(direct__within_another_call_of_the_tap__that_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
