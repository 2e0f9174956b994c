/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: batches of reads, each telling the addresses of the next: the sockets' vectors, the
 * vectors' pipes, then the pipes (pipe_block.c). All goes through in blocks, so memory is fixed
 * whatever the program opens.
 */
#include "queues/mailbox.h"
#include "queues/pipe_block.h"
#include "queues/pipe_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SOCKETS 128
#define MAX_PIPES     65536 /* of one socket; past that it is not sampled */
#define HEADER_BYTES  32
#define MAILBOX_PAUSE 4 /* samples without a look at a mailbox that had no pipe */

struct socket_read {
    struct pipe_target *target;
    unsigned char header[HEADER_BYTES];
    uintptr_t vector[3];
    size_t n_pipes;
};

struct pipe_reader {
    struct pipe_block block;
    struct socket_read sockets[BLOCK_SOCKETS];
    unsigned char mailboxes[BLOCK_SOCKETS][MAILBOX_BYTES];
    bool has_mailbox[BLOCK_SOCKETS]; /* with commands in it */
    size_t max_pipes, n_pipes_left;  /* of one sample */
    uintptr_t waiting[MAILBOX_MAX_PIPES];
    uintptr_t addresses[MAX_PIPES]; /* touched only as far as vectors reach */
};

int pipe_reader_new(struct pipe_reader **ret_reader)
{
    struct pipe_reader *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->block.memory.file_fd = -1;
    self->max_pipes = SIZE_MAX;
    *ret_reader = self;
    return 0;
}

int pipe_reader_new_foreign(const struct pipe_memory *memory, struct pipe_reader **ret_reader)
{
    int r = pipe_reader_new(ret_reader);
    if (r == 0) {
        (*ret_reader)->block.memory = *memory;
        (*ret_reader)->max_pipes = PIPE_READER_MAX_FOREIGN;
    }
    return r;
}

void pipe_reader_forked(struct pipe_reader *self)
{
    pipe_memory_close(&self->block.memory);
    self->block.memory.is_by_call = false; /* it was the parent that it worked for */
}

void pipe_reader_destroy(struct pipe_reader **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/*
 * A block of sockets
 */

/* A socket's owner is its own slot; it stays so, and is asked once. */
static void read_owners(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        if (targets[i].memo.owner == 0)
            self->block.ranges[n_ranges++] = pipe_block_range(
                (uintptr_t)targets[i].socket, self->sockets[i].header, HEADER_BYTES);
    }
    pipe_memory_read(&self->block.memory, self->block.ranges, n_ranges);
    n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        const struct pipe_layout *layout = targets[i].layout;
        const unsigned char *header = self->sockets[i].header;
        if (targets[i].memo.owner == 0 && self->block.ranges[n_ranges++].is_read &&
            pipe_pointer_at(header, layout->context) == (uintptr_t)targets[i].context)
            targets[i].memo.owner = pipe_u32_at(header, layout->owner);
    }
}

static bool is_valid_socket(struct pipe_reader *self, struct socket_read *read)
{
    size_t size = read->vector[1] - read->vector[0];
    if (read->target->memo.owner == 0 || read->vector[1] < read->vector[0] ||
        read->vector[2] < read->vector[1] || size % PIPE_POINTER != 0 ||
        size / PIPE_POINTER > MAX_PIPES || size / PIPE_POINTER > self->n_pipes_left)
        return false;
    read->n_pipes = size / PIPE_POINTER;
    self->n_pipes_left -= read->n_pipes;
    if (read->n_pipes != 1 || read->target->memo.vector != read->vector[0])
        read->target->memo.only_pipe = 0;
    return true;
}

/* Reads the vectors of `n` targets; returns how many sockets have pipes to look at. */
static size_t read_sockets(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    read_owners(self, targets, n);
    for (size_t i = 0; i < n; i++) {
        self->sockets[i].target = &targets[i];
        self->block.ranges[i] = pipe_block_range(
            (uintptr_t)targets[i].socket + targets[i].layout->pipes, self->sockets[i].vector,
            sizeof(self->sockets[i].vector));
    }
    pipe_memory_read(&self->block.memory, self->block.ranges, n);
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        struct socket_read *read = &self->sockets[i];
        if (!self->block.ranges[i].is_read || !is_valid_socket(self, read))
            continue;
        read->target->sample.is_valid = true;
        if (read->n_pipes > 0)
            self->sockets[n_left++] = *read;
    }
    return n_left;
}

static bool is_remembered(const struct socket_read *read)
{
    return read->target->memo.only_pipe != 0;
}

/* Reads the vectors' contents of as many sockets from `first` on as fit; returns how many. */
static size_t read_addresses(struct pipe_reader *self, size_t first, size_t n)
{
    size_t n_ranges = 0, n_pipes = 0, end;
    for (end = first; end < n && n_pipes + self->sockets[end].n_pipes <= MAX_PIPES; end++) {
        struct socket_read *read = &self->sockets[end];
        self->addresses[n_pipes] = read->target->memo.only_pipe;
        if (!is_remembered(read))
            self->block.ranges[n_ranges++] = pipe_block_range(
                read->vector[0], self->addresses + n_pipes, read->n_pipes * sizeof(uintptr_t));
        n_pipes += read->n_pipes;
    }
    pipe_memory_read(&self->block.memory, self->block.ranges, n_ranges);
    n_ranges = 0;
    for (size_t i = first; i < end; i++) {
        struct pipe_memory_range *range = &self->block.ranges[n_ranges];
        if (is_remembered(&self->sockets[i]) || self->block.ranges[n_ranges++].is_read)
            continue;
        self->sockets[i].target->sample.is_valid = false;
        memset(range->to, 0, range->size); /* no pipe lies there */
    }
    return end - first;
}

