/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_process.h"

#include "base/clock.h"
#include "peek/peek_threads.h"
#include "queues/mailbox.h"
#include "queues/pipe_accounts.h"
#include "queues/pipe_bytes.h"
#include "queues/queue_ages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define AGAIN_BLOCK 64u
#define N_TAP_LOOKS 10u    /* in the first passes */
#define SOON_LOOKS  20u    /* after the first one, in the passes that follow */
#define MAX_COUNTS  65536u /* pipes of one process whose messages are counted in a pass */

/* The reader has one thread. */
static struct pipe_target targets[PEEK_MAX_SOCKETS];
static struct peek_socket *target_sockets[PEEK_MAX_SOCKETS];
static struct pipe_count counts[MAX_COUNTS];

int peek_process_new(pid_t pid, uint64_t start_ticks, struct peek_process **ret_process)
{
    struct peek_process *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->pid = pid;
    self->start_ticks = start_ticks;
    self->target = PEEK_TARGET_NONE;
    *ret_process = self;
    return 0;
}

void peek_process_destroy(struct peek_process **self_p)
{
    struct peek_process *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->n_sockets; i++)
        followed_finish(&self->sockets[i].followed);
    free(self->sockets);
    peek_pipes_finish(&self->pipes);
    free(self->insides);
    queue_ages_destroy(&self->ages);
    pipe_reader_destroy(&self->reader);
    peek_target_close(&self->target);
    free(self);
    *self_p = NULL;
}

/*
 * Where pipes are laid out, learned from the first one
 */
static bool learn_from_vector(struct peek_process *self, struct peek_socket *socket)
{
    uintptr_t vector[2], pipe;
    struct peek_layout *layout = socket->layout;
    return peek_target_read(&self->target, socket->address + layout->pipes.pipes, vector,
                            sizeof(vector)) &&
           vector[0] != vector[1] &&
           peek_target_read(&self->target, vector[0], &pipe, sizeof(pipe)) &&
           peek_layout_add_pipe(layout, &self->target, pipe);
}

static bool learn_from_mailbox(struct peek_process *self, struct peek_socket *socket)
{
    static uintptr_t waiting[MAILBOX_MAX_PIPES];
    unsigned char bytes[MAILBOX_BYTES];
    const struct mailbox_layout *layout = &socket->layout->pipes.mailbox;
    uintptr_t mailbox;
    if (layout->vtable == 0 ||
        !peek_target_read(&self->target, socket->address + layout->mailbox, &mailbox,
                          sizeof(mailbox)) ||
        !peek_target_read(&self->target, mailbox, bytes, sizeof(bytes)) ||
        !mailbox_has_commands(layout, bytes))
        return false;
    return mailbox_find_pipes(&self->target.memory, layout, bytes, socket->address, waiting) > 0 &&
           peek_layout_add_pipe(socket->layout, &self->target, waiting[0]);
}

static bool is_without_pipes(struct peek_process *self, const struct peek_socket *socket)
{
    uintptr_t vector[2];
    return peek_target_read(&self->target, socket->address + socket->layout->pipes.pipes, vector,
                            sizeof(vector)) &&
           vector[0] == vector[1];
}

/*
 * A pass over the sockets that are there
 */
static bool is_worth_sampling(struct peek_process *self, struct peek_socket *socket)
{
    if (socket->layout->pipes.is_known || learn_from_vector(self, socket) ||
        learn_from_mailbox(self, socket))
        return true;
    /* Nothing to be read, and no pipe of this copy was ever seen. */
    socket->is_valid = is_without_pipes(self, socket);
    socket->sample = (struct pipe_sample){.is_valid = socket->is_valid,
                                          .send_fullest = PIPE_UNKNOWN,
                                          .receive_fullest = PIPE_UNKNOWN};
    return false;
}

