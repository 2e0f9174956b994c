/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/stream_numbers.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

static struct stream_numbers *make(struct probe_sequence_settings settings)
{
    struct stream_numbers *numbers = NULL;
    assert_int_equal(stream_numbers_new(&settings, &numbers), 0);
    return numbers;
}

static void send_byte(struct stream_numbers *numbers, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    stream_numbers_frame(numbers, &byte, 1, true);
}

static void send_text(struct stream_numbers *numbers, const char *text)
{
    stream_numbers_frame(numbers, text, strlen(text), true);
}

static void check(const struct stream_numbers *numbers, uint64_t missed, uint64_t restarts,
                  uint64_t unnumbered)
{
    const struct stream_counts *counts = stream_numbers_counts(numbers);
    assert_int_equal(counts->missed, missed);
    assert_int_equal(counts->restarts, restarts);
    assert_int_equal(counts->unnumbered, unnumbered);
}

static const struct probe_sequence_settings one_byte = {
    .frame = -1, .width = 1, .encoding = PROBE_LITTLE_ENDIAN};

static void frame__gap__is_counted(void **state)
{
    (void)state;
    struct stream_numbers *numbers = make(one_byte);
    send_byte(numbers, 10); /* the first one is where it begins */
    send_byte(numbers, 11);
    check(numbers, 0, 0, 0);
    send_byte(numbers, 15);
    check(numbers, 3, 0, 0);
    stream_numbers_destroy(&numbers);
    assert_null(numbers);
}

static void frame__wraparound__is_no_gap_and_hides_none(void **state)
{
    (void)state;
    struct stream_numbers *numbers = make(one_byte);
    for (unsigned i = 0; i < 1000; i++)
        send_byte(numbers, i);
    check(numbers, 0, 0, 0);
    send_byte(numbers, 1000 + 100);
    check(numbers, 100, 0, 0);
    stream_numbers_destroy(&numbers);

    struct probe_sequence_settings decimal = {.frame = 0, .encoding = PROBE_DECIMAL, .modulus = 10};
    numbers = make(decimal);
    send_text(numbers, "8");
    send_text(numbers, "1");
    check(numbers, 2, 0, 0);
    stream_numbers_destroy(&numbers);
}

static void frame__widest_number__wraps_at_64_bits(void **state)
{
    (void)state;
    struct probe_sequence_settings settings = {
        .frame = 0, .width = 8, .encoding = PROBE_BIG_ENDIAN};
    struct stream_numbers *numbers = make(settings);
    stream_numbers_frame(numbers, "\xff\xff\xff\xff\xff\xff\xff\xfe", 8, true);
    stream_numbers_frame(numbers, "\0\0\0\0\0\0\0\2", 8, true);
    check(numbers, 3, 0, 0);
    stream_numbers_destroy(&numbers);
}

static void frame__restart__is_no_gap(void **state)
{
    (void)state;
    struct probe_sequence_settings settings = {
        .frame = -1, .width = 4, .encoding = PROBE_LITTLE_ENDIAN};
    struct stream_numbers *numbers = make(settings);
    stream_numbers_frame(numbers, "\x10\x27\0\0", 4, true);
    stream_numbers_frame(numbers, "\0\0\0\0", 4, true);
    check(numbers, 0, 1, 0);
    stream_numbers_frame(numbers, "\1\0\0\0", 4, true);
    check(numbers, 0, 1, 0);
    stream_numbers_destroy(&numbers);
}

static void reconnect__any_number__begins_anew(void **state)
{
    (void)state;
    struct stream_numbers *numbers = make(one_byte);
    send_byte(numbers, 1);
    stream_numbers_frame(numbers, "cut off", 7, false);
    stream_numbers_reconnect(numbers);
    send_byte(numbers, 90);
    send_byte(numbers, 92);
    check(numbers, 1, 0, 0);
    stream_numbers_destroy(&numbers);
}

/* Bitcoin Core: topic, body, 4 bytes little-endian, one sequence for each topic. */
static void frame__one_sequence_per_topic__are_kept_apart(void **state)
{
    (void)state;
    struct probe_sequence_settings settings = {
        .frame = -1, .width = 4, .encoding = PROBE_LITTLE_ENDIAN, .has_key = true, .keys_max = 2};
    static const struct {
        const char *topic, *number;
    } messages[] = {
        {"hashtx", "\5\0\0\0"},      {"hashblock", "\x50\0\0\0"}, {"hashtx", "\6\0\0\0"},
        {"hashblock", "\x52\0\0\0"}, {"third", "\1\0\0\0"},       {"third", "\x9\0\0\0"},
    };
    struct stream_numbers *numbers = make(settings);
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        stream_numbers_frame(numbers, messages[i].topic, strlen(messages[i].topic), false);
        stream_numbers_frame(numbers, "body", 4, false);
        stream_numbers_frame(numbers, messages[i].number, 4, true);
    }
    check(numbers, 1, 0, 0);
    assert_int_equal(stream_numbers_counts(numbers)->untracked, 2);
    assert_int_equal(stream_numbers_n_keys(numbers), 2);
    stream_numbers_destroy(&numbers);
}

