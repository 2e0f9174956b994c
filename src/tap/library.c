/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/library.h"

#include "tap/guard.h"
#include "tap/zmqtap.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY_MAX        16u
#define LIBRARY_MAX_RANGES 32u

static struct library libraries[LIBRARY_MAX];
static uint32_t n_libraries; /* published after the entry */
static struct lock lock;

struct caller_range {
    uintptr_t begin, end;
    struct library *library;
};

static struct caller_range ranges[LIBRARY_MAX_RANGES];
static uint32_t n_ranges;

/* Any address in this object tells it apart from those that define the real functions. */
static struct link_map *object_of(const void *address)
{
    Dl_info info;
    struct link_map *map = NULL;
    return address && dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
}

static bool is_ours(const struct link_map *map)
{
    return map == object_of(&n_libraries);
}

/* A symbol of `handle`'s tree, unless it is the tap's own. */
static void *find_symbol(void *handle, const char *name)
{
    void *symbol = dlsym(handle, name);
    return symbol && !is_ours(object_of(symbol)) ? symbol : NULL;
}

struct name_search {
    size_t n_to_skip;
    char name[256];
};

static int visit_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct name_search *search = data;
    (void)size;
    if (!info->dlpi_name || !strstr(info->dlpi_name, "zmq") ||
        strlen(info->dlpi_name) >= sizeof(search->name))
        return 0;
    if (search->n_to_skip > 0) {
        search->n_to_skip--;
        return 0;
    }
    strcpy(search->name, info->dlpi_name);
    return 1;
}

/* The last resort: a caller that reaches libzmq by a road the linker does not show. */
static void *find_in_any_object(void)
{
    for (size_t i = 0;; i++) {
        struct name_search search = {.n_to_skip = i};
        if (!dl_iterate_phdr(visit_object, &search))
            return NULL;
        void *handle = dlopen(search.name, RTLD_LAZY | RTLD_NOLOAD);
        void *symbol = handle ? find_symbol(handle, "zmq_socket") : NULL;
        if (handle)
            dlclose(handle);
        if (symbol)
            return symbol;
    }
}

static void *find_zmq_socket(const void *return_address)
{
    void *symbol = find_symbol(RTLD_NEXT, "zmq_socket");
    if (!symbol) {
        struct link_map *caller = object_of(return_address);
        symbol = caller ? find_symbol(caller, "zmq_socket") : NULL;
    }
    return symbol ? symbol : find_in_any_object();
}

static struct library *find_known(const void *object)
{
    uint32_t n = __atomic_load_n(&n_libraries, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < n; i++) {
        if (libraries[i].object == object)
            return &libraries[i];
    }
    return NULL;
}

static void set_path(struct library *library, const struct link_map *owner)
{
    if (owner->l_name && owner->l_name[0])
        strncpy(library->path, owner->l_name, sizeof(library->path) - 1);
    else if (readlink("/proc/self/exe", library->path, sizeof(library->path) - 1) < 0)
        library->path[0] = '\0';
}

static void set_version(struct library *library)
{
    int major = 0, minor = 0, patch = 0;
    if (library->version)
        library->version(&major, &minor, &patch);
    library->version_number = major * 10000 + minor * 100 + patch;
    library->is_draft = library->socket_monitor_versioned != NULL;
}

