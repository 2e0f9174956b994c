/* SPDX-License-Identifier: MPL-2.0 */
#include "support/peek_reader_played.h"

#include "base/clock.h"
#include "peek/peek_connections.h"
#include "peek/peek_libraries.h"
#include "peek/peek_owners.h"
#include "peek/peek_reader.h"
#include "queues/pipe_bytes.h"
#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WHERE 20 /* no descriptor that the reader closes */

struct shared *shared;
struct peek_process process;
static struct peek_host_entry entries[3];
static size_t n_entries;
struct peek_socket sockets[MANY];
int sandbox_result, libraries_result, host_result;
static bool (*ask_to_open)(void *data, pid_t pid, uint64_t start_ticks);
static void *ask_data;
static int tick[2], ours;
static pid_t reader;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time)
{
    *ret_time = clock_timespec(id == CLOCK_PROCESS_CPUTIME_ID ? 7 : shared->now_ns);
    return 0;
}

/* Waits for the exporter, or until the test says that the time is over. */
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *rest, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *rest, const sigset_t *mask)
{
    char byte;
    uint64_t rest_ns = (uint64_t)rest->tv_sec * CLOCK_NS_PER_SECOND + (uint64_t)rest->tv_nsec;
    struct pollfd both[2] = {fds[0], {.fd = tick[0], .events = POLLIN}};
    (void)mask;
    shared->rest_ns = rest_ns;
    if (n != 1 || poll(both, 2, -1) <= 0)
        _exit(90);
    if (both[0].revents)
        return 1;
    if (read(tick[0], &byte, 1) != 1)
        _exit(91);
    shared->now_ns += rest_ns;
    return 0;
}

static int enter(int kind, int fd)
{
    shared->sandbox = kind;
    return sandbox_result < 0 ? sandbox_result : dup2(fd, PEEK_READER_FD) < 0 ? -errno : 0;
}

int __wrap_peek_sandbox_enter(int fd);
int __wrap_peek_sandbox_enter(int fd)
{
    return enter(1, fd);
}

int __wrap_peek_sandbox_enter_launched(int fd);
int __wrap_peek_sandbox_enter_launched(int fd)
{
    return enter(2, fd);
}

int __wrap_peek_host_init(struct peek_host *self, const char *procfs);
int __wrap_peek_host_init(struct peek_host *self, const char *procfs)
{
    *self = (struct peek_host){.procfs_fd = -1, .entries = entries, .n_entries = n_entries};
    return strcmp(procfs, "/proc") == 0 ? host_result : -EINVAL;
}

void __wrap_peek_host_finish(struct peek_host *self);
void __wrap_peek_host_finish(struct peek_host *self)
{
    (void)self;
    shared->n_finished++;
}

int __wrap_peek_host_update(struct peek_host *self);
int __wrap_peek_host_update(struct peek_host *self)
{
    shared->excluded_pid = self->excluded_pid;
    shared->has_excluded = peek_setup_is_excluded(self->setup, "excluded");
    shared->last_pid = self->last_pid;
    shared->next_list_ns = self->next_list_ns;
    shared->n_insides_changes = self->n_insides_changes;
    shared->may_open = ask_to_open(ask_data, 7, 70);
    shared->has_failed = !ask_to_open(ask_data, 8, 80);
    self->last_pid = 5;
    self->next_list_ns = 9;
    return 0;
}

void __wrap_peek_host_release(struct peek_host *self, struct peek_host_entry *entry);
void __wrap_peek_host_release(struct peek_host *self, struct peek_host_entry *entry)
{
    shared->n_released += entry->signature == 0;
    entry->process = NULL;
    self->tell_gone(self->data, entry->pid, entry->start_ticks);
}

void __wrap_peek_process_pass(struct peek_process *self, struct peek_class_files *files, int fd);
void __wrap_peek_process_pass(struct peek_process *self, struct peek_class_files *files, int fd)
{
    (void)files, (void)fd;
    self->has_looked = true;
    self->n_insides_changes = shared->n_passed++ == 0 ? 3 : 0;
    self->is_gone = shared->is_gone;
    self->is_replaced = shared->is_replaced;
    for (size_t i = 0; i < self->n_sockets; i++) {
        self->sockets[i].followed.n_written += 10;
        self->sockets[i].followed.n_read += 4;
    }
}

