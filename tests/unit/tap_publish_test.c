/* SPDX-License-Identifier: MPL-2.0 */
/* A publisher whose queues are played: how many messages must fit, when it is watched, what is
 * asked after a message. */
#include "tap/counting/publish.h"

#include "queues/pipe_bytes.h"
#include "tap/counting/closed.h"
#include "tap/ground/capability.h"
#include "tap/learned/learned.h"
#include "tap/learned/publish_layout.h"

#include "support/cmocka.h"
#include "support/tap_played.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define NEVER       UINT32_MAX
#define MANUAL_LAST 98
#define N_PIPES     40

struct pipe {
    int32_t hwm;
    uint32_t state;
    uint64_t n_written, n_read_by_peer;
};

/* What the layout says of a socket: the vector of its pipes, and how many are eligible. */
static struct object {
    uint64_t unused;
    struct pipe **begin, **end;
    size_t n_eligible;
    struct pipe *last;
} object;
static struct pipe pipes[N_PIPES], *vector[N_PIPES];
static struct learned learned;
static struct registry_socket *socket_now;
static struct publish_question asked;
static char topic[64];
static unsigned n_asked, n_sent, n_missed, n_closed_calls;
static int result, inverted, option_fails;
static void (*meanwhile)(void);

const struct learned *learned_of(const struct library *library)
{
    (void)library;
    return &learned;
}

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    (void)library;
    return learned.pipes.is_known ? &learned.pipes : NULL;
}

uint32_t publish_missed_directly(const struct pipe_layout *layout,
                                 const struct publish_question *question)
{
    assert_ptr_equal(layout, &learned.pipes);
    asked = *question;
    memcpy(topic, question->topic, question->size);
    topic[question->size] = '\0';
    n_asked++;
    return n_missed;
}

int closed_send(void *handle, const void *buffer, size_t size, int flags)
{
    (void)handle, (void)buffer, (void)size, (void)flags;
    n_closed_calls++;
    return -7;
}

int closed_msg_send(struct tap_message *message, void *handle, int flags)
{
    (void)message, (void)handle, (void)flags;
    n_closed_calls++;
    return -8;
}

static int send_bytes(void *handle, const void *buffer, size_t size, int flags)
{
    (void)buffer, (void)size, (void)flags;
    assert_ptr_equal(handle, &object);
    n_sent++;
    if (meanwhile)
        meanwhile();
    errno = 77;
    return result;
}

static int send_message(struct tap_message *message, void *handle, int flags)
{
    (void)flags;
    assert_ptr_equal(handle, &object);
    n_sent++;
    if (result >= 0) { /* taken */
        tap_played.msg_close(message);
        tap_played.msg_init(message);
    }
    errno = 77;
    return result;
}

static int get(void *handle, int option, void *value, size_t *size)
{
    assert_ptr_equal(handle, &object);
    assert_int_equal(option, ZMQ_INVERT_MATCHING);
    assert_int_equal(*size, sizeof(int));
    memcpy(value, &inverted, sizeof(inverted));
    errno = EIO;
    return option_fails;
}

static void set_pipes(size_t n)
{
    object.begin = vector;
    object.end = vector + n;
    object.n_eligible = n;
}

static void open_another(int type)
{
    socket_now = registry_open_socket(tap_played_context, &object, type);
    assert_non_null(socket_now);
    socket_now->slot->send = NULL;
    publish_reset(socket_now);
    segment_word_set(&socket_now->words[SEGMENT_SEND_HWM], 1000);
    publish_opened(socket_now);
}

static void close_it(void)
{
    registry_close_socket(socket_now);
    registry_free_socket(socket_now);
}

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    capability_start(tap_played_table->header);
    tap_played.send = send_bytes;
    tap_played.msg_send = send_message;
    tap_played.getsockopt = get;
    learned.pipes = (struct pipe_layout){
        .is_known = true,
        .hwm = offsetof(struct pipe, hwm),
        .state = offsetof(struct pipe, state),
        .n_written = offsetof(struct pipe, n_written),
        .n_read_by_peer = offsetof(struct pipe, n_read_by_peer),
        .publish = {.is_known = true,
                    .pipes = offsetof(struct object, begin),
                    .n_eligible = offsetof(struct object, n_eligible),
                    .last_pipe = offsetof(struct object, last)},
    };
    for (size_t i = 0; i < N_PIPES; i++) {
        pipes[i] = (struct pipe){.hwm = 1000};
        vector[i] = &pipes[i];
    }
    set_pipes(2);
    object.last = NULL;
    n_asked = n_sent = n_missed = n_closed_calls = 0;
    result = inverted = option_fails = 0;
    meanwhile = NULL;
    open_another(ZMQ_PUB);
    return 0;
}