static void frame__thousand_sequences__are_all_followed(void **state)
{
    (void)state;
    struct probe_sequence_settings settings = {.frame = 1,
                                               .encoding = PROBE_DECIMAL,
                                               .has_key = true,
                                               .key_offset = 2,
                                               .key_width = 4,
                                               .keys_max = 1000};
    struct stream_numbers *numbers = make(settings);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++) {
            char key[8], number[8];
            (void)snprintf(key, sizeof(key), "s-%04d", i);
            (void)snprintf(number, sizeof(number), "%d", round * (i % 2 + 1));
            stream_numbers_frame(numbers, key, 6, false);
            stream_numbers_frame(numbers, number, strlen(number), true);
        }
    }
    assert_int_equal(stream_numbers_n_keys(numbers), 1000);
    check(numbers, 2 * 500, 0, 0); /* each odd one missed one a round */
    assert_int_equal(stream_numbers_counts(numbers)->untracked, 0);
    stream_numbers_destroy(&numbers);
}

static void frame__no_number_at_the_place__is_unnumbered(void **state)
{
    (void)state;
    struct probe_sequence_settings settings = {
        .frame = 1, .offset = 2, .width = 2, .encoding = PROBE_BIG_ENDIAN, .modulus = 300};
    struct stream_numbers *numbers = make(settings);
    send_text(numbers, "one frame");
    stream_numbers_frame(numbers, "a", 1, false);
    stream_numbers_frame(numbers, "abc", 3, true); /* too short */
    stream_numbers_frame(numbers, "a", 1, false);
    stream_numbers_frame(numbers, "ab\1\x2c", 4, true); /* 300, beyond the modulus */
    check(numbers, 0, 0, 3);
    stream_numbers_frame(numbers, "a", 1, false);
    stream_numbers_frame(numbers, "ab\1\x2b", 4, true);
    check(numbers, 0, 0, 3);
    stream_numbers_destroy(&numbers);

    struct probe_sequence_settings decimal = {.frame = -2, .encoding = PROBE_DECIMAL, .width = 3};
    numbers = make(decimal);
    send_text(numbers, "5");
    stream_numbers_frame(numbers, "x5", 2, false);
    stream_numbers_frame(numbers, "", 0, true);
    stream_numbers_frame(numbers, "", 0, false);
    stream_numbers_frame(numbers, "", 0, true);
    check(numbers, 0, 0, 3);
    stream_numbers_frame(numbers, "1234", 4, false); /* three digits: 123 */
    stream_numbers_frame(numbers, "", 0, true);
    stream_numbers_frame(numbers, "125 and more", 12, false);
    stream_numbers_frame(numbers, "", 0, true);
    check(numbers, 1, 0, 3);
    stream_numbers_destroy(&numbers);
}

static void frame__digits_beyond_64_bits__are_no_number(void **state)
{
    (void)state;
    struct probe_sequence_settings settings = {.frame = 0, .encoding = PROBE_DECIMAL};
    struct stream_numbers *numbers = make(settings);
    send_text(numbers, "18446744073709551615");
    send_text(numbers, "18446744073709551616");
    check(numbers, 0, 0, 1);
    send_text(numbers, "0");
    check(numbers, 0, 0, 1);
    stream_numbers_destroy(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame__gap__is_counted),
        cmocka_unit_test(frame__wraparound__is_no_gap_and_hides_none),
        cmocka_unit_test(frame__widest_number__wraps_at_64_bits),
        cmocka_unit_test(frame__restart__is_no_gap),
        cmocka_unit_test(reconnect__any_number__begins_anew),
        cmocka_unit_test(frame__one_sequence_per_topic__are_kept_apart),
        cmocka_unit_test(frame__thousand_sequences__are_all_followed),
        cmocka_unit_test(frame__no_number_at_the_place__is_unnumbered),
        cmocka_unit_test(frame__digits_beyond_64_bits__are_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
