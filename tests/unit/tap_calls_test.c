/* SPDX-License-Identifier: MPL-2.0 */
/* What is counted of single calls: errors by their number, sizes, and who else is in one. */
#include "tap/counting/api_errors.h"
#include "tap/counting/in_use.h"
#include "tap/counting/message_count.h"
#include "tap/ground/capability.h"
#include "tap/ground/own_work.h"

#include "support/sanitizer.h"
#include "support/tap_played.h"

#include <errno.h>
#include <pthread.h>
#include <zmq.h>

static struct registry_socket *socket_now;
static struct segment_header *header;

static int set_up(void **state)
{
    (void)state;
    tap_played_begin();
    header = tap_played_table->header;
    capability_start(header);
    api_errors_start(header);
    socket_now = tap_played_open(ZMQ_PUSH);
    in_use_reset(socket_now);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    api_errors_forked();
    tap_played_end();
    return 0;
}

static uint64_t errors_of_socket(uint32_t i)
{
    return segment_word_get(&socket_now->words[SEGMENT_API_ERRORS_BASE + i]);
}

#define VALUE(number, value, name) value,

static void errors__of_a_socket__each_has_its_word(void **state)
{
    (void)state;
    static const int errors[] = {SEGMENT_API_ERRORS(VALUE)};
    const uint32_t n = sizeof(errors) / sizeof(*errors);
    api_errors_opened(socket_now);
    for (uint32_t i = 0; i < n; i++) {
        errno = errors[i] == -1 ? ENOMEM : errors[i];
        int kept = errno;
        api_errors_count(socket_now->slot);
        assert_int_equal(errno, kept);
        assert_int_equal(errors_of_socket(i), 1);
        assert_int_equal(TAP_PLAYED_WORD(socket_now, API_ERROR_KINDS), (1u << (i + 1)) - 1);
    }
    errno = EBADF; /* another that has no word of its own */
    api_errors_count(socket_now->slot);
    assert_int_equal(errors_of_socket(n - 1), 2);
    api_errors_opened(socket_now);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, API_ERROR_KINDS), 0);
    assert_int_equal(errors_of_socket(0), 1);
}

static const int elsewhere[] = {EAGAIN, EINTR, EADDRINUSE, EADDRNOTAVAIL};

static void errors__counted_elsewhere__are_not_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
        errno = elsewhere[i];
        api_errors_count(socket_now->slot);
        api_errors_count_process();
    }
    for (uint32_t i = 0; i < SEGMENT_API_ERRORS_SIZE; i++)
        assert_int_equal(errors_of_socket(i), 0);
    for (uint32_t i = 0; i < SEGMENT_PROCESS_ERRORS_SIZE; i++)
        assert_int_equal(header->api_errors[i], 0);
}

static void errors__of_a_shared_socket__are_in_its_own_words(void **state)
{
    (void)state;
    enum { SERVER = 12 };
    socket_now = tap_played_open(SERVER);
    assert_true(socket_now->is_shared);
    api_errors_opened(socket_now);
    errno = EFAULT;
    api_errors_count(socket_now->slot);
    assert_int_equal(errors_of_socket(5), 1);
    struct registry_slot empty = {.key = 0}; /* of one that was closed meanwhile */
    api_errors_count(&empty);
    assert_int_equal(message_unusual_sent(socket_now->slot, 7), 7);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, LARGEST_SENT), 7);
}

static uint64_t n_of_process(void)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < SEGMENT_PROCESS_ERRORS_SIZE; i++)
        n += header->api_errors[i];
    return n;
}

