/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: both ends of each pipe are read in one range if they lie near each other, as they do
 * where the allocator had room, or in two neighbouring ones; so that the two counts of a depth are
 * a fraction of a microsecond apart.
 *
 * A range costs more than the bytes in it, so what stays as it is is remembered from one sample to
 * the next, and asked again where it no longer holds: where a pipe's peer lies; the pipe of a
 * socket that has one; that a queue counts its messages. A pipe that has left its socket's vector
 * is none that is active any more (pipe.cpp, 4.2.5 to 4.3.5), so a remembered one that is active
 * and the socket's own is still there.
 */
#include "queues/pipe_block.h"

#include "base/clock.h"
#include "queues/pipe_bytes.h"

#include <string.h>

#define PLAIN_ROUNDS 10 /* for which a queue is taken to count its messages */

static bool are_read(const struct pipe_memory_range *ranges, size_t n_ranges)
{
    for (size_t i = 0; i < n_ranges; i++)
        if (!ranges[i].is_read)
            return false;
    return true;
}

/* The place where a pipe is remembered; many pipes share it, the last one has it. */
static struct known_pipe *place_of(struct pipe_block *self, uintptr_t pipe)
{
    uint64_t hash = (uint64_t)(pipe >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    return &self->known[(hash >> 40) % PIPE_BLOCK_KNOWN];
}

static uintptr_t recall_peer(struct pipe_block *self, uintptr_t pipe)
{
    const struct known_pipe *known = place_of(self, pipe);
    return known->pipe == pipe ? known->peer : 0;
}

/* Finds the peers of those pipes whose peer is not known yet. */
static void find_peers(struct pipe_block *self, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_pair *pair = &self->pipes[i].pair;
        if (pair->peer_address == 0)
            self->ranges[n_ranges++] = pipe_block_range(
                pair->pipe_address + pair->target->layout->peer, &pair->peer_address,
                sizeof(pair->peer_address));
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
}

/* Both ends at once, or the peer and then the pipe. */
static void plan_pair(struct pipe_read *read, struct pipe_memory_range ret_ranges[2])
{
    struct pipe_pair *pair = &read->pair;
    size_t size = pair->target->layout->pipe_size;
    uintptr_t a = pair->pipe_address, b = pair->peer_address, low = a < b ? a : b;
    bool is_near = a + b - 2 * low + size <= PIPE_BLOCK_SPAN;
    pair->pipe = read->bytes + (is_near ? a - low : 0);
    pair->peer = read->bytes + (is_near ? b - low : PIPE_BLOCK_SPAN / 2);
    read->n_ranges = is_near ? 1 : 2;
    ret_ranges[0] = is_near ? pipe_block_range(low, read->bytes, a + b - 2 * low + size)
                            : pipe_block_range(b, read->bytes + PIPE_BLOCK_SPAN / 2, size);
    ret_ranges[1] = pipe_block_range(a, read->bytes, size);
}

static bool is_believable(const struct pipe_read *read)
{
    const struct pipe_layout *layout = read->pair.target->layout;
    return pipe_pair_is_valid(&read->pair) &&
           (!read->is_remembered ||
            pipe_u32_at(read->pair.pipe, layout->state) == PIPE_STATE_ACTIVE);
}

/* Reads the pairs that were not yet read; returns how many could not be. */
static size_t read_pairs(struct pipe_block *self, size_t n)
{
    size_t n_ranges = 0, n_failed = 0;
    find_peers(self, n);
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        if (read->is_read)
            continue;
        struct pipe_memory_range planned[2];
        plan_pair(read, planned);
        memcpy(&self->ranges[n_ranges], planned, read->n_ranges * sizeof(planned[0]));
        n_ranges += read->n_ranges;
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
    n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        if (read->is_read)
            continue;
        read->is_read = are_read(&self->ranges[n_ranges], read->n_ranges) && is_believable(read);
        n_ranges += read->n_ranges;
        n_failed += !read->is_read;
    }
    return n_failed;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Looks at the queues that count messages: whether they replace them is asked once, a connection's
 * in queue each time for what else is in it. */
static void read_queues(struct pipe_block *self, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        const struct pipe_layout *layout = read->pair.target->layout;
        const struct known_pipe *known = place_of(self, read->pair.pipe_address);
        bool is_known = known->pipe == read->pair.pipe_address;
        uintptr_t out = read->is_read ? pipe_pointer_at(read->pair.pipe, layout->out_queue) : 0;
        uintptr_t in = read->is_read ? pipe_pointer_at(read->pair.pipe, layout->in_queue) : 0;
        read->out.is_wanted = read->is_read && pipe_pair_has_out(&read->pair) &&
                              !(is_known && known->plain_out == out);
        bool is_plain_in = is_known && known->plain_in == in;
        read->in.is_wanted = read->is_read && pipe_pair_has_in(&read->pair) &&
                             (!is_plain_in || pipe_pair_is_network(&read->pair));
        memset(read->out.bytes, 0, sizeof(uintptr_t));
        memset(read->in.bytes, 0, sizeof(uintptr_t));
        if (read->out.is_wanted)
            self->ranges[n_ranges++] = pipe_block_range(out, read->out.bytes,
                                                        layout->has_message + 1);
        if (read->in.is_wanted)
            self->ranges[n_ranges++] = pipe_block_range(
                in, read->in.bytes, larger(layout->has_message + 1, CREDENTIALS_QUEUE_BYTES));
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
}

/* How much a queue that conflates holds, or -1 for one that does not. */
static int conflated(const struct pipe_layout *layout, const struct queue_read *queue)
{
    if (!queue->is_wanted || pipe_pointer_at(queue->bytes, 0) != layout->conflating_vtable)
        return -1;
    return queue->bytes[layout->has_message] != 0;
}

static bool is_plain(const struct pipe_layout *layout, const struct queue_read *queue)
{
    uintptr_t vtable = pipe_pointer_at(queue->bytes, 0); /* zero if it was not read */
    return queue->is_wanted && vtable != 0 && vtable != layout->conflating_vtable;
}

/* Whose in queue may have credentials in it. */
static bool has_connection_queue(const struct pipe_read *read)
{
    return read->is_read && is_plain(read->pair.target->layout, &read->in) &&
           pipe_pair_is_network(&read->pair);
}

static void read_fronts(struct pipe_block *self, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        uintptr_t front = has_connection_queue(read)
                              ? credentials_front(
                                    &place_of(self, read->pair.pipe_address)->credentials,
                                    &read->pair, read->in.bytes)
                              : 0;
        read->has_front = front != 0;
        if (read->has_front)
            self->ranges[n_ranges++] = pipe_block_range(front, read->front, sizeof(read->front));
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
    n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        if (self->pipes[i].has_front)
            self->pipes[i].has_front = self->ranges[n_ranges++].is_read;
    }
}