static void fill(struct library *library, const struct link_map *owner)
{
    /* Pinned: the program's handles outlive a dlclose() of the plugin that made them. */
    const char *name = owner->l_name && owner->l_name[0] ? owner->l_name : NULL;
    void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (!handle)
        return;
    library->object = owner;
    library->is_complete = true;
#define X(type, name, parameters)                                                                  \
    library->name = (type(*) parameters)find_symbol(handle, "zmq_" #name);                         \
    library->is_complete = library->is_complete && library->name;
    LIBRARY_REQUIRED(X)
#undef X
#define X(type, name, parameters)                                                                  \
    library->name = (type(*) parameters)find_symbol(handle, "zmq_" #name);
    LIBRARY_OPTIONAL(X)
#undef X
    set_path(library, owner);
    set_version(library);
}

static struct library *add(const struct library *filled)
{
    struct guard guard;
    guard_lock(&guard, &lock);
    struct library *library = find_known(filled->object);
    uint32_t n = n_libraries;
    if (!library && n < LIBRARY_MAX) {
        library = &libraries[n];
        *library = *filled;
        library->index = n;
        __atomic_store_n(&n_libraries, n + 1, __ATOMIC_RELEASE);
    }
    guard_unlock(&guard, &lock);
    return library;
}

struct library *library_of_caller(const void *return_address)
{
    int error = errno;
    struct library *library = NULL;
    struct link_map *owner = object_of(find_zmq_socket(return_address));
    if (owner)
        library = find_known(owner);
    if (owner && !library) {
        struct library filled = {0};
        fill(&filled, owner);
        library = filled.socket ? add(&filled) : NULL;
    }
    dlerror(); /* what we asked in vain is not the program's error */
    errno = error;
    return library;
}

struct library *library_of_address(const void *address)
{
    int error = errno;
    struct link_map *owner = object_of(address);
    struct library *library = owner && !is_ours(owner) ? find_known(owner) : NULL;
    if (owner && !is_ours(owner) && !library) {
        struct library filled = {0};
        fill(&filled, owner);
        bool is_its_own = filled.socket && object_of((const void *)filled.socket) == owner;
        library = is_its_own ? add(&filled) : NULL;
    }
    dlerror();
    errno = error;
    return library;
}

static void (*find_given(const struct zmqtap_symbol *symbols, const char *name))(void)
{
    while (symbols->name && strcmp(symbols->name, name) != 0)
        symbols++;
    return symbols->name ? symbols->function : NULL;
}

/* The address that tells the copy apart is of its object, as everywhere; in one object there is
 * one copy. */
struct library *library_of_symbols(const struct zmqtap_symbol *symbols)
{
    struct library filled = {.is_complete = true};
#define X(type, name, parameters)                                                                  \
    filled.name = (type(*) parameters)find_given(symbols, "zmq_" #name);                           \
    filled.is_complete = filled.is_complete && filled.name;
    LIBRARY_REQUIRED(X)
#undef X
    struct link_map *owner = object_of((const void *)filled.socket);
    struct library *library = owner ? find_known(owner) : NULL;
    if (library || !owner || !filled.is_complete)
        return library;
    filled.object = owner;
    set_path(&filled, owner);
    set_version(&filled);
    return add(&filled);
}

static struct library *find_range(uintptr_t address)
{
    uint32_t n = __atomic_load_n(&n_ranges, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < n; i++) {
        if (address >= ranges[i].begin && address < ranges[i].end)
            return ranges[i].library;
    }
    return NULL;
}

struct range_search {
    uintptr_t address;
    struct caller_range range;
};

static int visit_segments(struct dl_phdr_info *info, size_t size, void *data)
{
    struct range_search *search = data;
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && search->address >= begin &&
            search->address < begin + header->p_memsz) {
            search->range.begin = begin;
            search->range.end = begin + header->p_memsz;
            return 1;
        }
    }
    return 0;
}

struct library *library_of_frequent_caller(const void *return_address)
{
    struct range_search search = {.address = (uintptr_t)return_address};
    struct library *library = find_range(search.address);
    if (library)
        return library;
    library = library_of_caller(return_address);
    if (!library || !dl_iterate_phdr(visit_segments, &search))
        return library;
    search.range.library = library;

    struct guard guard;
    guard_lock(&guard, &lock);
    if (!find_range(search.address) && n_ranges < LIBRARY_MAX_RANGES) {
        ranges[n_ranges] = search.range;
        __atomic_store_n(&n_ranges, n_ranges + 1, __ATOMIC_RELEASE);
    }
    guard_unlock(&guard, &lock);
    return library;
}

void library_forked(void)
{
    lock = LOCK_INIT;
}
