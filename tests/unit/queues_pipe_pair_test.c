/* SPDX-License-Identifier: MPL-2.0 */
/* What both ends of a pipe say, over bytes that are made here, against a pipe that is played. */
#include "queues/pipe_pair.h"

#include "queues/queue_ages.h"
#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#define VTABLE       ((uintptr_t)0x7f0000001000)
#define CONTEXT      ((uintptr_t)0x7f0000002000)
#define PIPE         ((uintptr_t)0x7f0000003000)
#define PEER         ((uintptr_t)0x7f0000004000)
#define N_IO_THREADS 2
#define OWNER        4u /* the first slot that a socket can have: 0 and 1, and two I/O threads */
#define FULL         UINT64_C(1000000000)

/* One end as libzmq could have it; the words lie one behind another. */
struct end {
    uintptr_t vtable, context, peer, sink;
    uint64_t n_read, n_written, n_read_by_peer;
    int32_t hwm, lwm;
    uint32_t owner, state;
    unsigned char is_writable;
};

#define AT(field) offsetof(struct end, field)
static const struct pipe_layout layout = {
    .is_known = true,
    .pipe_vtable = VTABLE,
    .context = AT(context),
    .owner = AT(owner),
    .hwm = AT(hwm),
    .lwm = AT(lwm),
    .n_read = AT(n_read),
    .n_written = AT(n_written),
    .n_read_by_peer = AT(n_read_by_peer),
    .peer = AT(peer),
    .sink = AT(sink),
    .state = AT(state),
    .is_writable = AT(is_writable),
    .pipe_size = sizeof(struct end),
};

struct both {
    struct end pipe, peer;
    struct pipe_target target;
};

static void make(struct both *self)
{
    *self = (struct both){
        .pipe = {VTABLE, CONTEXT, PEER, 8, .hwm = 10, .lwm = 5, .owner = OWNER, .is_writable = 1},
        .peer = {VTABLE, CONTEXT, PIPE, 8, .hwm = 20, .lwm = 5, .owner = 5, .is_writable = 1},
        .target = {.layout = &layout,
                   .context = (const void *)CONTEXT,
                   .n_io_threads = N_IO_THREADS,
                   .memo.owner = OWNER,
                   .sample.send_fullest = PIPE_UNKNOWN,
                   .sample.receive_fullest = PIPE_UNKNOWN},
    };
}

static struct pipe_pair pair_of(struct both *self)
{
    return (struct pipe_pair){.target = &self->target,
                              .pipe_address = PIPE,
                              .peer_address = PEER,
                              .pipe = (const unsigned char *)&self->pipe,
                              .peer = (const unsigned char *)&self->peer,
                              .read_ns = 1000};
}

static struct pipe_sample sample_of(struct both *self, int conflated_out, int conflated_in)
{
    struct pipe_pair pair = pair_of(self);
    struct both fresh;
    make(&fresh);
    struct queue_ages *ages = self->target.ages;
    self->target.sample = fresh.target.sample;
    self->target.ages = ages;
    pipe_pair_add(&pair, conflated_out, conflated_in);
    return self->target.sample;
}

static void valid__one_word_wrong__is_none(void **state)
{
    (void)state;
    struct both both;
    struct pipe_pair pair = pair_of(&both);
    void *const words[] = {&both.pipe.vtable,  &both.peer.vtable, &both.pipe.context,
                           &both.peer.context, &both.pipe.peer,   &both.peer.peer};
    make(&both);
    assert_true(pipe_pair_is_valid(&pair));
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        make(&both);
        *(uintptr_t *)words[i] += 16;
        assert_false(pipe_pair_is_valid(&pair));
    }
    make(&both);
    both.pipe.owner++;
    assert_false(pipe_pair_is_valid(&pair));
    make(&both);
    both.peer.owner += 7; /* any socket's */
    assert_true(pipe_pair_is_valid(&pair));
    for (uint32_t n = 0; n < 9; n++) {
        make(&both);
        both.pipe.state = n;
        assert_int_equal(pipe_pair_is_valid(&pair), n <= 5);
        make(&both);
        both.peer.state = n;
        assert_int_equal(pipe_pair_is_valid(&pair), n <= 5);
    }
}

