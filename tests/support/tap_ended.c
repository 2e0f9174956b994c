/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_ended.h"

#include "tap/events/events.h"
#include "tap/events/monitor.h"
#include "tap/learned/learned.h"

#include "support/cmocka.h"

#include <string.h>
#include <time.h>
#include <zmq.h>

struct ended ended;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
    (void)clock;
    *ret = (struct timespec){(time_t)(ended.now_ns / 1000000000),
                             (long)(ended.now_ns % 1000000000)};
    return 0;
}

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    (void)library;
    return ended.layout.is_known ? &ended.layout : NULL;
}

void monitor_drain_context(struct registry_context *context)
{
    assert_ptr_equal(context, tap_played_context);
    assert_int_equal(tap_played_lock_depth, 0);
    ended.n_drained++;
}

bool events_may_have_peers(const struct registry_socket *socket)
{
    (void)socket;
    return ended.has_peers;
}

void ended_open_socket(int type)
{
    ended.socket_now = registry_open_socket(tap_played_context, &ended.object, type);
    assert_non_null(ended.socket_now);
    endings_reset(ended.socket_now);
    ended.words = ended.socket_now->words;
    segment_word_set(&ended.words[SEGMENT_OPTION_LINGER], 0);
    segment_word_set(&ended.words[SEGMENT_OPTION_IMMEDIATE], 0);
    segment_word_set(&ended.words[SEGMENT_OPTION_CONFLATE], 0);
}

int ended_set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played_context->n_io_threads = 2; /* owners 2 and 3; below are the reaper and others */
    endings_forked();
    ended.now_ns = 100000 * MS;
    ended.layout = (struct pipe_layout){.is_known = true,
                                        .pipe_vtable = ENDED_VTABLE,
                                        .pipes = offsetof(struct ended_object, begin),
                                        .owner = offsetof(struct ended_pipe, owner),
                                        .state = offsetof(struct ended_pipe, state),
                                        .peer = offsetof(struct ended_pipe, peer),
                                        .n_written = offsetof(struct ended_pipe, n_written),
                                        .n_read = offsetof(struct ended_pipe, n_read)};
    for (size_t i = 0; i < ENDED_N_PIPES; i++) {
        ended.pipes[i] = (struct ended_pipe){
            ENDED_VTABLE, ENDED_SOCKET_ID, PIPE_STATE_ACTIVE, &ended.peers[i], 0, 0};
        ended.peers[i] = (struct ended_pipe){ENDED_VTABLE,    3, PIPE_STATE_ACTIVE,
                                             &ended.pipes[i], 0, 0};
        ended.vector[i] = &ended.pipes[i];
        ended.is_there[i] = false;
    }
    ended.object = (struct ended_object){
        .owner = ENDED_SOCKET_ID, .begin = ended.vector, .end = ended.vector + 1};
    ended.is_there[0] = ended.is_valid = ended.is_read_on = ended.has_peers = true;
    ended.n_drained = 0;
    ended.within = NULL;
    ended_open_socket(ZMQ_PUSH);
    return 0;
}

int ended_tear_down(void **state)
{
    (void)state;
    endings_forked();
    tap_played_end();
    return 0;
}

static bool is_network(size_t i)
{
    return ended.peers[i].owner < 2u + 2u;
}

/* What the reader does: each pipe that is there is seen by its socket. */
static void see_pipes(struct pipe_target *target)
{
    target->sample.is_valid = ended.is_valid;
    target->memo.owner = ENDED_SOCKET_ID;
    for (size_t i = 0; ended.is_valid && target->visit && i < ENDED_N_PIPES; i++) {
        const struct pipe_end end = {.pipe = (uintptr_t)&ended.pipes[i],
                                     .peer = (uintptr_t)&ended.peers[i],
                                     .n_written = ended.pipes[i].n_written,
                                     .n_read = ended.peers[i].n_read,
                                     .is_read_on = ended.is_read_on,
                                     .is_network = is_network(i)};
        if (ended.is_there[i])
            target->visit(target->data, &end);
    }
}

void ended_look(void)
{
    memset(ended.targets, 0, sizeof(ended.targets));
    endings_begin_round();
    ended.n_targets = 0;
    if (ended.socket_now->is_used && ended.socket_now->slot) {
        ended.targets[0] = (struct pipe_target){.context = tap_played_context->handle,
                                                .socket = &ended.object};
        endings_prepare(ended.socket_now, &ended.targets[ended.n_targets++]);
    }
    ended.n_targets += endings_add_closed(ended.targets + ended.n_targets);
    for (size_t i = 0; i < ended.n_targets; i++)
        see_pipes(&ended.targets[i]);
    if (ended.within)
        ended.within();
    endings_settle(ended.targets, ended.n_targets);
}

void ended_look_after(uint64_t ms)
{
    ended.now_ns += ms * MS;
    ended_look();
}

uint64_t ended_lost(enum segment_lane_word number)
{
    return segment_word_get(&ended.words[number]);
}

void ended_write_messages(size_t i, uint64_t n_written, uint64_t n_read)
{
    ended.pipes[i].n_written = n_written;
    ended.peers[i].n_read = n_read;
}

void ended_tell(uint64_t kind)
{
    struct guard guard;
    registry_lock(&guard);
    endings_event(ended.socket_now, kind);
    registry_unlock(&guard);
}

void ended_close_socket(void)
{
    endings_closing(ended.socket_now);
    registry_close_socket(ended.socket_now);
    registry_free_socket(ended.socket_now);
}

void ended_set_linger(int64_t ms)
{
    segment_word_set(&ended.words[SEGMENT_OPTION_LINGER], (uint64_t)ms);
}
