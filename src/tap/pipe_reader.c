/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: four batches of reads, each telling the addresses of the next: the sockets' vectors,
 * the vectors' pipes, the pipes' peers, and then peer and pipe once more, next to each other, so
 * that the two counts of a depth are a fraction of a microsecond apart. Queues that are not empty
 * are looked at for being of the conflating kind. Pipes go through in blocks, so memory is fixed
 * whatever the program opens.
 *
 * What is read can be torn, freed or reused. A pipe counts only if its first word is a pipe's,
 * its context is the socket's, its owner is the socket, and its peer points back at it.
 */
#include "segment/segment_layout.h"
#include "tap/pipe_trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SOCKETS 64
#define BLOCK_PIPES   128
#define MAX_PIPES     65536 /* of one socket; past that it is not sampled */
#define MAX_STATE     5
#define MAX_DEPTH     (UINT64_C(1) << 40) /* more is not a count */
#define HEADER_BYTES  32

struct socket_read {
    struct pipe_target *target;
    unsigned char header[HEADER_BYTES];
    uintptr_t vector[3];
    size_t n_pipes;
};

struct pipe_read {
    const struct socket_read *socket;
    uintptr_t address, peer_address;
    unsigned char peer[LAB_PIPE_BYTES], pipe[LAB_PIPE_BYTES];
    unsigned char out_queue[LAB_PIPE_BYTES], in_queue[LAB_PIPE_BYTES]; /* if they hold any */
};

struct pipe_reader {
    struct pipe_memory memory;
    struct pipe_memory_range ranges[2 * BLOCK_PIPES];
    struct socket_read sockets[BLOCK_SOCKETS];
    struct pipe_read pipes[BLOCK_PIPES];
    uintptr_t addresses[MAX_PIPES]; /* touched only as far as vectors reach */
};

int pipe_reader_new(struct pipe_reader **ret_reader)
{
    struct pipe_reader *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->memory.file_fd = -1;
    *ret_reader = self;
    return 0;
}

void pipe_reader_forked(struct pipe_reader *self)
{
    pipe_memory_close(&self->memory);
}

