/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_reader.h"

#include "base/clock.h"
#include "peek/peek_connections.h"
#include "peek/peek_host.h"
#include "peek/peek_libraries.h"
#include "peek/peek_owners.h"
#include "peek/peek_record.h"
#include "peek/peek_sandbox.h"
#include "peek/peek_setup.h"
#include "queues/pipe_accounts.h"
#include "queues/pipe_bytes.h"
#include "queues/socket_handle.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTERVAL_NS CLOCK_NS_PER_SECOND
#define SOON_SHARE  4u /* of the interval, the least pause before a pass that is asked for */
#define N_BUFFERED  64u

static_assert(PIPE_UNKNOWN == PEEK_RECORD_UNKNOWN, "one word for what is not known");

struct peek_reader {
    struct peek_host host;
    struct peek_class_files *files;
    struct peek_setup setup;
    struct peek_libraries libraries;
    struct peek_owners owners;
    bool is_asked; /* for connections, in the next pass */
    bool is_over;  /* the exporter is gone */
    size_t n_buffered;
    struct peek_record buffer[N_BUFFERED];
};

static void flush(struct peek_reader *self)
{
    const char *bytes = (const char *)self->buffer;
    size_t left = self->n_buffered * sizeof(self->buffer[0]);
    while (left > 0 && !self->is_over) {
        ssize_t n = write(PEEK_READER_FD, bytes, left);
        if (n < 0 && errno == EINTR)
            continue;
        self->is_over = n <= 0;
        bytes += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    self->n_buffered = 0;
}

/* A record to be filled in, zero else. */
static struct peek_record *append(struct peek_reader *self, enum peek_record_kind kind)
{
    if (self->n_buffered == N_BUFFERED)
        flush(self);
    struct peek_record *record = &self->buffer[self->n_buffered++];
    *record = peek_record_of(kind);
    return record;
}

static void tell_gone(void *data, pid_t pid, uint64_t start_ticks)
{
    struct peek_record *record = append(data, PEEK_RECORD_GONE);
    record->process.pid = (uint32_t)pid;
    record->process.start_ticks = start_ticks;
}

static void tell_socket(struct peek_reader *self, struct peek_socket *socket)
{
    struct peek_record_socket *to = &append(self, PEEK_RECORD_SOCKET)->socket;
    const struct pipe_sample *sample = &socket->sample;
    to->serial = socket->serial;
    to->type = (uint32_t)socket->type;
    to->is_closed = socket->is_closed;
    to->is_valid = socket->is_valid;
    to->n_pipes = sample->n_pipes;
    to->n_inproc = sample->n_inproc;
    to->n_send_full = sample->n_send_full;
    to->send_queue = socket->is_valid ? sample->send_queue : PIPE_UNKNOWN;
    to->receive_queue = socket->is_valid ? sample->receive_queue : PIPE_UNKNOWN;
    to->send_fullest = socket->is_valid ? sample->send_fullest : PIPE_UNKNOWN;
    to->receive_fullest = socket->is_valid ? sample->receive_fullest : PIPE_UNKNOWN;
    to->n_written = socket->followed.n_written;
    to->n_read = socket->followed.n_read;
    to->n_written_more = socket->followed.n_written - socket->n_written_told;
    to->n_read_more = socket->followed.n_read - socket->n_read_told;
    socket->n_written_told = socket->followed.n_written;
    socket->n_read_told = socket->followed.n_read;
    to->send_hwm = socket->send_hwm;
    to->receive_hwm = socket->receive_hwm;
    to->options = socket->options;
    to->send_age_ns = socket->is_valid ? sample->send_age_ns : PIPE_UNKNOWN;
    to->receive_age_ns = socket->is_valid ? sample->receive_age_ns : PIPE_UNKNOWN;
    to->handle = socket_handle_of(socket->address);
    to->context = socket->i_context;
    memcpy(to->endpoint, socket->endpoint, sizeof(to->endpoint));
}

static void tell_process(struct peek_reader *self, const struct peek_host_entry *entry)
{
    struct peek_process *process = entry->process;
    struct peek_record_process *to = &append(self, PEEK_RECORD_PROCESS)->process;
    to->pid = (uint32_t)entry->pid;
    to->start_ticks = entry->start_ticks;
    to->reason = process ? process->reason : entry->reason;
    to->is_without_tap = process && process->is_without_tap;
    memcpy(to->program, entry->program, sizeof(to->program));
    to->net_namespace = entry->net_namespace;
    if (!process || process->reason != PEEK_REASON_NONE)
        return;
    for (size_t i = 0; i < process->n_sockets; i++)
        to->n_sockets += process->sockets[i].n_absent == 0;
    to->n_contexts = (uint32_t)process->n_contexts;
    to->n_left_out = process->n_left_out;
    to->n_invalid = process->n_invalid;
    for (size_t i = 0; i < process->n_sockets; i++) {
        if (process->sockets[i].n_absent == 0)
            tell_socket(self, &process->sockets[i]);
    }
}

static void tell_connections(struct peek_reader *self, const struct peek_host_entry *entry)
{
    const struct peek_connection *items;
    size_t n_left_out, n_all = peek_connections_find(entry->process, &items, &n_left_out);
    for (size_t i = 0; i == 0 || i < n_all; i += PEEK_CONNECTIONS_IN_RECORD) {
        struct peek_record_connections *to = &append(self, PEEK_RECORD_CONNECTIONS)->connections;
        size_t n = n_all - i < PEEK_CONNECTIONS_IN_RECORD ? n_all - i : PEEK_CONNECTIONS_IN_RECORD;
        to->pid = (uint32_t)entry->pid;
        to->start_ticks = entry->start_ticks;
        to->n = (uint32_t)n;
        to->n_all = (uint32_t)n_all;
        to->n_left_out = (uint32_t)n_left_out;
        memcpy(to->items, items + i, n * sizeof(*items));
    }
}

static void tell_owner(void *data, const struct peek_owner *owner)
{
    append(data, PEEK_RECORD_OWNER)->owner = *owner;
}

static void tell_looking(struct peek_reader *self, pid_t pid, uint64_t start_ticks)
{
    struct peek_record *record = append(self, PEEK_RECORD_LOOKING);
    record->process.pid = (uint32_t)pid;
    record->process.start_ticks = start_ticks;
    flush(self);
}

/* A file may be on a disk that does not answer. */
static bool may_open(void *data, pid_t pid, uint64_t start_ticks)
{
    struct peek_reader *self = data;
    if (peek_setup_has_failed(&self->setup, pid, start_ticks))
        return false;
    tell_looking(self, pid, start_ticks);
    return true;
}

static void tell_library(void *data, const struct peek_record_library *library)
{
    append(data, PEEK_RECORD_LIBRARY)->library = *library;
}

static void tell_libraries(struct peek_reader *self)
{
    struct peek_record_libraries head;
    if (!peek_libraries_update(&self->libraries, &self->host, &head))
        return;
    append(self, PEEK_RECORD_LIBRARIES)->libraries = head;
    peek_libraries_each(&self->libraries, &self->host, tell_library, self);
}

static void pass_process(struct peek_reader *self, struct peek_host_entry *entry)
{
    struct peek_process *process = entry->process;
    if (!process->has_looked) /* what is new may be what the reader does not get through */
        tell_looking(self, entry->pid, entry->start_ticks);
    peek_process_pass(process, self->files, self->host.procfs_fd);
    self->host.n_insides_changes += process->n_insides_changes;
    process->n_insides_changes = 0;
    if (process->is_gone) {
        bool is_replaced = process->is_replaced;
        entry->signature = 0; /* it may have a context again */
        peek_host_release(&self->host, entry);
        if (is_replaced)
            self->host.last_pid = 0; /* its threads may all have been there before */
        return;
    }
    tell_process(self, entry);
    if (self->is_asked && process->reason == PEEK_REASON_NONE)
        tell_connections(self, entry);
}

static void pass(struct peek_reader *self)
{
    uint64_t begin_ns = clock_monotonic_ns(), cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    uint32_t n_known = 0;
    (void)peek_host_update(&self->host);
    for (size_t i = 0; i < self->host.n_entries && !self->is_over; i++) {
        struct peek_host_entry *entry = &self->host.entries[i];
        n_known += entry->process || entry->reason != PEEK_REASON_NONE;
        if (entry->process)
            pass_process(self, entry);
        else if (entry->reason != PEEK_REASON_NONE)
            tell_process(self, entry);
    }
    if (!self->is_over)
        tell_libraries(self);
    if (!self->is_over)
        peek_owners_run(&self->owners, &self->host, tell_owner, self);
    struct peek_record *record = append(self, PEEK_RECORD_PASS);
    record->pass.n_processes = (uint32_t)self->host.n_entries;
    record->pass.n_followed = n_known;
    record->pass.elapsed_ns = clock_monotonic_ns() - begin_ns;
    record->pass.cpu_ns = cpu_ns;
    record->pass.has_connections = self->is_asked;
    self->is_asked = false;
    flush(self);
}

/* A record of an unknown kind means that the peer is no exporter. */
static void hear(struct peek_reader *self)
{
    struct peek_record record;
    int r = peek_setup_read_record(PEEK_READER_FD, &record);
    if (r == 0 && record.kind == PEEK_RECORD_ASK)
        self->is_asked = true;
    else if (r == 0 && record.kind == PEEK_RECORD_WANTED &&
             record.wanted.n <= PEEK_WANTED_IN_RECORD) {
        peek_owners_want(&self->owners, record.wanted.inodes, record.wanted.n);
        self->host.next_list_ns = 0; /* it may be a new process's */
    } else {
        self->is_over = true;
    }
}

/* Until the next pass is due, which is so at once when the exporter asks, if the last one was not
 * just now. Returns when it began. */
static uint64_t wait_until_due(struct peek_reader *self, uint64_t due_ns, uint64_t soon_ns)
{
    uint64_t now_ns = clock_monotonic_ns();
    while (!self->is_over && now_ns < due_ns) {
        struct pollfd exporter = {.fd = PEEK_READER_FD, .events = POLLIN};
        struct timespec rest = clock_timespec(due_ns - now_ns);
        if (ppoll(&exporter, 1, &rest, NULL) > 0) {
            hear(self);
            if (soon_ns < due_ns)
                due_ns = soon_ns;
        }
        now_ns = clock_monotonic_ns();
    }
    return now_ns;
}

/* At the other end of the socket, the one that made it or connected; its own sockets are left out.
 */
static pid_t find_exporter(int fd, pid_t parent)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0)
        return parent;
    return peer.pid;
}

