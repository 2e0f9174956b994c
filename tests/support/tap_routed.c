/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_routed.h"

#include "support/cmocka.h"
#include "tap/counting/api_errors.h"
#include "tap/counting/blocking.h"
#include "tap/counting/closed.h"
#include "tap/counting/message.h"
#include "tap/counting/message_shared.h"
#include "tap/counting/publish.h"
#include "tap/counting/route.h"
#include "tap/ground/capability.h"

#define KIND_AT    40 /* behind what a played message uses */
#define SMALL_KIND 5
#define LARGE_KIND 6

struct routed routed;

/*
 * The played libzmq
 */
int routed_refuse(int error)
{
    errno = error;
    return -1;
}

static int take_id(const char *id, size_t size, int flags)
{
    size_t i = size > 0 ? (size_t)(id[0] - 'a') : 0;
    if (!(flags & ZMQ_SNDMORE)) {
        strncat(routed.ignored, id, size);
        return (int)size;
    }
    bool is_known = i < ROUTED_N_PEERS && routed.is_there[i];
    bool is_full = is_known && routed.pipes[i].is_writable == 0;
    if (routed.is_mandatory) {
        strncat(routed.asked, id, size);
        if (!is_known || is_full)
            return routed_refuse(is_full ? EAGAIN : EHOSTUNREACH);
    }
    routed.is_within = true;
    routed.object.current_out = is_known && !is_full ? (uintptr_t)&routed.pipes[i] : 0;
    return (int)size;
}

static int take(const void *data, size_t size, int flags)
{
    bool is_last = !(flags & ZMQ_SNDMORE);
    if (routed.fails_with)
        return routed_refuse(routed.fails_with);
    errno = 77;
    if (!routed.is_within && routed.socket->type == ZMQ_ROUTER)
        return take_id(data, size, flags);
    struct routed_pipe *pipe = (struct routed_pipe *)routed.object.current_out;
    bool is_gone = pipe && pipe->state != 0;
    if (routed.meanwhile)
        routed.meanwhile();
    if (pipe && pipe->state == 0) {
        strncat(routed.delivered[pipe - routed.pipes], data, size);
        strcat(routed.delivered[pipe - routed.pipes], is_last ? "." : ",");
    } else {
        routed.object.current_out = 0;
    }
    if (is_gone)
        memset(pipe, 0, sizeof(*pipe)); /* it is freed, and the memory used again */
    routed.is_within = !is_last;
    if (is_last)
        routed.object.current_out = 0;
    return (int)size;
}

int routed_send_bytes(void *handle, const void *data, size_t size, int flags)
{
    assert_ptr_equal(handle, &routed.object);
    return take(data, size, flags);
}

static bool is_it_large(const struct tap_message *message)
{
    return message->bytes[KIND_AT] == LARGE_KIND;
}

/* Of a small message that was taken the bytes stay. */
static int send_message(struct tap_message *message, void *handle, int flags)
{
    assert_ptr_equal(handle, &routed.object);
    const void *data = tap_played.msg_data(message);
    int rc = take(data, tap_played.msg_size(message), flags);
    if (rc < 0)
        return rc;
    tap_played_close(message);
    tap_played_message(message, is_it_large(message) ? NULL : data, 0, false);
    errno = 77;
    return rc;
}

int routed_set_option(void *handle, int option, const void *value, size_t size)
{
    int number;
    assert_ptr_equal(handle, &routed.object);
    assert_int_equal(option, ZMQ_ROUTER_MANDATORY);
    assert_int_equal(size, sizeof(number));
    memcpy(&number, value, sizeof(number));
    assert_true(number == 0 || number == 1);
    routed.n_set++;
    if (routed.is_terminated)
        return routed_refuse(ETERM);
    routed.is_mandatory = number;
    errno = 78;
    return 0;
}

/*
 * The rest of the tap
 */
const struct learned *learned_of(const struct library *library)
{
    (void)library;
    return &routed.learned;
}

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    (void)library;
    return &routed.learned.pipes;
}

void publish_measure_room(struct registry_socket *socket)
{
    (void)socket;
}

void message_shared_fill_slot(struct registry_slot *slot)
{
    (void)slot;
}

int closed_receive(void *handle, void *buffer, size_t size, int flags)
{
    (void)handle, (void)buffer, (void)size, (void)flags;
    return -1;
}

int closed_msg_receive(struct tap_message *message, void *handle, int flags)
{
    (void)message, (void)handle, (void)flags;
    return -1;
}

/*
 * What is sent
 */
void routed_open(int type)
{
    routed.socket = registry_open_socket(tap_played_context, &routed.object, type);
    assert_non_null(routed.socket);
    struct registry_slot *slot = routed.socket->slot;
    message_fill_slot(slot);
    blocking_reset(routed.socket);
    route_reset(routed.socket);
    segment_word_set(&routed.socket->words[SEGMENT_OPTION_SNDTIMEO], UINT64_MAX);
    blocking_opened(routed.socket);
    api_errors_opened(routed.socket);
    route_opened(routed.socket);
}

