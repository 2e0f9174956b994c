/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/loaded.h"

#include "base/clock.h"
#include "tap/ground/guard.h"

#include <string.h>

#define FORK_WAIT_NS CLOCK_NS_PER_SECOND

/* Needs both locks. A program may be in a callback of its own of dl_iterate_phdr() when it calls
 * the tap: so that one is always taken first. */
static struct loaded list = {.own = LOADED_NONE};
static bool is_whole;
static struct lock lock;

/* The linker's own lock is not made anew in a forked child. So no thread of the tap is behind it
 * while the process is forked; and who comes meanwhile waits here, not there. */
static uint32_t n_inside; /* threads in dl_iterate_phdr() */
static uint32_t n_forks;  /* that are under way; a visit waits until there is none */
static _Thread_local uint32_t own_depth;

static void begin_inside(void)
{
    bool has_waited = own_depth > 0;
    uint32_t n;
    __atomic_fetch_add(&n_inside, 1, __ATOMIC_SEQ_CST);
    while ((n = __atomic_load_n(&n_forks, __ATOMIC_SEQ_CST)) != 0 && !has_waited) {
        uint64_t deadline = clock_monotonic_ns() + FORK_WAIT_NS;
        __atomic_fetch_sub(&n_inside, 1, __ATOMIC_SEQ_CST);
        lock_wake_word(&n_inside);
        lock_wait_for_word(&n_forks, n, deadline);
        has_waited = clock_monotonic_ns() >= deadline;
        __atomic_fetch_add(&n_inside, 1, __ATOMIC_SEQ_CST);
    }
    own_depth++;
}

static void end_inside(void)
{
    own_depth--;
    __atomic_fetch_sub(&n_inside, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&n_forks, __ATOMIC_SEQ_CST) != 0)
        lock_wake_word(&n_inside);
}

void loaded_begin_fork(void)
{
    uint64_t deadline = clock_monotonic_ns() + FORK_WAIT_NS;
    uint32_t n;
    __atomic_fetch_add(&n_forks, 1, __ATOMIC_SEQ_CST);
    while ((n = __atomic_load_n(&n_inside, __ATOMIC_SEQ_CST)) > own_depth &&
           clock_monotonic_ns() < deadline)
        lock_wait_for_word(&n_inside, n, deadline);
}

void loaded_end_fork(void)
{
    __atomic_fetch_sub(&n_forks, 1, __ATOMIC_SEQ_CST);
    lock_wake_word(&n_forks);
}

struct visit {
    loaded_work *work;
    void *data;
};

static int collect(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    if (list.n_objects == LOADED_MAX_OBJECTS)
        return 1;
    struct elf_object *object = &list.objects[list.n_objects];
    *object = elf_object_of(info);
    if (elf_object_spans(object, (uintptr_t)&list))
        list.own = list.n_objects;
    list.n_objects++;
    return 0;
}

/* It has more functions than a library that interposes some of them. */
static bool is_libzmq(uint32_t i)
{
    return elf_object_find(&list.objects[i], "zmq_version") != 0;
}

static void remove_interposers(void)
{
    uint32_t n = 0;
    bool has_libzmq = false;
    for (uint32_t i = 0; i < list.n_candidates; i++)
        has_libzmq = has_libzmq || is_libzmq(list.candidates[i]);
    for (uint32_t i = 0; i < list.n_candidates; i++) {
        uint32_t object = list.candidates[i];
        if (!has_libzmq || object >= list.n_startup || is_libzmq(object))
            list.candidates[n++] = object;
    }
    list.n_candidates = n;
}

static void append_candidates(uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        const struct elf_object *object = &list.objects[i];
        /* Another tap that is not preloaded has no calls to pass on. */
        bool is_candidate = i != list.own && elf_object_find(object, "zmq_socket") &&
                            (i < list.n_startup || !elf_object_find(object, "zmqtap_interface"));
        if (is_candidate && list.n_candidates < LOADED_MAX_CANDIDATES)
            list.candidates[list.n_candidates++] = i;
    }
}

/* A preloaded tap comes before the C library; one that was opened later comes behind. */
static bool is_preloaded(void)
{
    for (uint32_t i = 0; i < list.n_objects && i < list.own; i++) {
        if (elf_object_find(&list.objects[i], "__libc_start_main"))
            return false;
    }
    return true;
}

static void read_list(void)
{
    list.n_objects = list.n_candidates = 0;
    list.own = LOADED_NONE;
    dl_iterate_phdr(collect, NULL);
    if (list.n_startup == 0)
        list.n_startup = is_preloaded() ? list.n_objects : 1;
    uint32_t own = list.own == LOADED_NONE ? 0 : list.own;
    append_candidates(own, list.n_objects);
    remove_interposers();
    list.n_behind = list.n_candidates;
    append_candidates(0, own);
}

