/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/tap.h"

#include "tap/ground/capability.h"
#include "tap/ground/libc.h"
#include "tap/ground/loaded.h"
#include "tap/ground/sandbox.h"
#include "tap/ground/tables.h"
#include "tap/learned/learned.h"
#include "tap/parts.h"
#include "tap/registry/registry.h"
#include "tap/report.h"
#include "tap/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_GROUPS_DEFAULT 256
#define ROOM_BYTES         ((size_t)(sizeof(void *) > 4 ? 512 : 128) << 20)
#define DATA_ROOM_BYTES    ((size_t)128 << 20)

/* Held while the thread is started and stopped; first in the order of locks. */
static struct lock life_lock;
static struct segment_table *table;
static struct segment_writer *writer;
static bool has_failed; /* or was told to stay out */
static bool is_used; /* something is known, in this process or, until it is forgotten, its parent */

/* The copies whose learning is done in this process, by their index. */
static bool is_learned[SEGMENT_MAX_LIBRARIES];

bool tap_is_enabled(void)
{
    const char *wish = secure_getenv("ZMQ_EXPORTER_TAP");
    return !__atomic_load_n(&has_failed, __ATOMIC_RELAXED) && !(wish && strcmp(wish, "off") == 0) &&
           libc_is_fit();
}

/* In the child nothing of the parent's is the tap's business: its file, its sockets, its thread.
 * The child's own first socket starts a tap of its own. */
static void forget_all(void)
{
    life_lock = LOCK_INIT;
    library_forked();
    registry_forked();
    parts_forked();
    memset(is_learned, 0, sizeof(is_learned));
    thread_forked();
    sandbox_start();
    segment_writer_destroy(&writer);
    segment_table_leave_to_parent(&table);
    is_used = false;
}

static void take_process(void)
{
    int error = errno;
    if (!registry_begin_claim())
        return; /* another thread has it */
    if (is_used)
        forget_all();
    registry_end_claim();
    errno = error;
}

void tap_begin_use(void)
{
    if (!registry_is_own())
        take_process();
    __atomic_store_n(&is_used, true, __ATOMIC_RELAXED);
}

void tap_check_process(void)
{
    if (!registry_is_own() && is_used)
        take_process();
}

static _Thread_local struct guard fork_guard;
static _Thread_local bool is_round_held;

/* Whatever locks of libc the tap's thread takes in its rounds, or the tap in any thread, the
 * dynamic linker's above all, the child must not find taken. */
static void begin_fork(void)
{
    is_round_held = thread_state_is_running() && thread_state_hold_rounds(&fork_guard);
    loaded_begin_fork();
    registry_begin_fork();
}

static void end_fork(void)
{
    registry_end_fork();
    loaded_end_fork();
    if (is_round_held)
        thread_state_release_rounds(&fork_guard);
}

/* After the handlers of the program that were registered earlier, of which one may have made
 * sockets: then the parent's are forgotten already. */
static void forked(void)
{
    if (!registry_is_claimed_by_child()) {
        if (is_used)
            forget_all();
        library_forked();
    }
    registry_end_fork();
    if (is_round_held)
        guard_restore_cancel(&fork_guard);
}

/* Before the program, whose own handlers may make sockets in the child, and before it can shut
 * itself in. */
__attribute__((constructor)) static void begin(void)
{
    report_read_path();
    pthread_atfork(begin_fork, end_fork, forked);
    if (tap_is_enabled() && registry_begin_claim())
        registry_end_claim();
}

static uint32_t max_groups(void)
{
    const char *text = secure_getenv("ZMQ_EXPORTER_MAX_GROUPS");
    long n = text ? strtol(text, NULL, 10) : 0;
    return n > 0 && n <= SEGMENT_MAX_GROUPS ? (uint32_t)n : MAX_GROUPS_DEFAULT;
}

static bool can_map(size_t n_bytes, int protection)
{
    void *room = mmap(NULL, n_bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                      0);
    if (room != MAP_FAILED)
        munmap(room, n_bytes);
    return room != MAP_FAILED;
}

/* libzmq ends the program where it cannot start a thread, and calibration makes contexts; and glibc
 * reserves 64 MiB and more for each thread that allocates. So the tap stays out of a program that
 * has little address space left (ulimit -v), or little for data (ulimit -d): it is to have enough
 * for threads of its own. What nobody may write is not data. */
static bool has_room(void)
{
    struct rlimit limit;
    int saved_errno = errno;
    bool is_limited = getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    bool has = can_map(ROOM_BYTES, PROT_NONE) &&
               (!is_limited || can_map(DATA_ROOM_BYTES, PROT_READ | PROT_WRITE));
    errno = saved_errno;
    return has;
}

static int make_table(void)
{
    int error = tables_map();
    if (error == 0)
        error = segment_table_new(max_groups(), &table);
    if (error < 0)
        return error;
    const char *directory = secure_getenv(SEGMENT_DIRECTORY_VARIABLE);
    if (!directory || !*directory)
        directory = SEGMENT_DIRECTORY_DEFAULT;
    error = segment_writer_new(table, directory, &writer);
    if (error < 0) {
        segment_table_destroy(&table);
        return error;
    }
    static const struct segment_map_lock lock = {registry_lock_inside, registry_unlock_inside};
    (void)segment_writer_map(writer, &lock); /* the capability "durable" says what came of it */
    report_start(directory, table->header);
    capability_start(table->header);
    parts_start(table);
    capability_set(SEGMENT_CAPABILITY_MESSAGES, SEGMENT_CAPABILITY_ON, "");
    return 0;
}

