/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_table.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PUB  1
#define PULL 7

static int set_up(void **state)
{
    struct segment_table *table = NULL;
    int r = segment_table_new(4, &table);
    *state = table;
    return r;
}

static int tear_down(void **state)
{
    struct segment_table *table = *state;
    segment_table_destroy(&table);
    assert_null(table);
    return 0;
}

static uint32_t take(struct segment_table *table, uint32_t group)
{
    uint32_t lane = UINT32_MAX;
    assert_int_equal(segment_table_take_lane(table, group, &lane), 0);
    return lane;
}

static void new__layout__describes_itself(void **state)
{
    struct segment_table *table = *state;
    assert_int_equal(table->header->magic, SEGMENT_MAGIC);
    assert_int_equal(table->header->groups_offset, (char *)table->groups - (char *)table->header);
    assert_int_equal(table->header->lanes_offset, (char *)table->lanes - (char *)table->header);
    assert_int_equal(table->header->n_groups, 0);
    assert_int_equal(table->header->n_lanes, 0);
}

static void group__same_type_and_endpoint__is_the_same(void **state)
{
    struct segment_table *table = *state;
    uint32_t first = segment_table_group(table, PUB, "tcp://*:5556", NULL);
    assert_int_equal(segment_table_group(table, PUB, "tcp://*:5556", NULL), first);
    assert_int_not_equal(segment_table_group(table, PULL, "tcp://*:5556", NULL), first);
    assert_int_not_equal(segment_table_group(table, PUB, "", NULL), first);
    assert_int_equal(table->header->n_groups, 3);
    uint32_t named = segment_table_group(table, PUB, "tcp://*:5556", "prices");
    assert_int_not_equal(named, first);
    assert_string_equal(table->groups[named].name, "prices");
    assert_int_equal(table->header->folded_groups, 0);
}

static void group__beyond_the_limit__is_other_of_its_type(void **state)
{
    struct segment_table *table = *state;
    char endpoint[32];
    for (int i = 0; i < 4; i++) {
        (void)snprintf(endpoint, sizeof(endpoint), "inproc://%d", i);
        segment_table_group(table, PUB, endpoint, NULL);
    }
    uint32_t other = segment_table_group(table, PUB, "inproc://4", NULL);
    assert_int_equal(segment_table_group(table, PUB, "inproc://5", NULL), other);
    assert_int_not_equal(segment_table_group(table, PULL, "inproc://5", NULL), other);
    assert_string_equal(table->groups[other].endpoint, SEGMENT_OTHER);
    assert_int_equal(table->groups[other].is_other, 1);
    assert_int_equal(table->header->folded_groups, 3);
    assert_int_equal(segment_table_group(table, PUB, "inproc://3", NULL), 3);
}

/* A program may use the words of ours as an endpoint of its own. */
static void group__endpoint_named_other__is_not_the_fold(void **state)
{
    struct segment_table *table = *state;
    uint32_t own = segment_table_group(table, PUB, SEGMENT_OTHER, NULL);
    for (int i = 0; i < 5; i++)
        segment_table_group(table, PUB, (const char[]){'a', (char)('0' + i), '\0'}, NULL);
    assert_int_equal(table->groups[own].is_other, 0);
    assert_int_equal(table->groups[segment_table_group(table, PUB, "z", NULL)].is_other, 1);
}

static void group__hostile_types__never_overrun(void **state)
{
    struct segment_table *table = *state;
    for (uint32_t type = 0; type < 3000; type++)
        assert_true(segment_table_group(table, type, "x", NULL) < SEGMENT_MAX_GROUPS);
    assert_int_equal(table->header->n_groups, SEGMENT_MAX_GROUPS);
}

static void group__long_endpoint__is_cut_at_a_character(void **state)
{
    struct segment_table *table = *state;
    char endpoint[1024];
    memset(endpoint, 'x', sizeof(endpoint));
    memcpy(endpoint + 757, "\xe2\x82\xac", 3);
    endpoint[1023] = '\0';
    uint32_t group = segment_table_group(table, PUB, endpoint, NULL);
    assert_int_equal(strlen(table->groups[group].endpoint), 757);
    assert_int_equal(segment_table_group(table, PUB, endpoint, NULL), group);
}

static void lane__released_and_taken__counts_on(void **state)
{
    struct segment_table *table = *state;
    uint32_t group = segment_table_group(table, PUB, "a", NULL);
    uint32_t lane = take(table, group);
    uint64_t *words = segment_table_words(table, lane);
    assert_int_equal(words[SEGMENT_STATE], SEGMENT_LANE_OPEN);
    assert_int_equal(words[SEGMENT_GROUP], group + 1);
    assert_int_equal(words[SEGMENT_SEND_QUEUE], SEGMENT_UNKNOWN);
    segment_word_add(&words[SEGMENT_SENT_MESSAGES], 7);
    segment_word_set(&words[SEGMENT_SEND_QUEUE], 3);

    segment_table_release_lane(table, lane);
    assert_int_equal(words[SEGMENT_STATE], SEGMENT_LANE_FREE);
    assert_int_equal(words[SEGMENT_SEND_QUEUE], SEGMENT_UNKNOWN);
    assert_int_equal(words[SEGMENT_SENT_MESSAGES], 7);
    assert_int_equal(take(table, group), lane);
    assert_int_equal(words[SEGMENT_SENT_MESSAGES], 7);
}

static void lane__of_another_group__is_never_given(void **state)
{
    struct segment_table *table = *state;
    uint32_t a = segment_table_group(table, PUB, "a", NULL),
             b = segment_table_group(table, PUB, "b", NULL);
    uint32_t lane = take(table, a), second = take(table, a);
    assert_int_not_equal(lane, second);
    segment_table_release_lane(table, lane);
    segment_table_release_lane(table, second);
    assert_int_equal(take(table, b), 2);
    assert_int_equal(take(table, a), second);
    assert_int_equal(take(table, a), lane);
    assert_int_equal(table->header->n_lanes, 3);
}

static void lane__all_taken__is_refused(void **state)
{
    struct segment_table *table = *state;
    uint32_t group = segment_table_group(table, PUB, "a", NULL), lane;
    for (uint32_t i = 0; i < SEGMENT_MAX_LANES; i++)
        take(table, group);
    assert_int_equal(segment_table_take_lane(table, group, &lane), -ENOSPC);
    segment_table_release_lane(table, 17);
    assert_int_equal(take(table, group), 17);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(new__layout__describes_itself),
        CASE(group__same_type_and_endpoint__is_the_same),
        CASE(group__beyond_the_limit__is_other_of_its_type),
        CASE(group__endpoint_named_other__is_not_the_fold),
        CASE(group__hostile_types__never_overrun),
        CASE(group__long_endpoint__is_cut_at_a_character),
        CASE(lane__released_and_taken__counts_on),
        CASE(lane__of_another_group__is_never_given),
        CASE(lane__all_taken__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