static void errors__of_the_process__are_the_programs_own(void **state)
{
    (void)state;
    static const int errors[] = {SEGMENT_PROCESS_ERRORS(VALUE)};
    const uint32_t n = sizeof(errors) / sizeof(*errors);
    for (uint32_t i = 0; i < n; i++) {
        errno = errors[i] == -1 ? ENOMEM : errors[i];
        api_errors_count_process();
        assert_int_equal(header->api_errors[i], 1);
    }
    assert_int_equal(n_of_process(), n);
    errno = EINVAL;
    library_inside = &tap_played;
    api_errors_count_process();
    library_inside = NULL;
    own_work_begin();
    api_errors_count_process();
    own_work_end();
    tap_played_set_own(false);
    api_errors_count_process();
    tap_played_set_own(true);
    api_errors_forked();
    api_errors_count_process();
    assert_int_equal(n_of_process(), n);
    api_errors_start(header);
    api_errors_count_process();
    assert_int_equal(n_of_process(), n + 1);
    api_errors_add_library(&tap_played);
    assert_int_equal(header->capabilities[SEGMENT_CAPABILITY_MISUSE].state, SEGMENT_CAPABILITY_ON);
}

static void sizes__larger_than_before__are_noted(void **state)
{
    (void)state;
    struct registry_slot *slot = socket_now->slot;
    assert_false(message_is_usual(0, slot->call.sent_below));
    assert_int_equal(message_unusual_sent(slot, 0), 0); /* the smallest there is */
    assert_int_equal(TAP_PLAYED_WORD(socket_now, LARGEST_SENT), 0);
    assert_int_equal(slot->call.sent_below, 1);
    assert_int_equal(message_unusual_sent(slot, 100), 100);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, LARGEST_SENT), 100);
    assert_true(message_is_usual(100, slot->call.sent_below));
    assert_false(message_is_usual(101, slot->call.sent_below));
    assert_false(message_is_usual(-1, slot->call.sent_below));
    assert_int_equal(message_unusual_sent(slot, 99), 99);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, LARGEST_SENT), 100);
    assert_int_equal(slot->call.sent_below, 101);
    assert_int_equal(message_unusual_received(slot, 3), 3);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, LARGEST_RECEIVED), 3);
    assert_int_equal(slot->received_below, 4);
    errno = EFAULT;
    assert_int_equal(message_unusual_sent(slot, -1), -1);
    assert_int_equal(message_unusual_received(slot, -1), -1);
    assert_int_equal(errors_of_socket(5), 2);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, LARGEST_SENT), 100);
}

static void messages__of_several_frames__are_counted_with_the_last(void **state)
{
    (void)state;
    struct registry_slot *slot = socket_now->slot;
    struct tap_message message;
    slot->first_frame = (struct registry_frame){ZMQ_DONTWAIT, 2};
    slot->frame = slot->first_frame;
    message_count_save_call(slot, "abc", 3, ZMQ_SNDMORE);
    assert_int_equal(slot->call.size, 3);
    assert_int_equal(slot->call.flags, ZMQ_SNDMORE);
    assert_string_equal(slot->call.content, "abc");
    message_count_save_message_call(slot, &message, ZMQ_DONTWAIT);
    assert_ptr_equal(slot->call.message, &message);
    assert_int_equal(slot->call.flags, ZMQ_DONTWAIT);
    assert_int_equal(message_count_sent(slot, 3, ZMQ_SNDMORE, 17), 17);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SENT_MESSAGES), 0);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SENT_BYTES), 3);
    assert_int_equal(slot->frame.wait_flags, 0);
    assert_int_equal(slot->frame.whole_below, 0);
    assert_int_equal(message_count_sent(slot, 4, ZMQ_DONTWAIT, 18), 18);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SENT_MESSAGES), 1);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, SENT_BYTES), 7);
    assert_int_equal(slot->frame.wait_flags, ZMQ_DONTWAIT);
    assert_int_equal(slot->frame.whole_below, 2);
}

static void *call_and_check(void *unused)
{
    struct in_use_call call;
    (void)unused;
    in_use_check(socket_now);
    in_use_begin_call(&call, socket_now);
    in_use_end_call(&call);
    return NULL;
}