static void remember(struct pipe_block *self, const struct pipe_read *read)
{
    const struct pipe_layout *layout = read->pair.target->layout;
    struct known_pipe *known = place_of(self, read->pair.pipe_address);
    if (known->pipe != read->pair.pipe_address)
        *known = (struct known_pipe){.pipe = read->pair.pipe_address};
    if (++known->n_rounds == PLAIN_ROUNDS)
        *known = (struct known_pipe){.pipe = known->pipe, .credentials = known->credentials};
    known->peer = read->pair.peer_address;
    if (is_plain(layout, &read->out))
        known->plain_out = pipe_pointer_at(read->pair.pipe, layout->out_queue);
    if (is_plain(layout, &read->in))
        known->plain_in = pipe_pointer_at(read->pair.pipe, layout->in_queue);
    if (read->vector != 0) {
        read->pair.target->memo.vector = read->vector;
        read->pair.target->memo.only_pipe = read->pair.pipe_address;
    }
}

static void enter(const struct pipe_read *read)
{
    const struct pipe_layout *layout = read->pair.target->layout;
    struct pipe_ledger *ledger = read->pair.target->ledger;
    struct pipe_count count = {.target = read->pair.target, .pipe = read->pair.pipe_address};
    if (ledger->n == ledger->capacity) {
        ledger->is_short = true;
        return;
    }
    if (read->is_read) {
        count.is_readable = true;
        count.peer = read->pair.peer_address;
        count.in_queue = pipe_pointer_at(read->pair.pipe, layout->in_queue);
        count.n_written = pipe_u64_at(read->pair.pipe, layout->n_written);
        count.n_read = pipe_u64_at(read->pair.pipe, layout->n_read);
    }
    ledger->counts[ledger->n++] = count;
}