/* Is called for the first object alone, and does all there. */
static int visit_inside(struct dl_phdr_info *info, size_t size, void *data)
{
    struct visit *visit = data;
    struct guard guard;
    bool has_numbers = size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs);
    guard_lock(&guard, &lock);
    bool is_new = !is_whole || !has_numbers || list.n_loads != info->dlpi_adds ||
                  list.n_unloads != info->dlpi_subs;
    if (is_new) {
        uint64_t generation;
        is_whole = false;
        do { /* once, but where a signal handler read it meanwhile */
            generation = list.generation;
            read_list();
        } while (generation != list.generation);
        list.n_loads = has_numbers ? info->dlpi_adds : 0;
        list.n_unloads = has_numbers ? info->dlpi_subs : list.n_unloads + 1;
        list.generation++;
        is_whole = true;
    }
    visit->work(&list, visit->data);
    guard_unlock(&guard, &lock);
    return 1;
}

void loaded_visit(loaded_work *work, void *data)
{
    int error = errno;
    struct visit visit = {work, data};
    begin_inside();
    dl_iterate_phdr(visit_inside, &visit);
    end_inside();
    errno = error;
}

uint32_t loaded_find(const struct loaded *self, uintptr_t address)
{
    for (uint32_t i = 0; i < self->n_objects; i++) {
        const struct elf_object *object = &self->objects[i];
        if (!elf_object_spans(object, address))
            continue;
        for (size_t at = 0; at < object->n_headers; at++) {
            const ElfW(Phdr) *header = &object->headers[at];
            uintptr_t begin = object->base + header->p_vaddr;
            if (header->p_type == PT_LOAD && address - begin < header->p_memsz)
                return i;
        }
    }
    return LOADED_NONE;
}

static struct {
    uint32_t objects[LOADED_MAX_CANDIDATES];
    uint32_t n;
    bool is_read;
} interposers;

static bool is_interposer(const struct elf_object *object)
{
    static const char *const names[] = {
        "zmq_send", "zmq_recv",    "zmq_msg_send", "zmq_msg_recv", "zmq_socket",    "zmq_close",
        "zmq_bind", "zmq_connect", "zmq_ctx_new",  "zmq_ctx_term", "zmq_setsockopt"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (elf_object_find(object, names[i]))
            return !elf_object_find(object, "zmq_version");
    }
    return false;
}

/* What came with the program stays, and stays in its place. */
static void read_interposers(const struct loaded *self)
{
    uint32_t first = self->own == LOADED_NONE ? self->n_startup : self->own + 1;
    for (uint32_t i = first; i < self->n_startup; i++) {
        if (interposers.n < LOADED_MAX_CANDIDATES && is_interposer(&self->objects[i]))
            interposers.objects[interposers.n++] = i;
    }
    interposers.is_read = true;
}

bool loaded_has_interposers(const struct loaded *self)
{
    if (!interposers.is_read)
        read_interposers(self);
    return interposers.n != 0;
}

uintptr_t loaded_find_function(const struct loaded *self, uint32_t copy, const char *name)
{
    if (!interposers.is_read)
        read_interposers(self);
    for (uint32_t i = 0; i < interposers.n && interposers.objects[i] < copy; i++) {
        uintptr_t address = elf_object_find(&self->objects[interposers.objects[i]], name);
        if (address)
            return address;
    }
    return elf_object_find(&self->objects[copy], name);
}

struct libc_search {
    const char *symbol;
    uintptr_t address;
};

/* ThreadSanitizer interposes the functions for threads, and it ends a program in which there
 * is a thread that it has not made. */
static bool is_libc(const struct elf_object *object)
{
    if (elf_object_find(object, "__tsan_init"))
        return true;
    const char *soname = elf_object_soname(object);
    return soname && (strcmp(soname, "libc.so.6") == 0 || strcmp(soname, "libpthread.so.0") == 0 ||
                      strcmp(soname, "libdl.so.2") == 0);
}

static void search_libc(const struct loaded *loaded, void *data)
{
    struct libc_search *search = data;
    for (uint32_t i = 0; i < loaded->n_objects && !search->address; i++) {
        const struct elf_object *object = &loaded->objects[i];
        uintptr_t address = elf_object_find(object, search->symbol);
        if (address && is_libc(object))
            search->address = address;
    }
}

uintptr_t loaded_find_in_libc(const char *symbol)
{
    struct libc_search search = {symbol, 0};
    loaded_visit(search_libc, &search);
    return search.address;
}

static void do_nothing(const struct loaded *loaded, void *data)
{
    (void)loaded;
    (void)data;
}

/* Before the program opens more: see n_startup. */
__attribute__((constructor)) static void begin(void)
{
    loaded_visit(do_nothing, NULL);
}

void loaded_forked(void)
{
    lock = LOCK_INIT;
    is_whole = false;
    n_inside = own_depth;
    n_forks = 0;
}
