/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_lived.h"

#include "tap/ground/capability.h"
#include "tap/ground/libc.h"
#include "tap/ground/loaded.h"
#include "tap/ground/sandbox.h"
#include "tap/ground/tables.h"
#include "tap/learned/learned.h"
#include "tap/parts.h"
#include "tap/report.h"
#include "tap/tap.h"
#include "tap/thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

struct lived lived = {.room = SIZE_MAX, .data_limit = {RLIM_INFINITY, RLIM_INFINITY}};
struct registry_slot registry_slots[REGISTRY_N_SLOTS + 1];
static struct segment_table table = {.header = &lived.header};
#define WRITER ((struct segment_writer *)0x1230)

/* Most leave an errno. */
static void say(const char *word)
{
    strcat(strcat(lived.said, lived.said[0] ? " " : ""), word);
    errno = 99;
}

void lived_set_own(void)
{
    *REGISTRY_MARK = REGISTRY_CLAIMED;
}

void lived_begin_child(void)
{
    *REGISTRY_MARK = REGISTRY_UNCLAIMED;
}

/*
 * The system
 */
char *__wrap_secure_getenv(const char *name);
char *__wrap_secure_getenv(const char *name)
{
    const char *value = strcmp(name, "ZMQ_EXPORTER_TAP") == 0          ? lived.tap
                        : strcmp(name, "ZMQ_EXPORTER_MAX_GROUPS") == 0 ? lived.max_groups
                        : strcmp(name, "ZMQ_EXPORTER_DIR") == 0        ? lived.directory
                                                                       : (fail(), NULL);
    return (char *)(uintptr_t)value;
}

int __wrap_getrlimit(int resource, struct rlimit *ret_limit);
int __wrap_getrlimit(int resource, struct rlimit *ret_limit)
{
    assert_int_equal(resource, RLIMIT_DATA);
    *ret_limit = lived.data_limit;
    return 0;
}

static size_t n_mapped;

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    assert_true(!address && fd == -1 && offset == 0);
    assert_int_equal(flags, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    bool is_data = protection == (PROT_READ | PROT_WRITE);
    assert_true(is_data || protection == PROT_NONE);
    assert_int_equal(size, (is_data ? UINT64_C(128) : UINT64_C(512)) << 20);
    if (size > lived.room || (is_data && lived.data_has_no_room))
        return MAP_FAILED;
    n_mapped += size;
    return &n_mapped;
}

int __wrap_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size)
{
    assert_ptr_equal(address, &n_mapped);
    n_mapped -= size;
    assert_int_equal(n_mapped, 0);
    return 0;
}

int __wrap_madvise(void *address, size_t size, int advice);
int __wrap_madvise(void *address, size_t size, int advice)
{
    extern char __bss_start[] __attribute__((visibility("hidden")));
    extern char _end[] __attribute__((visibility("hidden")));
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)address;
    assert_int_equal(advice, MADV_DONTDUMP);
    assert_int_equal(begin % page, 0);
    assert_int_equal(size % page, 0);
    assert_in_range(begin, (uintptr_t)__bss_start, (uintptr_t)__bss_start + page - 1);
    assert_in_range(begin + size, (uintptr_t)_end - page + 1, (uintptr_t)_end);
    say("hide");
    return -1;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    lived.n_blocks += size == 100000;
    return __real_malloc(size);
}

void __real_free(void *block);
void __wrap_free(void *block);
void __wrap_free(void *block)
{
    lived.n_freed++;
    __real_free(block);
}

int __wrap_pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    lived.before_fork = before;
    lived.in_parent = parent;
    lived.in_child = child;
    say("atfork");
    return 0;
}

void lock_acquire(struct lock *lock)
{
    assert_int_equal(lock->depth++, 0);
    lived.lock_depth++;
}

void lock_release(struct lock *lock)
{
    assert_int_equal(--lock->depth, 0);
    assert_true(lived.lock_depth-- > 0);
}

/* As the process is loaded, before tap.c. */
__attribute__((constructor(101))) static void begin(void)
{
    lived.tap = getenv("LIVED_TAP");
}

/*
 * The ground
 */
bool libc_is_fit(void)
{
    return !lived.is_unfit;
}

bool libc_start(void)
{
    errno = 99;
    return !lived.has_no_libc;
}

bool sandbox_is_closed(void)
{
    return lived.is_closed;
}

void sandbox_start(void)
{
    say("sandbox");
}

void loaded_begin_fork(void)
{
    say("hold-loaded");
}

void loaded_end_fork(void)
{
    say("release-loaded");
}

void library_forked(void)
{
    say("library-forked");
}

struct library *library_of_caller(const void *return_address)
{
    return (struct library *)(uintptr_t)return_address; /* a test's caller is its library */
}

void capability_start(struct segment_header *header)
{
    assert_ptr_equal(header, &lived.header);
    say("capability");
}

void capability_set(enum segment_capability_id id, enum segment_capability_state state,
                    const char *reason)
{
    bool is_on = state == SEGMENT_CAPABILITY_ON;
    lived.header.capabilities[id].state = state;
    assert_string_equal(reason, is_on ? "" : "libzmq before 4.3.0");
}

void report_read_path(void)
{
    say("path");
}

void report_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lived.off, sizeof(lived.off), format, arguments);
    va_end(arguments);
    say("report-off");
}

