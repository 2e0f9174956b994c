/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_number.h"

#include "support/cmocka.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_u64(uint64_t value)
{
    char got[TEXT_NUMBER_ROOM], expected[32];
    struct text_number number = text_number_of_u64(value);
    *text_number_write(got, number) = '\0';
    (void)snprintf(expected, sizeof(expected), "%" PRIu64, value);
    assert_string_equal(got, expected);
}

static const char *real(double value)
{
    static char got[TEXT_NUMBER_ROOM];
    struct text_number number = text_number_of_real(value);
    *text_number_write(got, number) = '\0';
    return got;
}

static void u64__around_every_power__equals_printf(void **state)
{
    (void)state;
    check_u64(0);
    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
        check_u64(power - 1);
        check_u64(power);
        check_u64(power + 1);
        check_u64(power * 7 + 3);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        check_u64(UINT64_C(1) << bit);
        check_u64((UINT64_C(1) << bit) - 1);
    }
    check_u64(UINT64_MAX);
    check_u64(UINT64_C(10000000000000000000));
}

static void check_scaled(uint64_t digits, unsigned places)
{
    char got[TEXT_NUMBER_ROOM], expected[64];
    struct text_number number = text_number_of_scaled(digits, places);
    *text_number_write(got, number) = '\0';
    int n = snprintf(expected, sizeof(expected), "%0*" PRIu64, (int)places + 1, digits);
    memmove(expected + n - (int)places + 1, expected + n - (int)places, places + 1);
    expected[n - (int)places] = '.';
    while (expected[n] == '0')
        n--;
    expected[expected[n] == '.' ? n : n + 1] = '\0';
    assert_string_equal(got, expected);
}

static void scaled__of_every_length__is_exact(void **state)
{
    (void)state;
    for (unsigned places = 1; places <= 9; places++) {
        check_scaled(0, places);
        for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
            check_scaled(power - 1, places);
            check_scaled(power, places);
            check_scaled(power + 1, places);
            check_scaled(power * 7 + power / 3, places);
        }
        check_scaled(UINT64_MAX, places);
    }
}

static void real__telling_values__are_shortest(void **state)
{
    (void)state;
    assert_string_equal(real(0), "0");
    assert_string_equal(real(1), "1");
    assert_string_equal(real(-1), "-1");
    assert_string_equal(real(0.5), "0.5");
    assert_string_equal(real(0.1), "0.1");
    assert_string_equal(real(-0.25), "-0.25");
    assert_string_equal(real(0.000000001), "0.000000001");
    assert_string_equal(real(1795200323.25), "1795200323.25");
    assert_string_equal(real(1e15), "1000000000000000");
    assert_string_equal(real(123.456), "123.456");
    assert_string_equal(real(1e300), "1e+300");
    assert_string_equal(real(5e-324), "4.94065645841247e-324");
    assert_string_equal(real(1.0 / 3), "0.3333333333333333");
    assert_string_equal(real((double)NAN), "NaN");
    assert_string_equal(real((double)INFINITY), "+Inf");
    assert_string_equal(real(-(double)INFINITY), "-Inf");
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Any bits, and what pages really hold: nanoseconds, billionths, milliseconds. */
static void real__many_values__read_back_the_same(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        if (i % 4 == 0)
            memcpy(&value, &bits, sizeof(value));
        else if (i % 4 == 1)
            value = (double)(bits >> (bits % 60)) / 1e9;
        else if (i % 4 == 2)
            value = (double)(bits % 1000) / (double)(1 + (bits >> 32) % 1000);
        else
            value = (double)(bits % 2000000000000u) / 1e3;
        if (isnan(value) || isinf(value))
            continue;
        const char *text = real(value);
        assert_true(strlen(text) < TEXT_NUMBER_ROOM - 1);
        if (strtod(text, NULL) != value)
            fail_msg("%.17g became %s", value, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u64__around_every_power__equals_printf),
        cmocka_unit_test(scaled__of_every_length__is_exact),
        cmocka_unit_test(real__telling_values__are_shortest),
        cmocka_unit_test(real__many_values__read_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
