/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: batches of reads, each telling the addresses of the next: the sockets' vectors, the
 * vectors' pipes, then both ends of each pipe in one range if they lie near each other, as they
 * do where the allocator had room, or in two neighbouring ones; so that the two counts of a
 * depth are a fraction of a microsecond apart. Where a pipe's peer lies is remembered from one
 * sample to the next, and asked again where that no longer holds. Pipes go through in blocks, so
 * memory is fixed whatever the program opens.
 */
#include "segment/segment_layout.h"
#include "tap/queues/mailbox.h"
#include "tap/queues/pipe_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SOCKETS 64
#define BLOCK_PIPES   128
#define MAX_PIPES     65536 /* of one socket; past that it is not sampled */
#define HEADER_BYTES  32
#define SPAN_BYTES    1024 /* both ends of a pipe are read at once if they lie within */
#define N_KNOWN       8192 /* pipes that are remembered; a power of two */

struct socket_read {
    struct pipe_target *target;
    unsigned char header[HEADER_BYTES];
    uintptr_t vector[3];
    size_t n_pipes;
};

struct known_pipe {
    uintptr_t pipe, peer;
};

struct queue_read {
    unsigned char bytes[LAB_PIPE_BYTES];
    bool is_wanted; /* it counts messages, which it may have replaced */
};

struct pipe_read {
    struct pipe_pair pair; /* peer_address 0: not known */
    bool is_waiting;       /* in the mailbox; counts only if the socket has not taken it in */
    size_t n_ranges;
    bool is_read;
    unsigned char bytes[SPAN_BYTES];
    struct queue_read out, in;
};

struct pipe_reader {
    struct pipe_memory memory;
    struct pipe_memory_range ranges[2 * BLOCK_PIPES];
    struct socket_read sockets[BLOCK_SOCKETS];
    struct pipe_read pipes[BLOCK_PIPES];
    unsigned char mailboxes[BLOCK_SOCKETS][MAILBOX_BYTES];
    bool has_mailbox[BLOCK_SOCKETS]; /* with commands in it */
    uintptr_t waiting[MAILBOX_MAX_PIPES];
    struct known_pipe known[N_KNOWN];
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
    self->memory.is_by_call = false; /* it was the parent that it worked for */
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

static bool are_read(const struct pipe_memory_range *ranges, size_t n_ranges)
{
    for (size_t i = 0; i < n_ranges; i++)
        if (!ranges[i].is_read)
            return false;
    return true;
}

/*
 * A block of pipes
 */

/* The place where a pipe is remembered; many pipes share it, the last one has it. */
static struct known_pipe *place_of(struct pipe_reader *self, uintptr_t pipe)
{
    uint64_t hash = (uint64_t)(pipe >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    return &self->known[(hash >> 40) % N_KNOWN];
}

static uintptr_t recall_peer(struct pipe_reader *self, uintptr_t pipe)
{
    const struct known_pipe *known = place_of(self, pipe);
    return known->pipe == pipe ? known->peer : 0;
}

/* Asks those pipes where their peers are of whom it is not known. */
static void find_peers(struct pipe_reader *self, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_pair *pair = &self->pipes[i].pair;
        if (pair->peer_address == 0)
            self->ranges[n_ranges++] = range_of(pair->pipe_address + pair->target->layout->peer,
                                                &pair->peer_address, sizeof(pair->peer_address));
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
}

/* Both ends at once, or the peer and then the pipe. */
static void plan_pair(struct pipe_read *read, struct pipe_memory_range ret_ranges[2])
{
    struct pipe_pair *pair = &read->pair;
    size_t size = pair->target->layout->pipe_size;
    uintptr_t a = pair->pipe_address, b = pair->peer_address, low = a < b ? a : b;
    bool is_near = a + b - 2 * low + size <= SPAN_BYTES;
    pair->pipe = read->bytes + (is_near ? a - low : 0);
    pair->peer = read->bytes + (is_near ? b - low : SPAN_BYTES / 2);
    read->n_ranges = is_near ? 1 : 2;
    ret_ranges[0] = is_near ? range_of(low, read->bytes, a + b - 2 * low + size)
                            : range_of(b, read->bytes + SPAN_BYTES / 2, size);
    ret_ranges[1] = range_of(a, read->bytes, size);
}

/* Reads the pairs that were not yet read; returns how many could not be. */
static size_t read_pairs(struct pipe_reader *self, size_t n)
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
        read->is_read = are_read(&self->ranges[n_ranges], read->n_ranges) &&
                        pipe_pair_is_valid(&read->pair);
        n_ranges += read->n_ranges;
        n_failed += !read->is_read;
    }
    return n_failed;
}