static void depth__counts_apart__is_a_count_or_none(void **state)
{
    (void)state;
    static const struct {
        uint64_t n_written, n_read, depth;
    } rows[] = {
        {0, 0, 0},
        {1, 0, 1},
        {7, 7, 0},
        {7, 8, 0}, /* the reader was seen ahead */
        {(UINT64_C(1) << 40) - 1, 0, (UINT64_C(1) << 40) - 1},
        {UINT64_C(1) << 40, 0, 0},
        {3, UINT64_MAX, 4}, /* the counts wrapped around */
    };
    struct both both;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pipe_pair pair = pair_of(&both);
        make(&both);
        both.pipe.n_written = rows[i].n_written;
        both.peer.n_read = rows[i].n_read;
        struct pipe_sample sample = sample_of(&both, -1, -1);
        assert_int_equal(sample.send_queue, rows[i].depth);
        assert_int_equal(sample.receive_queue, 0);
        assert_int_equal(pipe_pair_has_out(&pair), rows[i].depth != 0);
        assert_false(pipe_pair_has_in(&pair));

        make(&both);
        both.peer.n_written = rows[i].n_written;
        both.pipe.n_read = rows[i].n_read;
        sample = sample_of(&both, -1, -1);
        assert_int_equal(sample.receive_queue, rows[i].depth);
        assert_int_equal(sample.send_queue, 0);
        assert_int_equal(pipe_pair_has_in(&pair), rows[i].depth != 0);
        assert_false(pipe_pair_has_out(&pair));
    }
}

static void fullest__depth_and_mark__is_their_ratio(void **state)
{
    (void)state;
    static const struct {
        uint64_t depth;
        int32_t hwm;
        uint64_t ratio;
    } rows[] = {
        {0, 10, 0},           {1, 10, FULL / 10}, {9, 10, FULL / 10 * 9}, {10, 10, FULL},
        {11, 10, FULL},       {1, 3, 333333333},  {1, INT32_MAX, 0},      {5, 1, FULL},
        {1, 1, FULL},         {0, 1, 0},          {5, 0, PIPE_UNKNOWN},   {5, -1, PIPE_UNKNOWN},
        {0, 0, PIPE_UNKNOWN},
    };
    struct both both;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        make(&both);
        both.pipe.n_written = rows[i].depth;
        both.pipe.hwm = rows[i].hwm;
        struct pipe_sample sample = sample_of(&both, -1, -1);
        assert_true(sample.send_fullest == rows[i].ratio);
        assert_true(sample.receive_fullest == 0);
        make(&both);
        both.peer.n_written = rows[i].depth;
        both.peer.hwm = rows[i].hwm;
        sample = sample_of(&both, -1, -1);
        assert_true(sample.receive_fullest == rows[i].ratio);
        assert_true(sample.send_fullest == 0);
    }
}

static void fullest__several_pipes__is_the_largest(void **state)
{
    (void)state;
    static const uint64_t depths[] = {3, 7, 5};
    struct both both;
    struct pipe_pair pair = pair_of(&both);
    make(&both);
    for (size_t i = 0; i < 3; i++) {
        both.pipe.n_written = depths[i];
        both.peer.n_written = depths[2 - i];
        pipe_pair_add(&pair, -1, -1);
    }
    assert_int_equal(both.target.sample.n_pipes, 3);
    assert_int_equal(both.target.sample.send_queue, 15);
    assert_int_equal(both.target.sample.receive_queue, 15);
    assert_int_equal(both.target.sample.send_fullest, FULL / 10 * 7);
    assert_int_equal(both.target.sample.receive_fullest, FULL / 20 * 7);
}

