/* SPDX-License-Identifier: MPL-2.0 */
/* Events that come to the tap's own consumer: whose they are, what they say, what is passed on. */
#include "tap/events/events.h"
#include "tap/events/hub_state.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define HERE     "tcp://127.0.0.1:5555"
#define THERE    "tcp://127.0.0.1:6666"
#define CONSUMER ((void *)0x1234)

static struct registry_socket *socket_of_program;
static struct hub_entry entry;
static struct hub hub;
static struct event last;
static char last_address[2048], last_other[2048];
static unsigned n_counted, n_sent, n_finished, n_closed;
static size_t n_sent_frames;

/* What waits to be received. */
static struct frame {
    const void *content;
    size_t size;
    bool has_more;
} frames[64];
static size_t n_frames, n_taken;
static int last_error;

struct hub_entry *hub_entry_of(const struct registry_socket *socket)
{
    assert_ptr_equal(socket, socket_of_program);
    return &entry;
}

struct registry_socket *hub_socket_at(uint32_t index)
{
    return index == 5 ? socket_of_program : NULL;
}

void events_count(struct registry_socket *socket, const struct event *event)
{
    assert_ptr_equal(socket, socket_of_program);
    assert_int_equal(tap_played_lock_depth, 1);
    n_counted++;
    last = *event;
    (void)strncpy(last_address, event->address, sizeof(last_address) - 1);
    last_other[0] = '\0';
    if (event->other_address)
        (void)strncpy(last_other, event->other_address, sizeof(last_other) - 1);
}

void hub_forwarder_send(struct hub_forwarder *self, struct hub_frames *event)
{
    assert_ptr_equal(self, &entry.forwarder);
    assert_int_equal(tap_played_lock_depth, 0);
    n_sent++;
    n_sent_frames = event->n;
}

void hub_finish_entry(struct hub *of, struct registry_socket *socket)
{
    assert_ptr_equal(of, &hub);
    assert_ptr_equal(socket, socket_of_program);
    n_finished++;
}

void hub_close(struct hub *self)
{
    assert_ptr_equal(self, &hub);
    n_closed++;
    self->consumer = NULL;
}

static int receive(struct tap_message *message, void *handle, int flags)
{
    assert_ptr_equal(handle, CONSUMER);
    assert_int_equal(flags, ZMQ_DONTWAIT);
    if (n_taken == n_frames) {
        errno = last_error;
        return -1;
    }
    const struct frame *frame = &frames[n_taken++];
    tap_played.msg_close(message);
    tap_played_message(message, frame->content, frame->size, frame->has_more);
    return (int)frame->size;
}

static struct hub_id id;
static unsigned char event_1[6];
static uint64_t numbers[16];

static void queue(const void *content, size_t size, bool has_more)
{
    frames[n_frames++] = (struct frame){content, size, has_more};
}

static void queue_1(uint16_t kind, uint32_t value, const char *address)
{
    memcpy(event_1, &kind, 2);
    memcpy(event_1 + 2, &value, 4);
    queue(&id, sizeof(id), true);
    queue(event_1, sizeof(event_1), true);
    queue(address, strlen(address), false);
}

static void queue_2(uint64_t kind, uint64_t n)
{
    queue(&id, sizeof(id), true);
    numbers[0] = kind;
    numbers[1] = n;
    for (size_t i = 0; i < 2 + n; i++) {
        numbers[i] = i > 1 ? 10 + i : numbers[i];
        queue(&numbers[i], sizeof(*numbers), true);
    }
    queue(HERE, strlen(HERE), true);
    queue(THERE, strlen(THERE), false);
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.msg_recv = receive;
    n_frames = n_taken = n_counted = n_sent = n_finished = n_closed = 0;
    last_error = EAGAIN;
    socket_of_program = tap_played_open(ZMQ_PUSH);
    entry = (struct hub_entry){.ticket = 9, .version = 1};
    hub = (struct hub){.library = &tap_played, .consumer = CONSUMER};
    id = (struct hub_id){.tag = HUB_ID_TAG, .index = 5, .ticket = 9};
    return 0;
}

static void read__version_1__is_counted(void **state)
{
    (void)state;
    char longer[1200], cut[1024] = "";
    memset(longer, 'x', sizeof(longer));
    memset(cut, 'x', 1023);
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_counted, 1);
    assert_int_equal(last.kind, ZMQ_EVENT_CONNECTED);
    assert_int_equal(last.value, 7);
    assert_string_equal(last_address, HERE);
    assert_null(last.other_address);
    for (size_t size = 1022; size <= 1025; size++) {
        longer[size] = '\0';
        queue_1(ZMQ_EVENT_CONNECTED, 7, longer);
        assert_true(hub_read(&hub, 1));
        assert_string_equal(last_address, size < 1024 ? longer : cut);
        longer[size] = 'x';
    }
    assert_int_equal(n_counted, 5);
    assert_false(hub_read(&hub, 1)); /* no more */
    assert_int_equal(n_sent + n_finished + n_closed, 0);
}