int peek_reader_run(const struct peek_reader_options *options)
{
    static struct peek_reader self;
    pid_t parent = getppid(), exporter = find_exporter(options->fd, parent);
    uint64_t interval_ns = options->interval_ms * CLOCK_NS_PER_MS;
    int r = options->is_launched ? peek_sandbox_enter_launched(options->fd)
                                 : peek_sandbox_enter(options->fd);
    if (r < 0)
        return r;
    r = peek_setup_read(&self.setup, PEEK_READER_FD);
    if (r == 0)
        r = peek_host_init(&self.host, "/proc");
    if (r == 0)
        r = peek_libraries_init(&self.libraries, self.host.procfs_fd, may_open, &self);
    self.files = peek_class_files_new();
    if (r < 0 || !self.files)
        return r < 0 ? r : -ENOMEM;
    self.host.setup = &self.setup;
    self.host.excluded_pid = exporter;
    self.host.tell_gone = tell_gone;
    self.host.data = &self;
    uint64_t begin_ns = clock_monotonic_ns();
    if (interval_ns == 0)
        interval_ns = INTERVAL_NS;
    while (!self.is_over && getppid() == parent) {
        pass(&self);
        uint64_t next_ns = begin_ns + interval_ns, now_ns = clock_monotonic_ns();
        if (now_ns > next_ns)
            next_ns = now_ns + interval_ns / 2;
        begin_ns = wait_until_due(&self, next_ns, now_ns + interval_ns / SOON_SHARE);
    }
    peek_libraries_finish(&self.libraries);
    peek_host_finish(&self.host);
    peek_setup_finish(&self.setup);
    peek_class_files_destroy(&self.files);
    return 0;
}