static void add__every_state_of_both_ends__counts_what_is_still_moved(void **state)
{
    (void)state;
    struct both both;
    for (uint32_t mine = 0; mine <= 5; mine++) {
        for (uint32_t its = 0; its <= 5; its++) {
            make(&both);
            both.pipe.state = mine;
            both.peer.state = its;
            both.pipe.n_written = 10; /* full */
            both.peer.n_written = 4;
            struct pipe_sample sample = sample_of(&both, -1, -1);
            bool is_received = mine == 0 || mine == 2;
            bool is_sent = (mine == 0 || mine == 4) && (its == 0 || its == 2);
            assert_int_equal(sample.n_pipes, 1);
            assert_int_equal(sample.receive_queue, is_received ? 4 : 0);
            assert_true(sample.receive_fullest == (is_received ? FULL / 5 : PIPE_UNKNOWN));
            assert_int_equal(sample.send_queue, is_sent ? 10 : 0);
            assert_true(sample.send_fullest == (is_sent ? FULL : PIPE_UNKNOWN));
            assert_int_equal(sample.n_inproc, mine == 0 && its == 0);
            assert_int_equal(sample.n_send_full, mine == 0);

            struct pipe_pair pair = pair_of(&both);
            assert_int_equal(pipe_pair_end(&pair, -1, -1).is_read_on, its == 0 || its == 2);
        }
    }
}

static void add__owner_of_the_peer__tells_network_inproc_and_pending(void **state)
{
    (void)state;
    struct both both;
    for (uint32_t owner = 0; owner < 8; owner++) {
        for (uintptr_t sink = 0; sink <= 8; sink += 8) {
            make(&both);
            struct pipe_pair pair = pair_of(&both);
            both.peer.owner = owner;
            both.peer.sink = sink;
            both.pipe.n_written = 6;
            both.peer.n_read = 2;
            bool is_pending = owner == OWNER && sink == 0;
            assert_int_equal(sample_of(&both, -1, -1).n_inproc, owner >= OWNER && !is_pending);
            struct pipe_end end = pipe_pair_end(&pair, -1, -1);
            assert_int_equal(end.is_network, owner < OWNER);
            assert_true(end.pipe == PIPE && end.peer == PEER);
            assert_int_equal(end.n_written, 6);
            assert_int_equal(end.n_read, 2);
        }
    }
}

static void add__conflating__is_what_it_holds_and_what_was_replaced(void **state)
{
    (void)state;
    struct both both;
    for (int held = 0; held <= 1; held++) {
        for (uint32_t owner = OWNER - 1; owner <= OWNER + 1; owner++) {
            make(&both);
            both.peer.owner = owner;
            both.pipe.n_written = 12;
            both.peer.n_written = 5;
            struct pipe_sample sample = sample_of(&both, held, -1);
            assert_int_equal(sample.send_queue, held);
            assert_int_equal(sample.receive_queue, 5);
            assert_true(sample.send_fullest == PIPE_UNKNOWN);
            assert_true(sample.receive_fullest == FULL / 4);
            assert_int_equal(sample.n_conflated, 12 - held);
            assert_int_equal(sample.n_send_full, 0); /* it has no limit */

            sample = sample_of(&both, -1, held);
            assert_int_equal(sample.send_queue, 12);
            assert_int_equal(sample.receive_queue, held);
            assert_true(sample.receive_fullest == PIPE_UNKNOWN);
            /* Between two sockets of the process it is the sender's. */
            assert_int_equal(sample.n_conflated, owner < OWNER ? 5 - held : 0);
            assert_int_equal(sample.n_send_full, 1);
        }
    }
    make(&both); /* read empty: nothing was replaced */
    assert_int_equal(sample_of(&both, 1, 1).n_conflated, 0);
}