static void describe_library(const struct library *library)
{
    struct segment_header *header = table->header;
    if (library->index >= SEGMENT_MAX_LIBRARIES)
        return;
    struct segment_library shown = {
        .version_major = (uint32_t)library->version_number / 10000,
        .version_minor = (uint32_t)library->version_number / 100 % 100,
        .version_patch = (uint32_t)library->version_number % 100,
        .is_draft = library->is_draft,
    };
    memcpy(shown.path, library->path, sizeof(shown.path));
    segment_words_copy(&header->libraries[library->index], &shown, sizeof(shown));
    if (library_tells_handshakes(library))
        capability_set(SEGMENT_CAPABILITY_HANDSHAKES, SEGMENT_CAPABILITY_ON, "");
    else
        capability_set(SEGMENT_CAPABILITY_HANDSHAKES, SEGMENT_CAPABILITY_OFF,
                       "libzmq before 4.3.0");
    if (library->index >= header->n_libraries)
        __atomic_store_n(&header->n_libraries, library->index + 1, __ATOMIC_RELEASE);
}

/* What a copy of libzmq is like is found out once. */
static void learn_library(struct library *library)
{
    describe_library(library);
    learned_calibrate_library(library);
    parts_add_library(library);
}

/* glibc's malloc reads in /proc, once, how it may shrink the heap of a thread; the first heap that
 * shrinks may be one that calibration made, in a thread of the program that is sandboxed. */
static void settle_malloc(void)
{
    void *volatile blocks[8];
    for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
        blocks[i] = malloc(100000);
    for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
        free(blocks[i]);
}

/* Tables of the tap, most of them untouched; a core dump of the program is about the program. */
static void hide_from_dumps(void)
{
    extern char __bss_start[] __attribute__((visibility("hidden")));
    extern char _end[] __attribute__((visibility("hidden")));
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)__bss_start + page - 1) / page * page;
    uintptr_t end = (uintptr_t)_end / page * page;
    if (begin < end)
        (void)madvise((void *)begin, end - begin, MADV_DONTDUMP);
}

struct start {
    struct library *library;
    int error;
};

/* In a thread of its own: one of the program may have a stack of a few kilobytes. */
static void start_parts(void *data)
{
    struct start *start = data;
    start->error = table ? 0 : make_table();
    if (start->error < 0)
        return;
    hide_from_dumps();
    thread_set_writer(writer);
    settle_malloc();
    learn_library(start->library);
}

static bool is_learned_already(const struct library *library)
{
    return library->index < SEGMENT_MAX_LIBRARIES &&
           __atomic_load_n(&is_learned[library->index], __ATOMIC_ACQUIRE);
}

static int start_library(struct library *library)
{
    /* The request outlives a wait that was given up. */
    static struct start start;
    if (!libc_start())
        return -ENOSYS;
    if (is_learned_already(library))
        return thread_start();
    if (sandbox_is_closed())
        return -EPERM;
    if (!table && !has_room()) /* for a thread of the tap neither, whose stack glibc keeps */
        return -ENOMEM;
    start = (struct start){.library = library};
    int error = thread_run(start_parts, &start);
    if (error == 0)
        error = start.error;
    return error < 0 ? error : thread_start();
}

static bool is_started(const struct library *library)
{
    return thread_state_is_running() && is_learned_already(library);
}

static bool start_locked(struct library *library)
{
    if (has_failed)
        return false;
    int error = is_started(library) ? 0 : start_library(library);
    if (error < 0)
        report_line("off: %s", strerror(-error));
    else if (library->index < SEGMENT_MAX_LIBRARIES)
        __atomic_store_n(&is_learned[library->index], true, __ATOMIC_RELEASE);
    __atomic_store_n(&has_failed, error < 0, __ATOMIC_RELAXED);
    return error == 0;
}

void tap_make_room(void)
{
    const struct segment_table *now = table;
    if (now && segment_table_wants_room(now) && !sandbox_is_closed())
        thread_publish();
}

bool tap_start(struct library *library)
{
    struct guard guard;
    tap_begin_use();
    if (is_started(library)) {
        tap_make_room();
        return true;
    }
    int saved_errno = errno;
    guard_lock(&guard, &life_lock);
    bool is_on = start_locked(library);
    guard_unlock(&guard, &life_lock);
    errno = saved_errno;
    return is_on;
}

static bool is_thread_needed(void)
{
    struct guard guard;
    registry_lock(&guard);
    bool is_needed = registry_has_started_context();
    registry_unlock(&guard);
    return is_needed;
}

void tap_prepare(const void *caller)
{
    struct guard guard;
    struct library *library = tap_is_enabled() ? library_of_caller(caller) : NULL;
    if (!library || !library->is_complete)
        return;
    tap_begin_use();
    guard_lock(&guard, &life_lock);
    if (start_locked(library))
        thread_publish();
    if (!is_thread_needed())
        thread_stop();
    guard_unlock(&guard, &life_lock);
}

void tap_context_ended(void)
{
    struct guard guard;
    int error = errno;
    guard_lock(&guard, &life_lock);
    if (is_thread_needed())
        thread_publish();
    else
        thread_stop();
    /* A socket of another context may have been made meanwhile, by another thread. */
    if (is_thread_needed() && !thread_state_is_running())
        __atomic_store_n(&has_failed, thread_start() < 0, __ATOMIC_RELAXED);
    guard_unlock(&guard, &life_lock);
    errno = error;
}

/* exit(): what was counted since the last tick, and the file says that it is the last. */
__attribute__((destructor)) static void finish(void)
{
    struct guard guard;
    tap_check_process();
    guard_lock(&guard, &life_lock);
    /* A signal handler may exit in the middle of tap_start, whose work uses the writer. */
    bool is_settled = thread_await_work();
    thread_stop();
    if (is_settled && writer && (segment_writer_closes_quietly(writer) || !sandbox_is_closed()))
        segment_writer_close(writer);
    guard_unlock(&guard, &life_lock);
}