void pipe_reader_destroy(struct pipe_reader **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static struct pipe_memory_range range_of(uintptr_t address, void *to, size_t size)
{
    return (struct pipe_memory_range){.address = address, .to = to, .size = (uint32_t)size};
}

/*
 * One pipe
 */
struct accounts {
    uint64_t n_read, n_written, n_read_by_peer;
    int32_t hwm, lwm;
    uint32_t owner, state;
    uintptr_t peer, sink;
    bool is_writable;
};

static bool is_pipe(const struct pipe_layout *layout, const void *context,
                    const unsigned char *bytes)
{
    return pipe_pointer_at(bytes, 0) == layout->pipe_vtable &&
           pipe_pointer_at(bytes, layout->context) == (uintptr_t)context &&
           pipe_u32_at(bytes, layout->state) <= MAX_STATE;
}

static struct accounts accounts_of(const struct pipe_layout *layout, const unsigned char *bytes)
{
    return (struct accounts){
        .n_read = pipe_u64_at(bytes, layout->n_read),
        .n_written = pipe_u64_at(bytes, layout->n_written),
        .n_read_by_peer = pipe_u64_at(bytes, layout->n_read_by_peer),
        .hwm = (int32_t)pipe_u32_at(bytes, layout->hwm),
        .lwm = (int32_t)pipe_u32_at(bytes, layout->lwm),
        .owner = pipe_u32_at(bytes, layout->owner),
        .state = pipe_u32_at(bytes, layout->state),
        .peer = pipe_pointer_at(bytes, layout->peer),
        .sink = pipe_pointer_at(bytes, layout->sink),
        .is_writable = bytes[layout->is_writable] != 0,
    };
}

static uint64_t depth_of(uint64_t n_written, uint64_t n_read)
{
    /* The counts are read a moment apart, so the reader may be seen ahead of the writer. */
    uint64_t depth = n_written - n_read;
    return depth < MAX_DEPTH ? depth : 0;
}

/* Whether libzmq takes no message now: the limit is reached, or was reached and the peer has not
 * yet read as much as lets it tell (pipe.cpp: check_write, read, process_activate_write). */
static bool is_full(const struct accounts *pipe, const struct accounts *peer, uint64_t depth)
{
    if (pipe->hwm <= 0 || pipe->state != PIPE_STATE_ACTIVE)
        return false;
    if (depth >= (uint64_t)pipe->hwm)
        return true;
    if (pipe->is_writable || peer->lwm <= 0)
        return false;
    return peer->n_read - peer->n_read % (uint64_t)peer->lwm <= pipe->n_read_by_peer;
}

/* A connect that waits for its bind: both ends are the connecting socket's own, and nobody
 * listens at the other. */
static bool is_pending(const struct accounts *pipe, const struct accounts *peer)
{
    return peer->owner == pipe->owner && peer->sink == 0;
}

/* Whether the peer still takes what is queued for it (pipe.cpp: check_read). */
static bool is_read_by(const struct accounts *pipe, const struct accounts *peer)
{
    return (pipe->state == PIPE_STATE_ACTIVE || pipe->state == PIPE_STATE_ENDING) &&
           (peer->state == PIPE_STATE_ACTIVE || peer->state == PIPE_STATE_WAITING);
}

static void raise_fullest(uint64_t *fullest, uint64_t depth, int32_t hwm)
{
    if (hwm <= 0)
        return;
    uint64_t limit = (uint64_t)hwm;
    uint64_t ratio = depth >= limit ? 1000000000u : depth * 1000000000u / limit;
    if (*fullest == SEGMENT_UNKNOWN || ratio > *fullest)
        *fullest = ratio;
}

/* Slots 0 and 1 are the context's own, then come its I/O threads, then sockets (ctx.cpp). */
static bool is_inproc(const struct accounts *pipe, const struct accounts *peer, int n_io_threads)
{
    return peer->owner >= 2u + (uint32_t)n_io_threads && pipe->state == PIPE_STATE_ACTIVE &&
           peer->state == PIPE_STATE_ACTIVE && !is_pending(pipe, peer);
}

/* A conflating queue holds a message or none, and has no limit. */
static void mind_conflation(const struct pipe_layout *layout, const unsigned char *queue,
                            uint64_t *depth, int32_t *hwm)
{
    if (*depth == 0 || pipe_pointer_at(queue, 0) != layout->conflating_vtable)
        return;
    *depth = queue[layout->has_message] != 0;
    *hwm = 0;
}

static void add_pipe(const struct pipe_read *read)
{
    struct pipe_target *target = read->socket->target;
    struct pipe_sample *sample = &target->sample;
    struct accounts pipe = accounts_of(target->layout, read->pipe);
    struct accounts peer = accounts_of(target->layout, read->peer);
    uint64_t out = depth_of(pipe.n_written, peer.n_read);
    uint64_t in = depth_of(peer.n_written, pipe.n_read);
    mind_conflation(target->layout, read->out_queue, &out, &pipe.hwm);
    mind_conflation(target->layout, read->in_queue, &in, &peer.hwm);
    sample->n_pipes++;
    sample->n_inproc += is_inproc(&pipe, &peer, target->n_io_threads);
    if (pipe.state == PIPE_STATE_ACTIVE || pipe.state == PIPE_STATE_WAITING) {
        sample->receive_queue += in;
        raise_fullest(&sample->receive_fullest, in, peer.hwm);
    }
    if (is_read_by(&pipe, &peer)) {
        sample->send_queue += out;
        raise_fullest(&sample->send_fullest, out, pipe.hwm);
    }
    sample->n_send_full += is_full(&pipe, &peer, out);
}

/*
 * A block of pipes
 */

/* Keeps those of the first `n` entries whose ranges, `n_ranges` each, were read. */
static bool are_read(const struct pipe_memory_range *ranges, size_t n_ranges)
{
    for (size_t i = 0; i < n_ranges; i++)
        if (!ranges[i].is_read)
            return false;
    return true;
}

/* Finds the peers of `n` pipes; returns how many pipes are left, at the front. */
static size_t find_peers(struct pipe_reader *self, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        self->ranges[i] = range_of(read->address, read->pipe,
                                   read->socket->target->layout->pipe_size);
    }
    pipe_memory_read(&self->memory, self->ranges, n);
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        const struct pipe_target *target = read->socket->target;
        if (!self->ranges[i].is_read || !is_pipe(target->layout, target->context, read->pipe))
            continue;
        self->pipes[n_left].socket = read->socket;
        self->pipes[n_left].address = read->address;
        self->pipes[n_left].peer_address = pipe_pointer_at(read->pipe, target->layout->peer);
        n_left++;
    }
    return n_left;
}

static bool is_valid_pair(const struct pipe_read *read)
{
    const struct pipe_target *target = read->socket->target;
    const struct pipe_layout *layout = target->layout;
    return is_pipe(layout, target->context, read->pipe) &&
           is_pipe(layout, target->context, read->peer) &&
           pipe_pointer_at(read->pipe, layout->peer) == read->peer_address &&
           pipe_pointer_at(read->peer, layout->peer) == read->address &&
           pipe_u32_at(read->pipe, layout->owner) ==
               pipe_u32_at(read->socket->header, layout->owner);
}

/* Queues that hold messages are looked at: it may be that they conflate. */
static void read_queues(struct pipe_reader *self, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        const struct pipe_layout *layout = read->socket->target->layout;
        memset(read->out_queue, 0, sizeof(uintptr_t));
        memset(read->in_queue, 0, sizeof(uintptr_t));
        if (pipe_u64_at(read->pipe, layout->n_written) != pipe_u64_at(read->peer, layout->n_read))
            self->ranges[n_ranges++] = range_of(pipe_pointer_at(read->pipe, layout->out_queue),
                                                read->out_queue, layout->has_message + 1);
        if (pipe_u64_at(read->peer, layout->n_written) != pipe_u64_at(read->pipe, layout->n_read))
            self->ranges[n_ranges++] = range_of(pipe_pointer_at(read->pipe, layout->in_queue),
                                                read->in_queue, layout->has_message + 1);
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
}