/* They are counted as written and never as read, and take room. */
static void add__credentials_in_the_in_queue__are_no_messages(void **state)
{
    (void)state;
    static const struct {
        uint64_t n_unread, n_credentials;
        bool is_empty;
        int32_t hwm;
        uint64_t depth, ratio;
    } rows[] = {
        {5, 0, false, 20, 5, FULL / 4}, {5, 1, false, 21, 4, FULL / 5},
        {5, 3, false, 7, 2, FULL / 2},  {5, 1, false, 5, 4, FULL},
        {1, 1, false, 1, 0, 0},         {2, 3, false, 10, 0, 0},
        {1, 0, true, 10, 0, 0},         {4, 1, false, 0, 3, PIPE_UNKNOWN},
    };
    struct both both;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        make(&both);
        both.peer.hwm = rows[i].hwm;
        both.peer.n_written = 100 + rows[i].n_unread;
        both.pipe.n_read = 100;
        struct pipe_pair pair = pair_of(&both);
        pair.n_credentials = rows[i].n_credentials;
        pair.is_in_empty = rows[i].is_empty;
        print_message("# row %zu\n", i);
        assert_int_equal(pipe_pair_has_in(&pair), rows[i].depth != 0);
        assert_int_equal(pipe_pair_end(&pair, -1, -1).receive_queue, rows[i].depth);
        pipe_pair_add(&pair, -1, -1);
        assert_int_equal(both.target.sample.receive_queue, rows[i].depth);
        assert_int_equal(both.target.sample.receive_fullest, rows[i].ratio);
        assert_int_equal(both.target.sample.send_queue, 0);
    }
}

static void age__credential_before__is_the_messages_own(void **state)
{
    (void)state;
    struct both both;
    struct queue_ages *ages;
    assert_int_equal(queue_ages_new(&ages), 0);
    make(&both);
    both.target.ages = ages;
    both.pipe.n_read = 7;
    for (uint64_t n = 1; n <= 3; n++) { /* one message more each second */
        both.peer.n_written = 8 + n;
        struct pipe_pair pair = pair_of(&both);
        pair.n_credentials = 1;
        pair.read_ns = n * 1000;
        both.target.sample.receive_age_ns = 0;
        queue_ages_begin_round(ages);
        pipe_pair_add(&pair, -1, -1);
        if (n == 2)
            both.pipe.n_read = 8; /* the first one */
    }
    assert_int_equal(both.target.sample.receive_age_ns, 1000);
    queue_ages_destroy(&ages);
}

static void add__ages__are_of_queues_that_hold_messages(void **state)
{
    (void)state;
    struct both both;
    struct queue_ages *ages;
    assert_int_equal(queue_ages_new(&ages), 0);
    make(&both);
    both.pipe.n_written = 3;
    struct pipe_sample sample = sample_of(&both, -1, -1);
    assert_int_equal(sample.send_age_ns, 0); /* not wanted */
    assert_int_equal(sample.n_send_undated, 0);

    both.target.ages = ages;
    struct pipe_pair pair = pair_of(&both);
    for (int round = 0; round < 3; round++) {
        queue_ages_begin_round(ages);
        pair.read_ns = 1000 + 100 * (uint64_t)round;
        both.target.sample.send_age_ns = 0;
        pipe_pair_add(&pair, -1, -1);
        assert_int_equal(both.target.sample.send_age_ns, 100 * round);
        assert_int_equal(both.target.sample.receive_age_ns, 0);
    }
    both.target.sample.send_age_ns = 5000; /* another pipe's is older */
    pipe_pair_add(&pair, -1, -1);
    assert_int_equal(both.target.sample.send_age_ns, 5000);
    assert_int_equal(both.target.sample.n_send_undated, 0);
    pipe_pair_add(&pair, 1, -1);
    assert_int_equal(both.target.sample.n_send_undated, 1);
    assert_int_equal(both.target.sample.n_receive_undated, 0);
    pipe_pair_add(&pair, 0, -1); /* it holds none */
    assert_int_equal(both.target.sample.n_send_undated, 1);

    /* The same queue from its other end is the same age. */
    struct both other;
    make(&other);
    other.target.ages = ages;
    other.peer.n_written = 3;
    struct pipe_pair back = pair_of(&other);
    back.pipe_address = PEER;
    back.peer_address = PIPE;
    back.read_ns = 1300;
    queue_ages_begin_round(ages);
    pipe_pair_add(&back, -1, -1);
    assert_int_equal(other.target.sample.receive_age_ns, 300);
    assert_int_equal(other.target.sample.send_age_ns, 0);
    pipe_pair_add(&back, -1, 1);
    assert_int_equal(other.target.sample.n_receive_undated, 1);
    queue_ages_destroy(&ages);
}