/* Enters the `i_block`th pipe of a block, which is one of the socket's. */
static void enter_pipe(struct pipe_reader *self, size_t i_block, const struct socket_read *socket,
                       uintptr_t address)
{
    struct pipe_read *read = &self->block.pipes[i_block];
    read->pair.target = socket->target;
    read->pair.pipe_address = address;
    read->vector = socket->n_pipes == 1 ? socket->vector[0] : 0;
    read->is_remembered = is_remembered(socket);
    read->is_waiting = false;
}

static void sample_block(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    size_t n_sockets = read_sockets(self, targets, n);
    for (size_t first = 0, n_fit; first < n_sockets; first += n_fit) {
        size_t i_address = 0, n_block = 0;
        n_fit = read_addresses(self, first, n_sockets);
        for (size_t i = first; i < first + n_fit; i++) {
            for (size_t j = 0; j < self->sockets[i].n_pipes; j++) {
                enter_pipe(self, n_block, &self->sockets[i], self->addresses[i_address++]);
                if (++n_block == PIPE_BLOCK_PIPES) {
                    pipe_block_sample(&self->block, n_block);
                    n_block = 0;
                }
            }
        }
        pipe_block_sample(&self->block, n_block);
    }
}

/*
 * Pipes that the sockets have not taken in
 */
/* A socket whose thread is stuck stays so for a while: most mailboxes are looked at now and then.
 */
static bool must_look(const struct pipe_memo *memo)
{
    return memo->mailbox != 0 && memo->mailbox_pause == 0;
}

static void note_look(struct pipe_memo *memo, size_t n_waiting)
{
    if (memo->mailbox_pause > 0)
        memo->mailbox_pause--;
    else if (n_waiting == 0)
        memo->mailbox_pause = MAILBOX_PAUSE;
}

static void read_mailboxes(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        const struct mailbox_layout *layout = &targets[i].layout->mailbox;
        if (targets[i].memo.mailbox == 0 && layout->vtable != 0)
            self->block.ranges[n_ranges++] = pipe_block_range(
                (uintptr_t)targets[i].socket + layout->mailbox, &targets[i].memo.mailbox,
                sizeof(targets[i].memo.mailbox));
    }
    pipe_memory_read(&self->block.memory, self->block.ranges, n_ranges);
    for (size_t i = 0; i < n; i++) /* of one that is not known, nothing: a fault costs a call */
        self->block.ranges[i] = pipe_block_range(targets[i].memo.mailbox, self->mailboxes[i],
                                                 must_look(&targets[i].memo) ? MAILBOX_BYTES : 0);
    pipe_memory_read(&self->block.memory, self->block.ranges, n);
}

static void sample_waiting(struct pipe_reader *self, struct pipe_target *target, size_t n)
{
    for (size_t i = 0, n_block = 0; i < n; i++) {
        struct pipe_read *read = &self->block.pipes[n_block];
        read->pair.target = target;
        read->pair.pipe_address = self->waiting[i];
        read->vector = 0;
        read->is_remembered = false;
        read->is_waiting = true;
        if (++n_block == PIPE_BLOCK_PIPES || i + 1 == n) {
            pipe_block_sample(&self->block, n_block);
            n_block = 0;
        }
    }
}

static void sample_mailboxes(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    read_mailboxes(self, targets, n);
    for (size_t i = 0; i < n; i++) {
        const struct mailbox_layout *layout = &targets[i].layout->mailbox;
        self->has_mailbox[i] = self->block.ranges[i].is_read && must_look(&targets[i].memo) &&
                               targets[i].sample.is_valid &&
                               mailbox_has_commands(layout, self->mailboxes[i]);
    }
    for (size_t i = 0; i < n; i++) {
        size_t n_waiting = 0;
        if (self->has_mailbox[i])
            n_waiting = mailbox_find_pipes(&self->block.memory, &targets[i].layout->mailbox,
                                           self->mailboxes[i], (uintptr_t)targets[i].socket,
                                           self->waiting);
        if (n_waiting > self->n_pipes_left)
            n_waiting = self->n_pipes_left;
        self->n_pipes_left -= n_waiting;
        sample_waiting(self, &targets[i], n_waiting);
        note_look(&targets[i].memo, n_waiting);
    }
}

static struct pipe_sample empty_sample(const struct pipe_target *target)
{
    uint64_t no_age = target->ages ? 0 : PIPE_UNKNOWN;
    return (struct pipe_sample){.send_fullest = PIPE_UNKNOWN,
                                .receive_fullest = PIPE_UNKNOWN,
                                .send_age_ns = no_age,
                                .receive_age_ns = no_age};
}

/* Where nothing is known of messages that wait, there may be an old one. */
static void settle_ages(struct pipe_sample *sample)
{
    if (sample->send_age_ns == 0 && sample->n_send_undated > 0)
        sample->send_age_ns = PIPE_UNKNOWN;
    if (sample->receive_age_ns == 0 && sample->n_receive_undated > 0)
        sample->receive_age_ns = PIPE_UNKNOWN;
}

const char *pipe_reader_sample(struct pipe_reader *self, struct pipe_target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        targets[i].sample = empty_sample(&targets[i]);
    const char *reason = pipe_memory_open_again(&self->block.memory);
    if (reason)
        return reason;
    self->n_pipes_left = self->max_pipes;
    for (size_t i = 0; i < n; i += BLOCK_SOCKETS) {
        size_t n_block = n - i < BLOCK_SOCKETS ? n - i : BLOCK_SOCKETS;
        sample_block(self, targets + i, n_block);
        sample_mailboxes(self, targets + i, n_block);
    }
    for (size_t i = 0; i < n; i++)
        settle_ages(&targets[i].sample);
    pipe_memory_close(&self->block.memory);
    return NULL;
}