void routed_close(void)
{
    registry_close_socket(routed.socket);
    registry_free_socket(routed.socket);
}

static void set_up(bool of_messages, int type)
{
    tap_played_begin();
    capability_start(tap_played_table->header);
    tap_played.send = routed_send_bytes;
    tap_played.msg_send = send_message;
    tap_played.setsockopt = routed_set_option;
    routed = (struct routed){.is_message = of_messages};
    routed.learned = (struct learned){
        .is_there = true,
        .more_flag = 200,
        .pipes = {.is_known = true,
                  .pipes = offsetof(struct routed_object, begin),
                  .state = offsetof(struct routed_pipe, state),
                  .is_writable = offsetof(struct routed_pipe, is_writable)},
        .routes = {.is_known = true,
                   .current_out = offsetof(struct routed_object, current_out),
                   .message_kind = KIND_AT,
                   .small_kind = SMALL_KIND},
    };
    for (size_t i = 0; i < ROUTED_N_PEERS; i++) {
        routed.pipes[i] = (struct routed_pipe){.is_writable = 1};
        routed.is_there[i] = true;
        routed.vector[i] = &routed.pipes[i];
    }
    routed.object.begin = routed.vector;
    routed.object.end = routed.vector + ROUTED_N_PEERS;
    routed_open(type);
}

int routed_set_up_bytes(void **state)
{
    (void)state;
    set_up(false, ZMQ_ROUTER);
    return 0;
}

int routed_set_up_messages(void **state)
{
    (void)state;
    set_up(true, ZMQ_ROUTER);
    return 0;
}

int routed_set_up_rep(void **state)
{
    (void)state;
    set_up(false, ZMQ_REP);
    return 0;
}

int routed_set_up_rep_messages(void **state)
{
    (void)state;
    set_up(true, ZMQ_REP);
    return 0;
}

/* As the hook does it; errno is as libzmq left it. */
int routed_send_frame(const char *text, int flags)
{
    struct registry_slot *slot = registry_find(&routed.object);
    errno = 77;
    if (!routed.is_message)
        return slot->send_hook(&routed.object, text, strlen(text), flags, slot);
    struct tap_message message;
    memset(&message, 0, sizeof(message));
    tap_played_message(&message, text, strlen(text), false);
    message.bytes[KIND_AT] = routed.is_large ? LARGE_KIND : SMALL_KIND;
    int rc = slot->msg_send_hook(&message, &routed.object, flags, slot);
    int error = errno;
    assert_int_equal(tap_played.msg_size(&message), rc < 0 ? strlen(text) : 0);
    tap_played_close(&message);
    errno = error;
    return rc;
}

void routed_send(const char *text, int flags)
{
    assert_int_equal(routed_send_frame(text, flags), strlen(text));
    assert_int_equal(errno, 77);
    assert_false(routed.is_mandatory);
}

void routed_send_parts(const char *first, const char *second, const char *third)
{
    routed_send(first, ZMQ_SNDMORE);
    if (third)
        routed_send(second, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    routed_send(third ? third : second, 0);
}

void routed_expect_counted(uint64_t n_messages, uint64_t n_bytes)
{
    assert_int_equal(TAP_PLAYED_WORD(routed.socket, SENT_MESSAGES), n_messages);
    assert_int_equal(TAP_PLAYED_WORD(routed.socket, SENT_BYTES), n_bytes);
}

void routed_expect_dropped(uint64_t n_unroutable, uint64_t n_hwm)
{
    assert_int_equal(TAP_PLAYED_WORD(routed.socket, DROPPED_UNROUTABLE), n_unroutable);
    assert_int_equal(TAP_PLAYED_WORD(routed.socket, DROPPED_HWM), n_hwm);
}

uint64_t routed_n_api_errors(void)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < SEGMENT_API_ERRORS_SIZE; i++)
        n += segment_word_get(&routed.socket->words[SEGMENT_API_ERRORS_BASE + i]);
    return n;
}

void routed_option_set(int number, int value, size_t size)
{
    int64_t words[2] = {0};
    memcpy(words, &value, sizeof(value));
    route_option_changed(routed.socket, &(struct registry_option){number, words, size});
}

int routed_set_up_large(void **state)
{
    (void)state;
    set_up(true, ZMQ_ROUTER);
    routed.is_large = true;
    return 0;
}

void routed_go(void)
{
    routed.pipes[0].state = ROUTED_ENDED;
    routed.meanwhile = NULL;
}

void routed_go_and_forget(void)
{
    routed_go();
    routed.object.current_out = 0;
}