static void show_end(const struct pipe_read *read, int conflated_out, int conflated_in)
{
    const struct pipe_target *target = read->pair.target;
    if (!target->visit)
        return;
    struct pipe_end end = pipe_pair_end(&read->pair, conflated_out, conflated_in);
    target->visit(target->data, &end);
}

/* One look at the clock for a block in which messages wait. */
static void note_time(struct pipe_block *self, struct pipe_pair *pair)
{
    if (!pair->target->ages || !(pipe_pair_has_out(pair) || pipe_pair_has_in(pair)))
        return;
    if (self->read_ns == 0)
        self->read_ns = clock_monotonic_ns();
    pair->read_ns = self->read_ns;
}

static void add_pipe(struct pipe_block *self, struct pipe_read *read)
{
    const struct pipe_layout *layout = read->pair.target->layout;
    if (read->pair.target->ledger && read->pair.pipe_address != 0)
        enter(read);
    if (!read->is_read || (read->is_waiting && pipe_pointer_at(read->pair.pipe, layout->sink) != 0))
        return;
    remember(self, read);
    if (has_connection_queue(read) || !pipe_pair_has_in(&read->pair))
        credentials_note(&place_of(self, read->pair.pipe_address)->credentials, &read->pair,
                         pipe_pair_has_in(&read->pair) ? read->in.bytes : NULL,
                         read->has_front ? read->front : NULL);
    note_time(self, &read->pair);
    int conflated_out = conflated(layout, &read->out), conflated_in = conflated(layout, &read->in);
    pipe_pair_add(&read->pair, conflated_out, conflated_in);
    show_end(read, conflated_out, conflated_in);
}

/* For another try with nothing remembered, for those pipes that could not be read. */
static void forget_unread(struct pipe_block *self, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_pair *pair = &self->pipes[i].pair;
        if (self->pipes[i].is_read)
            continue;
        pair->peer_address = 0;
        if (self->pipes[i].is_remembered)
            self->ranges[n_ranges++] = pipe_block_range(self->pipes[i].vector, &pair->pipe_address,
                                                        sizeof(pair->pipe_address));
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
    n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        if (read->is_read || !read->is_remembered)
            continue;
        read->is_remembered = false;
        read->pair.target->memo.only_pipe = 0;
        if (!self->ranges[n_ranges++].is_read) {
            read->pair.target->sample.is_valid = false;
            read->pair.pipe_address = 0;
        }
    }
}

void pipe_block_sample(struct pipe_block *self, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        read->pair.peer_address = recall_peer(self, read->pair.pipe_address);
        read->pair.n_credentials = 0;
        read->pair.is_in_empty = false;
        read->is_read = false;
    }
    if (read_pairs(self, n) > 0) { /* another pipe's place, or a pipe that has just gone */
        forget_unread(self, n);
        read_pairs(self, n);
    }
    read_queues(self, n);
    read_fronts(self, n);
    self->read_ns = 0;
    for (size_t i = 0; i < n; i++)
        add_pipe(self, &self->pipes[i]);
}