/* Looks at the queues that count messages. */
static void read_queues(struct pipe_reader *self, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        const struct pipe_layout *layout = read->pair.target->layout;
        read->out.is_wanted = read->is_read && pipe_pair_has_out(&read->pair);
        read->in.is_wanted = read->is_read && pipe_pair_has_in(&read->pair);
        memset(read->out.bytes, 0, sizeof(uintptr_t));
        memset(read->in.bytes, 0, sizeof(uintptr_t));
        if (read->out.is_wanted)
            self->ranges[n_ranges++] = range_of(pipe_pointer_at(read->pair.pipe, layout->out_queue),
                                                read->out.bytes, layout->has_message + 1);
        if (read->in.is_wanted)
            self->ranges[n_ranges++] = range_of(pipe_pointer_at(read->pair.pipe, layout->in_queue),
                                                read->in.bytes, layout->has_message + 1);
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

static void add_pipe(struct pipe_reader *self, const struct pipe_read *read)
{
    const struct pipe_layout *layout = read->pair.target->layout;
    if (read->pair.target->ledger && read->pair.pipe_address != 0)
        enter(read);
    if (!read->is_read || (read->is_waiting && pipe_pointer_at(read->pair.pipe, layout->sink) != 0))
        return;
    *place_of(self, read->pair.pipe_address) = (struct known_pipe){read->pair.pipe_address,
                                                                   read->pair.peer_address};
    pipe_pair_add(&read->pair, conflated(layout, &read->out), conflated(layout, &read->in));
}

static void sample_pipes(struct pipe_reader *self, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct pipe_read *read = &self->pipes[i];
        read->pair.peer_address = recall_peer(self, read->pair.pipe_address);
        read->is_read = false;
    }
    if (read_pairs(self, n) > 0) { /* another pipe's place, or a pipe that has just gone */
        for (size_t i = 0; i < n; i++) {
            if (!self->pipes[i].is_read)
                self->pipes[i].pair.peer_address = 0;
        }
        read_pairs(self, n);
    }
    read_queues(self, n);
    for (size_t i = 0; i < n; i++)
        add_pipe(self, &self->pipes[i]);
}

/*
 * A block of sockets
 */

/* A socket's owner is its own slot; it stays so, and is asked once. */
static void read_owners(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        if (targets[i].owner == 0)
            self->ranges[n_ranges++] = range_of((uintptr_t)targets[i].socket,
                                                self->sockets[i].header, HEADER_BYTES);
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
    n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        const struct pipe_layout *layout = targets[i].layout;
        const unsigned char *header = self->sockets[i].header;
        if (targets[i].owner == 0 && self->ranges[n_ranges++].is_read &&
            pipe_pointer_at(header, layout->context) == (uintptr_t)targets[i].context)
            targets[i].owner = pipe_u32_at(header, layout->owner);
    }
}

static bool is_valid_socket(struct socket_read *read)
{
    size_t size = read->vector[1] - read->vector[0];
    if (read->target->owner == 0 || read->vector[1] < read->vector[0] ||
        read->vector[2] < read->vector[1] || size % PIPE_POINTER != 0 ||
        size / PIPE_POINTER > MAX_PIPES)
        return false;
    read->n_pipes = size / PIPE_POINTER;
    return true;
}