static void read__version_2__is_counted_with_both_addresses(void **state)
{
    (void)state;
    entry.version = 2;
    for (uint64_t n = 0; n <= 2; n++) {
        queue_2(ZMQ_EVENT_ACCEPTED, n);
        assert_true(hub_read(&hub, 1));
        assert_int_equal(n_counted, n + 1);
        assert_int_equal(last.kind, ZMQ_EVENT_ACCEPTED);
        assert_int_equal(last.value, n ? 12 : 0);
        assert_string_equal(last_address, HERE);
        assert_string_equal(last_other, THERE);
    }
    queue_2(ZMQ_EVENT_ACCEPTED, 4); /* its addresses are not all kept */
    assert_true(hub_read(&hub, 1));
    queue_2(ZMQ_EVENT_ACCEPTED, 8);
    assert_true(hub_read(&hub, 1));
    queue_2(ZMQ_EVENT_ACCEPTED, 9);
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_counted, 3);
}

static void read__parts_that_are_missing_or_of_another_size__is_not_counted(void **state)
{
    (void)state;
    queue(&id, sizeof(id), true);
    queue(event_1, 5, true);
    queue(HERE, 4, false);
    queue(&id, sizeof(id), true);
    queue(event_1, 6, false);
    queue(&id, sizeof(id), false);
    assert_true(hub_read(&hub, 3));
    entry.version = 2;
    numbers[0] = ZMQ_EVENT_CLOSED;
    numbers[1] = 1;
    for (size_t n = 0; n < 5; n++) { /* all but the last frame, and the last but one */
        queue(&id, sizeof(id), n > 0);
        for (size_t i = 0; i < n; i++)
            queue(&numbers[i], 8, i + 1 < n);
        assert_true(hub_read(&hub, 1));
    }
    n_frames = n_taken = 0;
    queue(&id, sizeof(id), true);
    queue(&numbers[0], 8, true);
    queue(&numbers[1], 8, true);
    queue(&numbers[1], 7, true);
    queue(HERE, 3, true);
    queue(HERE, 3, false);
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_taken, n_frames);
    assert_int_equal(n_counted, 0);
}

static void read__of_another_monitor__is_not_counted(void **state)
{
    (void)state;
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    frames[0].size = sizeof(id) - 1;
    assert_true(hub_read(&hub, 1));
    id.tag = 'y';
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    id.tag = HUB_ID_TAG;
    id.index = 6;
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    id.index = 5;
    id.ticket = 8;
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    id.ticket = entry.ticket = 0; /* there is none */
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_counted, 0);
    id.ticket = entry.ticket = 1;
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_counted, 1);
}

static void read__program_has_a_monitor__is_passed_on_as_it_asked(void **state)
{
    (void)state;
    entry.forwarder.mask = ZMQ_EVENT_CONNECTED;
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_sent, 0); /* it has none */
    entry.forwarder.socket = CONSUMER;
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    queue_1(ZMQ_EVENT_ACCEPTED, 7, HERE);
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_sent, 1);
    assert_int_equal(n_sent_frames, 3);
}

static void read__monitor_stopped__finishes_the_entry(void **state)
{
    (void)state;
    queue_1(ZMQ_EVENT_CLOSED, 0, "");
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_finished, 0);
    queue_1(ZMQ_EVENT_MONITOR_STOPPED, 0, "");
    assert_true(hub_read(&hub, 1));
    assert_int_equal(n_finished, 1);
    assert_int_equal(n_counted, 2);
}

static void read__many__no_more_than_asked(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 0));
    assert_int_equal(n_taken, 0);
    assert_true(hub_read(&hub, 2));
    assert_int_equal(n_counted, 2);
    assert_false(hub_read(&hub, 9));
    assert_int_equal(n_counted, 5);
    assert_int_equal(n_closed, 0);
}

static void read__context_has_ended__closes_the_hub(void **state)
{
    (void)state;
    last_error = ETERM;
    assert_false(hub_read(&hub, 1));
    assert_int_equal(n_closed, 1);
    assert_false(hub_read(&hub, 1)); /* there is no consumer */
    assert_int_equal(n_closed, 1);
}

/* In the middle of a message, which libzmq does not do: what came of it is given back. */
static void read__ends_in_the_middle__is_given_back(void **state)
{
    (void)state;
    queue(&id, sizeof(id), true);
    queue(event_1, sizeof(event_1), true);
    last_error = ETERM;
    assert_false(hub_read(&hub, 1));
    assert_int_equal(n_closed, 1);
    assert_int_equal(n_counted, 0);
}

static void read__more_frames_than_are_kept__are_all_taken(void **state)
{
    (void)state;
    queue(&id, sizeof(id), true);
    for (int i = 0; i < 20; i++)
        queue(HERE, 4, i < 19);
    queue_1(ZMQ_EVENT_CONNECTED, 7, HERE);
    assert_true(hub_read(&hub, 2));
    assert_int_equal(n_counted, 1);
    assert_int_equal(n_taken, n_frames);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(read__version_1__is_counted),
        CASE(read__version_2__is_counted_with_both_addresses),
        CASE(read__parts_that_are_missing_or_of_another_size__is_not_counted),
        CASE(read__of_another_monitor__is_not_counted),
        CASE(read__program_has_a_monitor__is_passed_on_as_it_asked),
        CASE(read__monitor_stopped__finishes_the_entry),
        CASE(read__many__no_more_than_asked),
        CASE(read__context_has_ended__closes_the_hub),
        CASE(read__ends_in_the_middle__is_given_back),
        CASE(read__more_frames_than_are_kept__are_all_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
