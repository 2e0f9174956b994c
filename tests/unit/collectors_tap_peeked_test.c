/* SPDX-License-Identifier: MPL-2.0 */
/* Whose counts are a tap's, where the reader saw the process too. */
#include "collectors/tap/tap_peeked.h"

#include "collectors/peek/peek_link.h"
#include "support/cmocka.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)
#define NOW_NS (100 * SECOND)
#define PID    5u
#define TICKS  7u

static struct peek_model model;

/* There is no reader: the test is it. */
struct peek_model *peek_link_lock(struct peek_link *self)
{
    (void)self;
    return &model;
}

void peek_link_unlock(struct peek_link *self)
{
    (void)self;
}

static void take(enum peek_record_kind kind, uint32_t is_without_tap)
{
    struct peek_record record = peek_record_of(kind);
    if (kind == PEEK_RECORD_PROCESS)
        record.process = (struct peek_record_process){
            .pid = PID, .start_ticks = TICKS, .is_without_tap = is_without_tap, .program = "feed"};
    assert_int_equal(peek_model_take(&model, &record, NOW_NS), 0);
}

struct segment {
    enum tap_process_state state;
    uint64_t start_ticks, pid_namespace;
};

/* Whether the process is counted as one that the reader sees, beside a segment. */
static bool is_counted(const struct segment *segment, bool is_without_tap)
{
    struct tap_groups groups;
    struct tap_process *tapped;
    struct tap_scan scan = {.groups = &groups, .processes = &tapped, .n_processes = 1};
    struct tap_peeked peeked = {.link = (struct peek_link *)&model};
    const struct segment_name name = {PID, TICKS, 0};
    model = (struct peek_model){.processes = NULL};
    tap_groups_init(&groups, 10);
    assert_int_equal(tap_process_new("", &name, NOW_NS, &tapped), 0);
    tapped->state = segment->state;
    tapped->id = (struct tap_process_id){
        .pid = PID, .start_ticks = segment->start_ticks, .pid_namespace = segment->pid_namespace};
    tapped->life.pid = (pid_t)PID;
    tapped->life.start_ticks = segment->start_ticks;
    take(PEEK_RECORD_PROCESS, is_without_tap);
    take(PEEK_RECORD_PASS, 0);
    (void)tap_peeked_update(&peeked, &scan, NOW_NS);
    bool is = peeked.n > 0;
    tap_peeked_finish(&peeked, NOW_NS);
    tap_process_destroy(&tapped, NOW_NS);
    tap_groups_finish(&groups);
    peek_model_finish(&model);
    return is;
}

static void update__segment_with_counts__is_all_that_counts(void **state)
{
    (void)state;
    /* DEAD: it began and ended between two scrapes, in which time the reader saw it as well. */
    const enum tap_process_state states[] = {TAP_PROCESS_LIVE, TAP_PROCESS_SILENT, TAP_PROCESS_DEAD,
                                             TAP_PROCESS_FOLDED};
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        const struct segment segment = {states[i], TICKS, 1};
        assert_false(is_counted(&segment, false));
    }
}

static void
update__segment_of_the_program_before__does_not_count_for_the_one_without_a_tap(void **state)
{
    (void)state;
    const enum tap_process_state states[] = {TAP_PROCESS_SILENT, TAP_PROCESS_DEAD,
                                             TAP_PROCESS_FOLDED};
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        const struct segment segment = {states[i], TICKS, 1};
        assert_true(is_counted(&segment, true));
    }
    assert_false(is_counted(&(struct segment){TAP_PROCESS_LIVE, TICKS, 1}, true));
}

static void update__no_segment_of_it__is_counted(void **state)
{
    (void)state;
    const struct segment others[] = {
        {TAP_PROCESS_LIVE, TICKS + 1, 1}, /* of the process that had the number before */
        {TAP_PROCESS_DEAD, TICKS + 1, 1},
        {TAP_PROCESS_NEW, TICKS, 1}, /* nothing is known of it yet */
        {TAP_PROCESS_REFUSED, TICKS, 1},
        {TAP_PROCESS_LIVE, TICKS, TAP_PEEKED_NAMESPACE}, /* saved by the reader itself */
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_true(is_counted(&others[i], false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update__segment_with_counts__is_all_that_counts),
        cmocka_unit_test(
            update__segment_of_the_program_before__does_not_count_for_the_one_without_a_tap),
        cmocka_unit_test(update__no_segment_of_it__is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
