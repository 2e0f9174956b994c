/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: dlopen() waits for constructors, and whoever ends a context waits for the tap's thread.
 * So that one asks for nothing itself: what the program needs is loaded for ever anyway, and for
 * the rest a thread is made.
 */
#include "tap/ground/library_entries.h"

#include "tap/ground/scope.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

static bool is_pinning; /* a thread does that */

/* One at a time: by the tap's thread, or the one that it makes for it. */
struct pinning {
    uint32_t index;
    struct elf_object object;
    char name[PATH_MAX];
    bool is_to_be_pinned, is_pinned;
};

static void begin_pinning(const struct loaded *loaded, void *data)
{
    struct pinning *pinning = data;
    struct library_entry *entry = &library_entries[pinning->index];
    library_look_through(loaded);
    pinning->object = entry->object;
    pinning->is_pinned = scope_is_permanent(loaded, &entry->object);
    pinning->is_to_be_pinned = library_list[pinning->index].end != 0 && entry->is_followed &&
                               !entry->is_pinned &&
                               strlen(entry->object.name) < sizeof(pinning->name);
    if (pinning->is_to_be_pinned)
        strcpy(pinning->name, entry->object.name);
}

static void end_pinning(const struct loaded *loaded, void *data)
{
    const struct pinning *pinning = data;
    struct library_entry *entry = &library_entries[pinning->index];
    (void)loaded;
    if (elf_object_is_same(&entry->object, &pinning->object))
        entry->is_pinned = pinning->is_pinned;
}

/* By its name, which may by now be that of another object. */
static bool is_kept(const struct pinning *pinning)
{
    void *(*open)(const char *, int) = (void *(*)(const char *, int))loaded_find_in_libc("dlopen");
    int (*ask)(void *, int, void *) = (int (*)(void *, int, void *))loaded_find_in_libc("dlinfo");
    struct link_map *map = NULL;
    void *handle = open && ask ? open(pinning->name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE)
                               : NULL;
    return handle && ask(handle, RTLD_DI_LINKMAP, &map) == 0 &&
           map->l_addr == pinning->object.base && (uintptr_t)map->l_ld == pinning->object.dynamic;
}

static void pin(uint32_t index, bool may_wait)
{
    static struct pinning pinning;
    pinning.index = index;
    loaded_visit(begin_pinning, &pinning);
    if (!pinning.is_to_be_pinned)
        return;
    if (may_wait && !pinning.is_pinned)
        pinning.is_pinned = is_kept(&pinning);
    loaded_visit(end_pinning, &pinning);
    if (!may_wait && !pinning.is_pinned)
        __atomic_store_n(&library_has_unpinned, true, __ATOMIC_RELEASE);
}

static void pin_all(bool may_wait)
{
    uint32_t n = __atomic_load_n(&library_n, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < n; i++)
        pin(i, may_wait);
}

/* Until all are pinned that wait for it, those that come meanwhile too. */
static void *pin_with_patience(void *unused)
{
    while (__atomic_exchange_n(&library_has_unpinned, false, __ATOMIC_ACQ_REL))
        pin_all(true);
    __atomic_store_n(&is_pinning, false, __ATOMIC_RELEASE);
    return unused;
}

void library_pin(void)
{
    pthread_t thread;
    if (__atomic_load_n(&is_pinning, __ATOMIC_ACQUIRE) ||
        !__atomic_exchange_n(&library_has_unpinned, false, __ATOMIC_ACQ_REL))
        return;
    pin_all(false);
    if (!__atomic_load_n(&library_has_unpinned, __ATOMIC_ACQUIRE))
        return;
    __atomic_store_n(&is_pinning, true, __ATOMIC_RELEASE);
    if (pthread_create(&thread, NULL, pin_with_patience, NULL) == 0)
        pthread_detach(thread);
    else
        __atomic_store_n(&is_pinning, false, __ATOMIC_RELEASE);
}

void library_pin_forked(void)
{
    library_has_unpinned = true;
    is_pinning = false;
}