static size_t prepare(struct peek_process *self, struct pipe_ledger *ledger)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_sockets; i++) {
        struct peek_socket *socket = &self->sockets[i];
        if (socket->n_absent > 0 || !is_worth_sampling(self, socket))
            continue;
        target_sockets[n] = socket;
        targets[n++] = (struct pipe_target){.layout = &socket->layout->pipes,
                                            .socket = (const void *)socket->address,
                                            .context = (const void *)socket->context,
                                            .n_io_threads = socket->n_io_threads,
                                            .memo = socket->memo,
                                            .ledger = ledger,
                                            .ages = self->ages,
                                            .visit = peek_pipes_note,
                                            .data = socket};
    }
    return n;
}

static void note_counts(const struct pipe_ledger *ledger, size_t n)
{
    for (size_t i = 0; i < ledger->n; i++) {
        size_t target = (size_t)(ledger->counts[i].target - targets);
        if (target < n && targets[target].sample.is_valid)
            followed_note(&target_sockets[target]->followed, &ledger->counts[i]);
    }
    for (size_t i = 0; i < n && !ledger->is_short; i++) {
        if (targets[i].sample.is_valid)
            followed_end_round(&target_sockets[i]->followed);
    }
}

/* What is read of a socket once more. */
struct again {
    unsigned char head[PEEK_SOCKET_OPTIONS + 8], string[PEEK_STRING_BYTES];
    uint32_t tag;
};

/* What another socket in the same place, of the same type and number, is unlikely to share are its
 * limits and its endpoint; one whose program changes these just now is not known in this pass. */
static bool is_as_listed(const struct peek_socket *socket, const struct again *again,
                         const struct pipe_memory_range *read)
{
    return read[0].is_read && read[1].is_read && (read[2].is_read || read[2].size == 0) &&
           pipe_pointer_at(again->head, 0) == socket->vtable &&
           pipe_pointer_at(again->head, PEEK_SOCKET_CONTEXT) == socket->context &&
           pipe_u32_at(again->head, PEEK_SOCKET_OWNER) == socket->owner &&
           pipe_u32_at(again->head, PEEK_SOCKET_OPTIONS) == socket->send_hwm &&
           pipe_u32_at(again->head, PEEK_SOCKET_OPTIONS + 4) == socket->receive_hwm &&
           again->tag == (socket->is_closed ? PEEK_SOCKET_CLOSED : PEEK_SOCKET_LIVE) &&
           memcmp(again->string, socket->string, read[2].size) == 0;
}

static void plan_again(const struct peek_socket *socket, struct again *again,
                       struct pipe_memory_range *read)
{
    const struct peek_layout *layout = socket->layout;
    bool has_string = layout->endpoint != 0 && pipe_pointer_at(socket->string, 0) != 0;
    read[0] = (struct pipe_memory_range){
        .address = socket->address, .to = again->head, .size = sizeof(again->head)};
    read[1] = (struct pipe_memory_range){
        .address = socket->address + layout->tag, .to = &again->tag, .size = sizeof(again->tag)};
    read[2] = (struct pipe_memory_range){.address = socket->address + layout->endpoint,
                                         .to = again->string,
                                         .size = has_string ? PEEK_STRING_BYTES : 0};
}

/* Whether the sockets were the same all the time, and not freed while they were read. */
static void validate(struct peek_process *self, size_t n)
{
    static struct again again[AGAIN_BLOCK];
    static struct pipe_memory_range ranges[3 * AGAIN_BLOCK];
    for (size_t begin = 0; begin < n; begin += AGAIN_BLOCK) {
        size_t n_block = n - begin < AGAIN_BLOCK ? n - begin : AGAIN_BLOCK;
        for (size_t i = 0; i < n_block; i++)
            plan_again(target_sockets[begin + i], &again[i], &ranges[3 * i]);
        pipe_memory_read(&self->target.memory, ranges, 3 * n_block);
        for (size_t i = 0; i < n_block; i++) {
            struct pipe_sample *sample = &targets[begin + i].sample;
            sample->is_valid = sample->is_valid &&
                               is_as_listed(target_sockets[begin + i], &again[i], &ranges[3 * i]);
            self->n_invalid += !sample->is_valid;
        }
    }
}