static bool is_watched(void)
{
    const struct registry_slot *slot = socket_now->slot;
    bool is = slot->send == publish_send;
    assert_true(is ? slot->msg_send == publish_msg_send
                   : slot->send == send_bytes && slot->msg_send == send_message);
    return is;
}

/* So many messages are promised room, or are watched. */
static uint32_t measure(void)
{
    publish_measure_room(socket_now);
    return socket_now->slot->n_until_measured;
}

#define ASSERT_TRUSTED(n)                                                                          \
    do {                                                                                           \
        assert_int_equal(measure(), n);                                                            \
        assert_false(is_watched());                                                                \
    } while (0)
#define ASSERT_WATCHED(n)                                                                          \
    do {                                                                                           \
        assert_int_equal(measure(), n);                                                            \
        assert_true(is_watched());                                                                 \
    } while (0)

static void opened__publishers__are_watched_until_they_are_measured(void **state)
{
    (void)state;
    assert_true(is_watched());
    assert_int_equal(socket_now->slot->n_until_measured, 1);
    close_it();
    open_another(ZMQ_XPUB);
    assert_true(is_watched());
    close_it();
    open_another(ZMQ_PUSH);
    assert_int_equal(socket_now->slot->n_until_measured, NEVER);
    assert_null(socket_now->slot->send);
    assert_int_equal(measure(), NEVER);
    publish_resume(socket_now);
    assert_null(socket_now->slot->send);
    close_it();
    learned.pipes.publish.is_known = false;
    open_another(ZMQ_PUB);
    assert_null(socket_now->slot->send);
    close_it();
    learned.pipes.is_known = false;
    open_another(ZMQ_PUB);
    assert_int_equal(socket_now->slot->n_until_measured, NEVER);
    assert_null(socket_now->slot->send);
}

static void measure__room__is_that_of_the_fullest_and_of_a_newcomer(void **state)
{
    (void)state;
    ASSERT_TRUSTED(999); /* a newcomer has the welcome message in his queue */
    pipes[1].n_written = 600;
    pipes[1].n_read_by_peer = 100;
    ASSERT_TRUSTED(500);
    pipes[0].hwm = 300;
    ASSERT_TRUSTED(300);
    pipes[0].hwm = 0; /* no limit */
    pipes[1].hwm = -1;
    ASSERT_TRUSTED(999);
    segment_word_set(&socket_now->words[SEGMENT_SEND_HWM], 0);
    ASSERT_TRUSTED(NEVER);
    pipes[0].hwm = 1;
    pipes[0].n_written = 5; /* over its mark, which was lowered */
    ASSERT_WATCHED(16);
    set_pipes(0);
    ASSERT_TRUSTED(NEVER);
    segment_word_set(&socket_now->words[SEGMENT_SEND_HWM], SEGMENT_UNKNOWN);
    ASSERT_WATCHED(16);
    segment_word_set(&socket_now->words[SEGMENT_SEND_HWM], 17);
    ASSERT_TRUSTED(16);
    segment_word_set(&socket_now->words[SEGMENT_SEND_HWM], 16);
    ASSERT_WATCHED(16);
    segment_word_set(&socket_now->words[SEGMENT_SEND_HWM], 1);
    ASSERT_WATCHED(16);
}

static void measure__many_subscribers__are_watched_for_longer(void **state)
{
    (void)state;
    segment_word_set(&socket_now->words[SEGMENT_SEND_HWM], 5);
    set_pipes(7);
    ASSERT_WATCHED(16);
    set_pipes(8);
    ASSERT_WATCHED(17);
    set_pipes(40);
    ASSERT_WATCHED(21);
}