/* Reads the vectors of `n` targets; returns how many sockets have pipes to look at. */
static size_t read_sockets(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    read_owners(self, targets, n);
    for (size_t i = 0; i < n; i++) {
        self->sockets[i].target = &targets[i];
        self->ranges[i] = range_of((uintptr_t)targets[i].socket + targets[i].layout->pipes,
                                   self->sockets[i].vector, sizeof(self->sockets[i].vector));
    }
    pipe_memory_read(&self->memory, self->ranges, n);
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        struct socket_read *read = &self->sockets[i];
        if (!self->ranges[i].is_read || !is_valid_socket(read))
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
    for (size_t first = 0, n_fit; first < n_sockets; first += n_fit) {
        size_t i_address = 0, n_block = 0;
        n_fit = read_addresses(self, first, n_sockets);
        for (size_t i = first; i < first + n_fit; i++) {
            for (size_t j = 0; j < self->sockets[i].n_pipes; j++) {
                self->pipes[n_block].is_waiting = false;
                self->pipes[n_block].pair.target = self->sockets[i].target;
                self->pipes[n_block].pair.pipe_address = self->addresses[i_address++];
                if (++n_block == BLOCK_PIPES) {
                    sample_pipes(self, n_block);
                    n_block = 0;
                }
            }
        }
        sample_pipes(self, n_block);
    }
}

/*
 * Pipes that the sockets have not taken in
 */
static void read_mailboxes(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        const struct mailbox_layout *layout = &targets[i].layout->mailbox;
        if (targets[i].mailbox == 0 && layout->vtable != 0)
            self->ranges[n_ranges++] = range_of((uintptr_t)targets[i].socket + layout->mailbox,
                                                &targets[i].mailbox, sizeof(targets[i].mailbox));
    }
    pipe_memory_read(&self->memory, self->ranges, n_ranges);
    for (size_t i = 0; i < n; i++) /* of one that is not known, nothing: a fault costs a call */
        self->ranges[i] = range_of(targets[i].mailbox, self->mailboxes[i],
                                   targets[i].mailbox ? MAILBOX_BYTES : 0);
    pipe_memory_read(&self->memory, self->ranges, n);
}

static void sample_waiting(struct pipe_reader *self, struct pipe_target *target, size_t n)
{
    for (size_t i = 0, n_block = 0; i < n; i++) {
        self->pipes[n_block].is_waiting = true;
        self->pipes[n_block].pair.target = target;
        self->pipes[n_block].pair.pipe_address = self->waiting[i];
        if (++n_block == BLOCK_PIPES || i + 1 == n) {
            sample_pipes(self, n_block);
            n_block = 0;
        }
    }
}

static void sample_mailboxes(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    read_mailboxes(self, targets, n);
    for (size_t i = 0; i < n; i++) {
        const struct mailbox_layout *layout = &targets[i].layout->mailbox;
        self->has_mailbox[i] = self->ranges[i].is_read && targets[i].mailbox != 0 &&
                               targets[i].sample.is_valid &&
                               mailbox_has_commands(layout, self->mailboxes[i]);
    }
    for (size_t i = 0; i < n; i++) {
        if (self->has_mailbox[i])
            sample_waiting(self, &targets[i],
                           mailbox_find_pipes(&self->memory, &targets[i].layout->mailbox,
                                              self->mailboxes[i], (uintptr_t)targets[i].socket,
                                              self->waiting));
    }
}

const char *pipe_reader_sample(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        targets[i].sample = (struct pipe_sample){.send_fullest = SEGMENT_UNKNOWN,
                                                 .receive_fullest = SEGMENT_UNKNOWN};
    const char *reason = pipe_memory_open_again(&self->memory);
    if (reason)
        return reason;
    for (size_t i = 0; i < n; i += BLOCK_SOCKETS) {
        size_t n_block = n - i < BLOCK_SOCKETS ? n - i : BLOCK_SOCKETS;
        sample_block(self, targets + i, n_block);
        sample_mailboxes(self, targets + i, n_block);
    }
    pipe_memory_close(&self->memory);
    return NULL;
}