static void sample_pipes(struct pipe_reader *self, size_t n)
{
    n = find_peers(self, n);
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        uint32_t size = read->socket->target->layout->pipe_size;
        self->ranges[2 * i] = range_of(read->peer_address, read->peer, size);
        self->ranges[2 * i + 1] = range_of(read->address, read->pipe, size);
    }
    pipe_memory_read(&self->memory, self->ranges, 2 * n);
    size_t n_valid = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        if (!are_read(&self->ranges[2 * i], 2) || !is_valid_pair(read))
            continue;
        if (n_valid != i)
            self->pipes[n_valid] = *read;
        n_valid++;
    }
    read_queues(self, n_valid);
    for (size_t i = 0; i < n_valid; i++)
        add_pipe(&self->pipes[i]);
}

/*
 * A block of sockets
 */
static bool is_valid_socket(struct socket_read *read)
{
    const struct pipe_target *target = read->target;
    size_t size = read->vector[1] - read->vector[0];
    if (pipe_pointer_at(read->header, target->layout->context) != (uintptr_t)target->context ||
        read->vector[1] < read->vector[0] || read->vector[2] < read->vector[1] ||
        size % PIPE_POINTER != 0 || size / PIPE_POINTER > MAX_PIPES)
        return false;
    read->n_pipes = size / PIPE_POINTER;
    return true;
}

/* Reads the vectors of `n` targets; returns how many sockets have pipes to look at. */
static size_t read_sockets(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct socket_read *read = &self->sockets[i];
        uintptr_t address = (uintptr_t)targets[i].socket;
        read->target = &targets[i];
        self->ranges[2 * i] = range_of(address, read->header, HEADER_BYTES);
        self->ranges[2 * i + 1] = range_of(address + targets[i].layout->pipes, read->vector,
                                           sizeof(read->vector));
    }
    pipe_memory_read(&self->memory, self->ranges, 2 * n);
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        struct socket_read *read = &self->sockets[i];
        if (!are_read(&self->ranges[2 * i], 2) || !is_valid_socket(read))
            continue;
        read->target->sample.is_valid = true;
        if (read->n_pipes > 0)
            self->sockets[n_left++] = *read;
    }
    return n_left;
}

/* Reads the vectors' contents of as many sockets from `first` on as fit; returns how many. */
static size_t read_addresses(struct pipe_reader *self, size_t first, size_t n)
{
    size_t n_sockets = 0, n_pipes = 0;
    for (size_t i = first; i < n && n_pipes + self->sockets[i].n_pipes <= MAX_PIPES; i++) {
        struct socket_read *read = &self->sockets[i];
        self->ranges[n_sockets++] = range_of(read->vector[0], self->addresses + n_pipes,
                                             read->n_pipes * sizeof(uintptr_t));
        n_pipes += read->n_pipes;
    }
    pipe_memory_read(&self->memory, self->ranges, n_sockets);
    for (size_t i = 0; i < n_sockets; i++) {
        if (self->ranges[i].is_read)
            continue;
        self->sockets[first + i].target->sample.is_valid = false;
        memset(self->ranges[i].to, 0, self->ranges[i].size); /* no pipe lies there */
    }
    return n_sockets;
}

static void sample_block(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    size_t n_sockets = read_sockets(self, targets, n);
    for (size_t first = 0; first < n_sockets;) {
        size_t n_fit = read_addresses(self, first, n_sockets), i_address = 0, n_block = 0;
        for (size_t i = first; i < first + n_fit; i++) {
            for (size_t j = 0; j < self->sockets[i].n_pipes; j++) {
                self->pipes[n_block].socket = &self->sockets[i];
                self->pipes[n_block].address = self->addresses[i_address++];
                if (++n_block == BLOCK_PIPES) {
                    sample_pipes(self, n_block);
                    n_block = 0;
                }
            }
        }
        sample_pipes(self, n_block);
        first += n_fit;
    }
}

const char *pipe_reader_sample(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        targets[i].sample = (struct pipe_sample){.send_fullest = SEGMENT_UNKNOWN,
                                                 .receive_fullest = SEGMENT_UNKNOWN};
    const char *reason = pipe_memory_open(&self->memory);
    if (reason)
        return reason;
    for (size_t i = 0; i < n; i += BLOCK_SOCKETS)
        sample_block(self, targets + i, n - i < BLOCK_SOCKETS ? n - i : BLOCK_SOCKETS);
    pipe_memory_close(&self->memory);
    return NULL;
}