/*
 * A pipe played as libzmq has it (pipe.cpp: check_write, write, read, process_activate_write).
 */
struct played {
    struct both *both;
    uint64_t n_told;
    bool is_told;
};

static bool try_write(struct end *end)
{
    if (end->hwm > 0 && end->n_written - end->n_read_by_peer >= (uint64_t)end->hwm)
        end->is_writable = 0;
    if (!end->is_writable)
        return false;
    end->n_written++;
    return true;
}

static void try_read(struct played *self)
{
    struct end *reader = &self->both->peer;
    if (reader->n_read == self->both->pipe.n_written)
        return;
    reader->n_read++;
    if (reader->lwm > 0 && reader->n_read % (uint64_t)reader->lwm == 0) {
        self->n_told = reader->n_read;
        self->is_told = true;
    }
}

static void take_commands(struct played *self)
{
    if (!self->is_told)
        return;
    self->is_told = false;
    self->both->pipe.n_read_by_peer = self->n_told;
    self->both->pipe.is_writable = 1;
}

/* Full is what takes no message although the writer has heard all that it was told. */
static bool is_full(const struct played *self)
{
    const struct end *writer = &self->both->pipe;
    uint64_t depth = writer->n_written - self->both->peer.n_read;
    return writer->hwm > 0 &&
           (depth >= (uint64_t)writer->hwm || (!writer->is_writable && !self->is_told));
}

static void full__played_pipe__is_full_until_messages_are_taken_again(void **state)
{
    (void)state;
    unsigned seed = 1, n_full = 0, n_late = 0;
    for (int32_t hwm = 0; hwm <= 12; hwm++) {
        struct both both;
        struct played played = {.both = &both};
        make(&both);
        both.pipe.hwm = hwm;
        both.peer.lwm = (hwm + 1) / 2;
        for (int step = 0; step < 4000; step++) {
            int action = rand_r(&seed) % (2 + step / 500 % 3);
            if (action == 0)
                (void)try_write(&both.pipe);
            else if (rand_r(&seed) % 4 == 0)
                take_commands(&played);
            else
                try_read(&played);
            unsigned is_now = sample_of(&both, -1, -1).n_send_full;
            assert_int_equal(is_now, is_full(&played));
            n_full += is_now;
            n_late += is_now && both.pipe.n_written - both.peer.n_read < (uint64_t)hwm;
        }
    }
    assert_true(n_full > 1000 && n_late > 100); /* it was played through */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid__one_word_wrong__is_none),
        cmocka_unit_test(depth__counts_apart__is_a_count_or_none),
        cmocka_unit_test(fullest__depth_and_mark__is_their_ratio),
        cmocka_unit_test(fullest__several_pipes__is_the_largest),
        cmocka_unit_test(add__every_state_of_both_ends__counts_what_is_still_moved),
        cmocka_unit_test(add__owner_of_the_peer__tells_network_inproc_and_pending),
        cmocka_unit_test(add__conflating__is_what_it_holds_and_what_was_replaced),
        cmocka_unit_test(add__credentials_in_the_in_queue__are_no_messages),
        cmocka_unit_test(age__credential_before__is_the_messages_own),
        cmocka_unit_test(add__ages__are_of_queues_that_hold_messages),
        cmocka_unit_test(full__played_pipe__is_full_until_messages_are_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