static void sample(struct peek_process *self)
{
    struct pipe_ledger ledger = {.counts = counts, .capacity = MAX_COUNTS};
    if (self->ages || queue_ages_new(&self->ages) == 0)
        queue_ages_begin_round(self->ages);
    size_t n = prepare(self, &ledger);
    peek_pipes_begin(&self->pipes);
    const char *reason = n ? pipe_reader_sample(self->reader, targets, n) : NULL;
    peek_pipes_end();
    if (reason)
        return;
    validate(self, n);
    note_counts(&ledger, n);
    for (size_t i = 0; i < n; i++) {
        struct peek_socket *socket = target_sockets[i];
        socket->is_valid = targets[i].sample.is_valid;
        if (!socket->is_valid)
            continue;
        socket->memo = targets[i].memo;
        socket->sample = targets[i].sample;
    }
}

static uint64_t count_tasks(const struct peek_process *self)
{
    struct stat status;
    return fstatat(self->target.process_fd, "task", &status, 0) == 0 ? status.st_nlink : 0;
}

static bool must_look(const struct peek_process *self, uint64_t now_ns)
{
    if (!self->has_looked || (self->reason == PEEK_REASON_NONE && self->n_contexts == 0))
        return true;
    if (self->reason != PEEK_REASON_NONE)
        return now_ns >= self->next_look_ns;
    if (now_ns < self->quiet_until_ns)
        return false;
    return count_tasks(self) != self->n_tasks ||
           (self->is_incomplete && now_ns >= self->next_look_ns);
}

static void search_again(struct peek_process *self, struct peek_class_files *files, int procfs_fd)
{
    peek_process_look(self, files, procfs_fd);
    uint64_t n_tasks = count_tasks(self);
    bool is_new = !self->has_looked || n_tasks != self->n_tasks;
    self->has_looked = true;
    self->n_tasks = n_tasks;
    /* Threads that ran will wait: a few times soon once more. */
    self->n_incomplete = is_new ? 0 : self->n_incomplete + 1;
    bool is_soon = self->n_incomplete < SOON_LOOKS;
    self->next_look_ns = clock_monotonic_ns() + (is_soon ? 0 : PEEK_RETRY_NS);
}

void peek_process_sample(struct peek_process *self)
{
    peek_process_list(self);
    for (size_t i = 0; i < self->n_sockets; i++)
        self->sockets[i].is_valid = false;
    sample(self);
    self->n_passes++;
}

/* One that has contexts is looked at for more of them: what it takes long to look at is not for
 * that reason unseen. Returns when the pass proper begins. */
static uint64_t excuse_look(struct peek_process *self, uint64_t begin_ns)
{
    uint64_t now_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    if (self->reason != PEEK_REASON_NONE || now_ns - begin_ns <= PEEK_TIME_NS)
        return begin_ns;
    self->quiet_until_ns = clock_monotonic_ns() + 6 * PEEK_RETRY_NS;
    return now_ns;
}

/* A tap's thread may not have had its name yet when the process was looked at first. */
static void look_for_tap(struct peek_process *self)
{
    struct peek_threads threads;
    if (!self->is_without_tap || self->n_tap_looks++ >= N_TAP_LOOKS)
        return;
    if (peek_threads_find(self->target.process_fd, &threads) == 0)
        self->is_without_tap = threads.is_without_tap;
}

void peek_process_pass(struct peek_process *self, struct peek_class_files *files, int procfs_fd)
{
    uint64_t begin_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    self->is_replaced = self->target.pagemap_fd >= 0 && !peek_target_has_same_memory(&self->target);
    if (self->is_replaced) {
        self->is_gone = true;
        return;
    }
    look_for_tap(self);
    if (must_look(self, clock_monotonic_ns()))
        search_again(self, files, procfs_fd);
    begin_ns = excuse_look(self, begin_ns);
    for (size_t i = 0; i < self->n_sockets; i++)
        self->sockets[i].is_valid = false;
    if (self->is_gone || self->reason != PEEK_REASON_NONE)
        return;
    peek_process_sample(self);
    /* The number may be another process's by now, and all that was read of that one. */
    self->is_gone = !peek_target_is_alive(&self->target);
    if (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns > PEEK_TIME_NS) {
        self->reason = PEEK_REASON_TIME;
        self->next_look_ns = clock_monotonic_ns() + 6 * PEEK_RETRY_NS;
    }
}
