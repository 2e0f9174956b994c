/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_linker.h"

#include "base/clock.h"
#include "support/cmocka.h"
#include "tap/ground/lock.h"

#include <errno.h>

struct linker linker = {.info_size = sizeof(struct dl_phdr_info),
                        .now_ns = 5 * CLOCK_NS_PER_SECOND};

int __wrap_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *data);
int __wrap_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *data)
{
    int rc = 0;
    for (size_t i = 0; i < n_objects + linker.n_repeated && rc == 0; i++) {
        const struct object *object = &objects[i < n_objects ? i : n_objects - 1];
        struct dl_phdr_info info = {.dlpi_addr = object->begin,
                                    .dlpi_name = object->name,
                                    .dlpi_adds = linker.n_adds,
                                    .dlpi_subs = linker.n_subs};
        void (*now)(void) = linker.while_told;
        if (linker.n_told++ == 2 && now) {
            linker.while_told = NULL;
            now();
        }
        rc = visit(&info, linker.info_size, data);
    }
    errno = 99;
    return rc;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time)
{
    assert_int_equal(id, CLOCK_MONOTONIC);
    *ret_time = clock_timespec(linker.now_ns);
    return 0;
}

void lock_acquire(struct lock *lock)
{
    assert_int_equal(lock->depth++, linker.lock_depth++);
}

void lock_release(struct lock *lock)
{
    assert_int_equal(--lock->depth, --linker.lock_depth);
}

void lock_wait_for_word(const uint32_t *word, uint32_t seen, uint64_t deadline_ns)
{
    assert_int_equal(*word, seen);
    linker.n_waits++;
    linker.seen_by_wait = seen;
    linker.deadline_of_wait = deadline_ns;
    if (linker.while_waiting)
        linker.while_waiting();
    else
        linker.now_ns = deadline_ns;
}

void lock_wake_word(const uint32_t *word)
{
    (void)word;
    linker.n_wakes++;
}

static void work(const struct loaded *loaded, void *data)
{
    linker.n_works++;
    linker.depth_in_work = linker.lock_depth;
    assert_string_equal(data, "data");
    linker.list = (struct loaded *)(uintptr_t)loaded;
    void (*now)(void) = linker.while_visited;
    linker.while_visited = NULL;
    if (now)
        now();
}

void linker_visit(void)
{
    static char data[] = "data";
    linker.n_told = 0;
    errno = 42;
    loaded_visit(work, data);
    assert_int_equal(errno, 42);
}

void linker_append_tap(void)
{
    uint32_t tap = objects_append("/lib/libzmqtap.so", NULL, "zmqtap_interface " LIBZMQ);
    objects[tap].begin = (uintptr_t)&linker.list - 0x10000000;
    objects[tap].end = (uintptr_t)&linker.list + 0x10000000;
}

void linker_append(const char *symbols)
{
    objects_append("/opt/some.so", NULL, symbols);
}

void linker_append_libc(void)
{
    objects_append("/lib/libc.so.6", "libc.so.6", "__libc_start_main dlsym");
}

void linker_change(void)
{
    linker.n_adds++;
    linker_visit();
}

void linker_begin_preloaded(void)
{
    objects_append("", NULL, "main");
    linker_append_tap();
    linker_append_libc();
}