static const struct segment_capability *shown(void)
{
    return &tap_played_table->header->capabilities[SEGMENT_CAPABILITY_PUBLISH_DROPS];
}

static void measure__full_queue__is_watched_and_a_broken_promise_is_told(void **state)
{
    (void)state;
    publish_add_library(&tap_played);
    object.n_eligible = 1;
    ASSERT_WATCHED(16);
    assert_int_equal(shown()->state, SEGMENT_CAPABILITY_ON);
    pipes[1].state = PIPE_STATE_ENDING; /* is no subscriber any more */
    ASSERT_TRUSTED(999);
    pipes[1].state = PIPE_STATE_ACTIVE;
    ASSERT_WATCHED(16);
    assert_int_equal(shown()->state, SEGMENT_CAPABILITY_BOUND);
    assert_string_equal(shown()->reason, "a mark was lowered under connected peers");
    object.n_eligible = 0;
    vector[0]->state = PIPE_STATE_ENDING;
    ASSERT_WATCHED(16);
}

static void library__not_understood__is_off(void **state)
{
    (void)state;
    learned.pipes.publish.is_known = false;
    (void)strcpy(learned.pipes.publish.reason, "odd");
    publish_add_library(&tap_played);
    assert_int_equal(shown()->state, SEGMENT_CAPABILITY_OFF);
    assert_string_equal(shown()->reason, "odd");
}

static void set_option(int number)
{
    const struct registry_option option = {number, NULL, 0};
    errno = 42;
    publish_option_changed(socket_now, &option);
    assert_int_equal(errno, 42);
}

static void option__mark__is_measured_anew(void **state)
{
    (void)state;
    ASSERT_TRUSTED(999);
    set_option(ZMQ_LINGER);
    assert_false(is_watched());
    set_option(ZMQ_SNDHWM);
    assert_true(is_watched());
    assert_int_equal(socket_now->slot->n_until_measured, 1);
    ASSERT_TRUSTED(999);
    publish_resume(socket_now);
    assert_true(is_watched());
    assert_int_equal(socket_now->slot->n_until_measured, 1);
    ASSERT_TRUSTED(999);
    set_option(MANUAL_LAST);
    assert_true(is_watched());
    ASSERT_WATCHED(16); /* for ever */
    close_it();
    open_another(ZMQ_PUSH);
    set_option(ZMQ_SNDHWM);
    assert_null(socket_now->slot->send);
}

static int send_topic(const char *text, int flags)
{
    return publish_send(&object, text, strlen(text), flags);
}

static void send__each_message__is_asked_for_with_its_first_frame(void **state)
{
    (void)state;
    result = 3;
    assert_int_equal(send_topic("abc", ZMQ_SNDMORE), 3);
    assert_int_equal(errno, 77);
    assert_int_equal(n_asked, 1);
    assert_string_equal(topic, "abc");
    assert_ptr_equal(asked.socket, &object);
    assert_int_equal(asked.only_pipe, 0);
    assert_false(asked.is_inverted);
    n_missed = 2;
    assert_int_equal(send_topic("rest", ZMQ_SNDMORE), 3);
    assert_int_equal(send_topic("end", 0), 3);
    assert_int_equal(n_asked, 1);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, DROPPED_HWM), 0);
    assert_int_equal(send_topic("next", 0), 3);
    assert_int_equal(n_asked, 2);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, DROPPED_HWM), 2);
    result = -1;
    assert_int_equal(send_topic("refused", ZMQ_SNDMORE), -1);
    assert_int_equal(n_asked, 2);
    result = 0;
    assert_int_equal(send_topic("", 0), 0);
    assert_int_equal(n_asked, 3);
}

static int send_msg(const char *text, int flags)
{
    struct tap_message message;
    tap_played_message(&message, text, strlen(text), false);
    int rc = publish_msg_send(&message, &object, flags);
    assert_int_equal(errno, 77);
    tap_played.msg_close(&message);
    return rc;
}