void report_start(const char *directory, const struct segment_header *header)
{
    assert_string_equal(directory, lived.directory && *lived.directory ? lived.directory
                                                                       : "/run/zmq_exporter");
    assert_ptr_equal(header, &lived.header);
    say("report");
}

/*
 * Registry and parts
 */
bool registry_begin_claim(void)
{
    int error = errno;
    say("claim");
    errno = error;
    return !lived.is_claimed_elsewhere;
}

void registry_end_claim(void)
{
    lived_set_own();
    say("claimed");
}

bool registry_is_claimed_by_child(void)
{
    return lived.is_claimed_by_child;
}

void registry_begin_fork(void)
{
    say("hold-registry");
}

void registry_end_fork(void)
{
    say("release-registry");
}

void registry_forked(void)
{
    say("registry-forked");
}

bool registry_has_started_context(void)
{
    return lived.has_contexts;
}

void registry_lock(struct guard *guard)
{
    (void)guard;
    lived.lock_depth++;
}

void registry_unlock(const struct guard *guard)
{
    (void)guard;
    assert_true(lived.lock_depth-- > 0);
}

void registry_lock_inside(void) {}

void registry_unlock_inside(void) {}

void parts_start(struct segment_table *given)
{
    assert_ptr_equal(given, &table);
    say("parts");
}

void parts_add_library(const struct library *library)
{
    assert_non_null(library);
    say("add-library");
}

void parts_forked(void)
{
    say("parts-forked");
}

void learned_calibrate_library(const struct library *library)
{
    assert_non_null(library);
    say("learn");
}

int tables_map(void)
{
    say("tables");
    return lived.tables_error;
}

/*
 * The segment
 */
int segment_table_new(uint32_t max_groups, struct segment_table **ret_table)
{
    char text[30];
    snprintf(text, sizeof(text), "table-%u", max_groups);
    say(text);
    if (lived.table_error == 0)
        *ret_table = &table;
    return lived.table_error;
}

void segment_table_destroy(struct segment_table **self_p)
{
    assert_ptr_equal(*self_p, &table);
    *self_p = NULL;
    say("no-table");
}

void segment_table_leave_to_parent(struct segment_table **self_p)
{
    say(*self_p ? "leave-table" : "leave-nothing");
    *self_p = NULL;
}

bool segment_table_wants_room(const struct segment_table *self)
{
    assert_ptr_equal(self, &table);
    return lived.wants_room;
}

int segment_writer_new(struct segment_table *given, const char *directory,
                       struct segment_writer **ret_writer)
{
    assert_ptr_equal(given, &table);
    say("writer");
    say(directory);
    if (lived.writer_error == 0)
        *ret_writer = WRITER;
    return lived.writer_error;
}

int segment_writer_map(struct segment_writer *self, const struct segment_map_lock *lock)
{
    assert_ptr_equal(self, WRITER);
    assert_ptr_equal(lock->lock, registry_lock_inside);
    assert_ptr_equal(lock->unlock, registry_unlock_inside);
    say("map");
    return -1;
}

bool segment_writer_closes_quietly(const struct segment_writer *self)
{
    assert_ptr_equal(self, WRITER);
    return !lived.is_loud;
}

void segment_writer_close(struct segment_writer *self)
{
    assert_ptr_equal(self, WRITER);
    say("close");
}

void segment_writer_destroy(struct segment_writer **self_p)
{
    say(*self_p ? "leave-writer" : "leave-no-writer");
    *self_p = NULL;
}

/*
 * Threads
 */
int thread_start(void)
{
    say("start");
    lived.is_running = lived.start_error == 0;
    return lived.start_error;
}

int thread_run(void (*work)(void *data), void *data)
{
    say("run");
    if (lived.in_run)
        lived.in_run();
    if (lived.run_error == 0)
        work(data);
    return lived.run_error;
}

bool thread_await_work(void)
{
    return !lived.is_stuck;
}

void thread_set_writer(struct segment_writer *writer)
{
    assert_ptr_equal(writer, WRITER);
    say("set-writer");
}

void thread_publish(void)
{
    int error = errno;
    say("publish");
    errno = error;
}

void thread_stop(void)
{
    say("stop");
    lived.is_running = false;
    lived.has_contexts = lived.has_contexts || lived.contexts_come;
}

void thread_forked(void)
{
    say("thread-forked");
    lived.is_running = false;
}

bool thread_state_is_running(void)
{
    return lived.is_running;
}

bool thread_state_hold_rounds(struct guard *guard)
{
    guard_disable_cancel(guard);
    if (lived.cannot_hold)
        guard_restore_cancel(guard);
    say("hold-rounds");
    return !lived.cannot_hold;
}

void thread_state_release_rounds(const struct guard *guard)
{
    guard_restore_cancel(guard);
    say("release-rounds");
}

struct library lived_first = {.index = 0, .version_number = 40305, .is_complete = true},
               lived_second = {.index = 1, .version_number = 40205, .is_complete = true};

bool lived_start(struct library *library)
{
    errno = 42;
    bool is_on = tap_start(library);
    assert_int_equal(errno, 42);
    assert_int_equal(lived.lock_depth, 0);
    return is_on;
}

void lived_begin_with_first(void)
{
    lived.said[0] = '\0'; /* of the load */
    assert_true(lived_start(&lived_first));
    ASSERT_SAID(LIVED_ALL_PARTS);
}