size_t __wrap_peek_connections_find(struct peek_process *self, const struct peek_connection **ret,
                                    size_t *ret_n_left_out);
size_t __wrap_peek_connections_find(struct peek_process *self, const struct peek_connection **ret,
                                    size_t *ret_n_left_out)
{
    static struct peek_connection connections[4 * PEEK_CONNECTIONS_IN_RECORD];
    (void)self;
    for (size_t i = 0; i < shared->n_connections; i++)
        connections[i].inode = 100 + i;
    *ret = connections;
    *ret_n_left_out = shared->n_left_out;
    return shared->n_connections;
}

int __wrap_peek_libraries_init(struct peek_libraries *self, int fd,
                               bool (*may_open)(void *, pid_t, uint64_t), void *data);
int __wrap_peek_libraries_init(struct peek_libraries *self, int fd,
                               bool (*may_open)(void *, pid_t, uint64_t), void *data)
{
    (void)self, (void)fd;
    ask_to_open = may_open;
    ask_data = data;
    return libraries_result;
}

void __wrap_peek_libraries_finish(struct peek_libraries *self);
void __wrap_peek_libraries_finish(struct peek_libraries *self)
{
    (void)self;
    shared->n_finished++;
}

/* New in the first pass alone. */
bool __wrap_peek_libraries_update(struct peek_libraries *self, const struct peek_host *host,
                                  struct peek_record_libraries *ret_head);
bool __wrap_peek_libraries_update(struct peek_libraries *self, const struct peek_host *host,
                                  struct peek_record_libraries *ret_head)
{
    (void)host;
    *ret_head = (struct peek_record_libraries){.n_libraries = 2};
    return self->n_changes++ == 0;
}

void __wrap_peek_libraries_each(const struct peek_libraries *self, const struct peek_host *host,
                                void (*visit)(void *, const struct peek_record_library *),
                                void *data);
void __wrap_peek_libraries_each(const struct peek_libraries *self, const struct peek_host *host,
                                void (*visit)(void *, const struct peek_record_library *),
                                void *data)
{
    (void)self, (void)host;
    for (uint32_t i = 1; i <= 2; i++)
        visit(data, &(struct peek_record_library){.pid = i});
}

void __wrap_peek_owners_want(struct peek_owners *self, const uint64_t *inodes, size_t n);
void __wrap_peek_owners_want(struct peek_owners *self, const uint64_t *inodes, size_t n)
{
    self->n += n;
    memcpy(shared->wanted, inodes, n * sizeof(*inodes));
    shared->n_wanted += (int)n;
}

void __wrap_peek_owners_run(struct peek_owners *self, const struct peek_host *host,
                            void (*tell)(void *, const struct peek_owner *), void *data);
void __wrap_peek_owners_run(struct peek_owners *self, const struct peek_host *host,
                            void (*tell)(void *, const struct peek_owner *), void *data)
{
    (void)host;
    if (self->n > 0)
        tell(data, &(struct peek_owner){.inode = shared->wanted[0], .pid = 11});
    self->n = 0;
}

/*
 * The test's side
 */
int set_up(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    shared->now_ns = 1000 * CLOCK_NS_PER_SECOND;
    memset(&process, 0, sizeof(process));
    memset(entries, 0, sizeof(entries));
    memset(sockets, 0, sizeof(sockets));
    entries[0] = (struct peek_host_entry){.pid = 1};
    entries[1] = (struct peek_host_entry){
        .pid = PID, .start_ticks = TICKS, .signature = 1, .process = &process, .program = "feed"};
    entries[2] = (struct peek_host_entry){.pid = 43, .reason = PEEK_REASON_EXCLUDED};
    n_entries = 3;
    process.sockets = sockets;
    process.n_contexts = 2;
    process.n_left_out = 3;
    process.n_invalid = 4;
    process.is_without_tap = true;
    sandbox_result = libraries_result = host_result = 0;
    reader = -1;
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    if (reader > 0) {
        kill(reader, SIGKILL);
        waitpid(reader, NULL, 0);
    }
    close(ours);
    close(tick[0]);
    close(tick[1]);
    return munmap(shared, sizeof(*shared));
}