static void msg_send__each_message__is_asked_for_with_its_first_frame(void **state)
{
    (void)state;
    result = 3;
    n_missed = 1;
    assert_int_equal(send_msg("abc", ZMQ_SNDMORE), 3);
    assert_string_equal(topic, "abc");
    assert_int_equal(send_msg("rest", 0), 3);
    assert_int_equal(n_asked, 1);
    result = -1;
    assert_int_equal(send_msg("refused", 0), -1);
    assert_int_equal(n_asked, 1);
    result = 0;
    assert_int_equal(send_msg("next", 0), 0);
    assert_string_equal(topic, "next");
    assert_int_equal(TAP_PLAYED_WORD(socket_now, DROPPED_HWM), 2);
}

static void trust__in_the_middle_of_a_message__begins_anew(void **state)
{
    (void)state;
    result = 3;
    assert_int_equal(send_topic("abc", ZMQ_SNDMORE), 3);
    ASSERT_TRUSTED(999);
    assert_int_equal(send_topic("abc", 0), 3);
    assert_int_equal(n_asked, 2);
}

static void send__inverted__asks_for_those_that_do_not_match(void **state)
{
    (void)state;
    inverted = 1;
    set_option(ZMQ_INVERT_MATCHING);
    (void)send_topic("abc", 0);
    assert_true(asked.is_inverted);
    option_fails = -1;
    set_option(ZMQ_INVERT_MATCHING);
    (void)send_topic("abc", 0);
    assert_false(asked.is_inverted);
    option_fails = inverted = 0;
    set_option(ZMQ_INVERT_MATCHING);
    (void)send_topic("abc", 0);
    assert_false(asked.is_inverted);
}

static void leave(void)
{
    object.end--;
}

static void send__to_the_last_one__asks_for_that_pipe_unless_one_left(void **state)
{
    (void)state;
    publish_add_library(&tap_played);
    object.last = &pipes[1];
    (void)send_topic("abc", 0);
    assert_int_equal(asked.only_pipe, 0);
    set_option(MANUAL_LAST);
    (void)send_topic("abc", 0);
    assert_int_equal(asked.only_pipe, (uintptr_t)&pipes[1]);
    assert_int_equal(shown()->state, SEGMENT_CAPABILITY_ON);
    meanwhile = leave;
    (void)send_topic("abc", 0);
    assert_int_equal(asked.only_pipe, 0);
    assert_int_equal(shown()->state, SEGMENT_CAPABILITY_BOUND);
    assert_string_equal(shown()->reason, "a subscriber left during a message to the last one");
    meanwhile = NULL;
    learned.pipes.publish.last_pipe = 0; /* where it lies is not known */
    (void)send_topic("abc", 0);
    assert_int_equal(asked.only_pipe, 0);
}

static void send__nobody_was_the_last_one__is_no_doubt(void **state)
{
    (void)state;
    publish_add_library(&tap_played);
    set_option(MANUAL_LAST);
    meanwhile = leave;
    (void)send_topic("abc", 0);
    assert_int_equal(shown()->state, SEGMENT_CAPABILITY_ON);
}

static void send__closed_meanwhile__is_libzmqs_to_refuse(void **state)
{
    (void)state;
    struct tap_message message;
    close_it();
    assert_int_equal(publish_send(&object, "a", 1, 0), -7);
    assert_int_equal(publish_msg_send(&message, &object, 0), -8);
    assert_int_equal(n_closed_calls, 2);
    assert_int_equal(n_sent, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tap_played_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(opened__publishers__are_watched_until_they_are_measured),
        CASE(measure__room__is_that_of_the_fullest_and_of_a_newcomer),
        CASE(measure__many_subscribers__are_watched_for_longer),
        CASE(measure__full_queue__is_watched_and_a_broken_promise_is_told),
        CASE(library__not_understood__is_off),
        CASE(option__mark__is_measured_anew),
        CASE(send__each_message__is_asked_for_with_its_first_frame),
        CASE(msg_send__each_message__is_asked_for_with_its_first_frame),
        CASE(trust__in_the_middle_of_a_message__begins_anew),
        CASE(send__inverted__asks_for_those_that_do_not_match),
        CASE(send__to_the_last_one__asks_for_that_pipe_unless_one_left),
        CASE(send__nobody_was_the_last_one__is_no_doubt),
        CASE(send__closed_meanwhile__is_libzmqs_to_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