static void from_another_thread(void *(*function)(void *))
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, function, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void in_use__two_threads__is_counted_while_both_are_in_a_call(void **state)
{
    (void)state;
    struct in_use_call call, within;
    assert_false(in_use_is_taken(socket_now));
    from_another_thread(call_and_check);
    assert_false(in_use_is_taken(socket_now));
    in_use_begin_call(&call, socket_now);
    assert_true(in_use_is_taken(socket_now));
    in_use_check(socket_now);               /* its own thread */
    in_use_begin_call(&within, socket_now); /* as a handler of a signal */
    in_use_end_call(&within);
    assert_true(in_use_is_taken(socket_now));
    assert_int_equal(TAP_PLAYED_WORD(socket_now, CONCURRENT_CALLS), 0);
    from_another_thread(call_and_check);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, CONCURRENT_CALLS), 2);
    assert_true(in_use_is_taken(socket_now)); /* still the first one's */
    in_use_end_call(&call);
    assert_false(in_use_is_taken(socket_now));
    from_another_thread(call_and_check);
    assert_int_equal(TAP_PLAYED_WORD(socket_now, CONCURRENT_CALLS), 2);
}

static void in_use__place_goes_to_another_socket__is_not_freed_by_the_last(void **state)
{
    (void)state;
    struct in_use_call call;
    in_use_begin_call(&call, socket_now);
    in_use_reset(socket_now);
    assert_false(in_use_is_taken(socket_now));
    in_use_end_call(&call);
    assert_false(in_use_is_taken(socket_now));
    socket_now->is_shared = true;
    in_use_begin_call(&call, socket_now);
    assert_false(in_use_is_taken(socket_now));
    in_use_end_call(&call);
    assert_int_equal(in_use_this_thread(), in_use_this_thread());
}

static uint32_t number_of_other;

static void *take_number(void *unused)
{
    (void)unused;
    number_of_other = in_use_this_thread();
    return NULL;
}

static void *leave_by_cancellation(void *unused)
{
    struct in_use_call call;
    (void)unused;
    in_use_begin_call(&call, socket_now);
    pthread_cancel(pthread_self());
    pthread_testcancel();
    in_use_end_call(&call);
    return NULL;
}

static void in_use__threads__have_numbers_and_leave_by_cancellation(void **state)
{
    (void)state;
    sanitizer_skip_under_address();
    from_another_thread(take_number);
    assert_int_not_equal(number_of_other, in_use_this_thread());
    assert_int_not_equal(in_use_this_thread(), 0);
    from_another_thread(leave_by_cancellation);
    assert_false(in_use_is_taken(socket_now));
}

static void capability__once_worse__stays(void **state)
{
    (void)state;
    const struct segment_capability *shown = &header->capabilities[SEGMENT_CAPABILITY_MISUSE];
    char longer[256];
    capability_set_on_unless(SEGMENT_CAPABILITY_MISUSE, NULL);
    assert_int_equal(shown->state, SEGMENT_CAPABILITY_ON);
    assert_string_equal(shown->reason, "");
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    capability_set_on_unless(SEGMENT_CAPABILITY_MISUSE, longer);
    assert_int_equal(shown->state, SEGMENT_CAPABILITY_OFF);
    assert_int_equal(strnlen(shown->reason, sizeof(shown->reason)), sizeof(shown->reason) - 1);
    capability_set_on_unless(SEGMENT_CAPABILITY_MISUSE, NULL);
    assert_int_equal(shown->state, SEGMENT_CAPABILITY_OFF);
    capability_set(SEGMENT_CAPABILITY_MISUSE, SEGMENT_CAPABILITY_BOUND, "y");
    assert_int_equal(shown->state, SEGMENT_CAPABILITY_OFF);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(errors__of_a_socket__each_has_its_word),
        CASE(errors__counted_elsewhere__are_not_counted),
        CASE(errors__of_a_shared_socket__are_in_its_own_words),
        CASE(errors__of_the_process__are_the_programs_own),
        CASE(sizes__larger_than_before__are_noted),
        CASE(messages__of_several_frames__are_counted_with_the_last),
        CASE(in_use__two_threads__is_counted_while_both_are_in_a_call),
        CASE(in_use__place_goes_to_another_socket__is_not_freed_by_the_last),
        CASE(in_use__threads__have_numbers_and_leave_by_cancellation),
        CASE(capability__once_worse__stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