void say_record(const struct peek_record *record)
{
    assert_int_equal(write(ours, record, sizeof(*record)), sizeof(*record));
}

void hang_up(void)
{
    assert_int_equal(shutdown(ours, SHUT_RDWR), 0);
}

void say(enum peek_record_kind kind, const char *program)
{
    struct peek_record record = peek_record_of(kind);
    (void)snprintf(record.name.program, sizeof(record.name.program), "%s", program);
    say_record(&record);
}

void run(bool is_launched, unsigned interval_ms)
{
    int fds[2], plain[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(pipe(plain), 0);
    ours = fcntl(fds[0], F_DUPFD, WHERE);
    for (int i = 0; i < 2; i++) {
        tick[i] = fcntl(plain[i], F_DUPFD, WHERE);
        close(plain[i]);
    }
    close(fds[0]);
    int theirs = fcntl(fds[1], F_DUPFD, WHERE);
    close(fds[1]);
    reader = fork();
    if (reader == 0) {
        close(ours);
        close(tick[1]);
        _exit(-peek_reader_run(&(struct peek_reader_options){
            .fd = theirs, .interval_ms = interval_ms, .is_launched = is_launched}));
    }
    close(theirs);
}

void start(void)
{
    run(false, 0);
    say(PEEK_RECORD_EXCLUDE, "excluded");
    struct peek_record failed = peek_record_of(PEEK_RECORD_FAILED);
    failed.process.pid = 8;
    failed.process.start_ticks = 80;
    say_record(&failed);
    say(PEEK_RECORD_BEGIN, "");
}

void end_interval(void)
{
    assert_int_equal(write(tick[1], "", 1), 1);
}

struct peek_record hear(enum peek_record_kind kind)
{
    struct peek_record record;
    assert_int_equal(recv(ours, &record, sizeof(record), MSG_WAITALL), sizeof(record));
    assert_int_equal(record.magic, PEEK_RECORD_MAGIC);
    assert_int_equal(record.kind, kind);
    return record;
}

void hear_looking(uint32_t pid, uint64_t start_ticks)
{
    struct peek_record record = hear(PEEK_RECORD_LOOKING);
    assert_int_equal(record.process.pid, pid);
    assert_int_equal(record.process.start_ticks, start_ticks);
}

/* The played host has one file opened in each pass. */
struct peek_record_process hear_process(bool is_first)
{
    hear_looking(7, 70);
    if (is_first)
        hear_looking(PID, TICKS);
    struct peek_record record = hear(PEEK_RECORD_PROCESS);
    assert_int_equal(record.process.pid, PID);
    assert_int_equal(record.process.start_ticks, TICKS);
    assert_string_equal(record.process.program, "feed");
    return record.process;
}

struct peek_record_pass hear_rest(bool is_first)
{
    struct peek_record excluded = hear(PEEK_RECORD_PROCESS);
    assert_int_equal(excluded.process.pid, 43);
    assert_int_equal(excluded.process.reason, PEEK_REASON_EXCLUDED);
    assert_int_equal(excluded.process.n_contexts, 0);
    if (is_first) {
        assert_int_equal(hear(PEEK_RECORD_LIBRARIES).libraries.n_libraries, 2);
        assert_int_equal(hear(PEEK_RECORD_LIBRARY).library.pid, 1);
        assert_int_equal(hear(PEEK_RECORD_LIBRARY).library.pid, 2);
    }
    return hear(PEEK_RECORD_PASS).pass;
}

int end_of_reader(void)
{
    int status;
    assert_int_equal(waitpid(reader, &status, 0), reader);
    reader = -1;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void want(uint32_t n)
{
    struct peek_record wanted = peek_record_of(PEEK_RECORD_WANTED);
    wanted.wanted.n = n;
    for (uint32_t i = 0; i < PEEK_WANTED_IN_RECORD; i++)
        wanted.wanted.inodes[i] = 500 + i;
    say_record(&wanted);
}
