/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: entries are written inside loaded_visit() alone, and read by whoever was given
 * them. Whenever the list of loaded objects is a new one, each entry is looked for in it: what is
 * not there any more is free for another copy, and where something was unloaded the functions of
 * those that are not pinned are looked up anew, for a new object can lie where an old one lay.
 */
#include "tap/ground/library_entries.h"

#include "tap/ground/guard.h"
#include "tap/ground/libc.h"
#include "tap/ground/scope.h"
#include "tap/zmqtap.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

_Thread_local const struct library *library_inside;
struct library library_list[LIBRARY_MAX];
struct library_entry library_entries[LIBRARY_MAX];
uint32_t library_n;
static uint64_t generation, n_unloads; /* of the list when they were looked through */
bool library_has_unpinned;

static const struct library_function functions[] = {
#define X(type, name, parameters) {"zmq_" #name, offsetof(struct library, name)},
    LIBRARY_REQUIRED(X)
#undef X
};
static const struct library_function optional_functions[] = {
#define X(type, name, parameters) {"zmq_" #name, offsetof(struct library, name)},
    LIBRARY_OPTIONAL(X)
#undef X
};
#define N_FUNCTIONS          (sizeof(functions) / sizeof(functions[0]))
#define N_OPTIONAL_FUNCTIONS (sizeof(optional_functions) / sizeof(optional_functions[0]))

static library_any_function *place_of(const struct library *library,
                                      const struct library_function *function)
{
    return (library_any_function *)((uintptr_t)library + function->offset);
}

static library_any_function function_of(const struct library *library,
                                        const struct library_function *function)
{
    return __atomic_load_n(place_of(library, function), __ATOMIC_RELAXED);
}

static library_any_function look_up(struct library *library, const struct loaded *loaded,
                                    const struct library_function *function)
{
    library_any_function found = (library_any_function)loaded_find_function(
        loaded, library_entries[library - library_list].place, function->name);
    __atomic_store_n(place_of(library, function), found, __ATOMIC_RELAXED);
    return found;
}

/* Whether what was known of it is still true. */
static bool look_up_again(const struct loaded *loaded, uint32_t i,
                          const struct library_function *list, size_t n)
{
    bool is_same = true;
    for (size_t at = 0; at < n; at++) {
        library_any_function known = function_of(&library_list[i], &list[at]);
        if (known && known != look_up(&library_list[i], loaded, &list[at]))
            is_same = false;
    }
    return is_same;
}

static bool is_unchanged(const struct loaded *loaded, uint32_t i)
{
    bool is_same = look_up_again(loaded, i, functions, N_FUNCTIONS);
    return look_up_again(loaded, i, optional_functions, N_OPTIONAL_FUNCTIONS) && is_same;
}

static void set_range(struct library *library, uintptr_t begin, uintptr_t end)
{
    __atomic_store_n(&library->begin, begin, __ATOMIC_RELEASE);
    __atomic_store_n(&library->end, end, __ATOMIC_RELEASE);
}

static bool is_listed(const struct loaded *loaded, struct library_entry *entry)
{
    for (uint32_t i = 0; i < loaded->n_objects; i++) {
        if (elf_object_is_same(&loaded->objects[i], &entry->object)) {
            entry->object = loaded->objects[i]; /* its name may lie elsewhere */
            entry->place = i;
            return true;
        }
    }
    return false;
}

void library_look_through(const struct loaded *loaded)
{
    if (generation == loaded->generation)
        return;
    for (uint32_t i = 0; i < library_n; i++) {
        struct library_entry *entry = &library_entries[i];
        if (library_list[i].end == 0)
            continue;
        bool is_sure = n_unloads == loaded->n_unloads || entry->is_pinned || entry->is_given;
        bool is_there = is_listed(loaded, entry);
        if (!is_there || (!is_sure && !is_unchanged(loaded, i) && entry->is_followed))
            set_range(&library_list[i], 0, 0);
    }
    generation = loaded->generation;
    n_unloads = loaded->n_unloads;
    library_set_direct(loaded);
}

static struct library *find_entry(const struct elf_object *object)
{
    for (uint32_t i = 0; i < library_n; i++) {
        if (library_list[i].end != 0 && elf_object_is_same(&library_entries[i].object, object))
            return &library_list[i];
    }
    return NULL;
}

/* The entry of a copy, a new one if need be; NULL if there are too many. */
static struct library *take_entry(const struct loaded *loaded, uint32_t place)
{
    const struct elf_object *object = &loaded->objects[place];
    struct library *library = find_entry(object);
    uint32_t i = 0;
    if (library)
        return library;
    while (i < library_n && (library_list[i].end != 0 || library_entries[i].is_followed))
        i++;
    if (i == LIBRARY_MAX)
        return NULL;
    library = &library_list[i];
    for (size_t at = 0; at < N_FUNCTIONS; at++)
        __atomic_store_n(place_of(library, &functions[at]), NULL, __ATOMIC_RELAXED);
    for (size_t at = 0; at < N_OPTIONAL_FUNCTIONS; at++)
        __atomic_store_n(place_of(library, &optional_functions[at]), NULL, __ATOMIC_RELAXED);
    memset(library->path, 0, sizeof(library->path));
    library->index = i;
    library->version_number = 0;
    library->own = NULL;
    library->is_draft = library->is_complete = false;
    library_entries[i] = (struct library_entry){.object = *object, .place = place};
    set_range(library, object->begin, object->end);
    if (i == library_n)
        __atomic_store_n(&library_n, library_n + 1, __ATOMIC_RELEASE);
    return library;
}

static void set_path(struct library *library)
{
    const char *name = library_entries[library->index].object.name;
    if (name[0])
        strncpy(library->path, name, sizeof(library->path) - 1);
    else if (readlink("/proc/self/exe", library->path, sizeof(library->path) - 1) < 0)
        library->path[0] = '\0';
}

/* All that is known of a copy that is followed. */
static void describe(struct library *library)
{
    int major = 0, minor = 0, patch = 0;
    library_entries[library->index].is_followed = true;
    __atomic_store_n(&library_has_unpinned, true, __ATOMIC_RELEASE);
    library->version(&major, &minor, &patch);
    library->version_number = major * 10000 + minor * 100 + patch;
    library->is_draft = library->socket_monitor_versioned != NULL;
    set_path(library);
    __atomic_store_n(&library->is_complete, true, __ATOMIC_RELEASE);
}

/* Without interposers. */
static void set_own(struct library *library, const struct elf_object *object)
{
    static struct library own[LIBRARY_MAX];
    struct library *direct = &own[library->index];
    *direct = *library;
    for (size_t i = 0; i < N_FUNCTIONS; i++) {
        uintptr_t found = elf_object_find(object, functions[i].name);
        if (found)
            *place_of(direct, &functions[i]) = (library_any_function)found;
    }
    library->own = direct;
}

static void fill(struct library *library, const struct loaded *loaded)
{
    bool has_all = true;
    if (library->is_complete)
        return;
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        has_all = look_up(library, loaded, &functions[i]) && has_all;
    for (size_t i = 0; i < N_OPTIONAL_FUNCTIONS; i++)
        look_up(library, loaded, &optional_functions[i]);
    if (!has_all)
        return;
    describe(library);
    set_own(library, &library_entries[library->index].object);
}

struct search {
    struct scope_question question;
    const struct library_function *function; /* the one that is needed; NULL: all */
    bool must_ask;
    library_any_function found;
    struct library *library;
};

/* The copy that this thread's last call was passed on to. It can come back through another hook,
 * with the tap as its caller: a build with drafts makes zmq_ctx_set a jump to zmq_ctx_set_ext. */
static _Thread_local uintptr_t passed_to;

static bool is_from_tap(const struct loaded *loaded, uintptr_t caller)
{
    return loaded->own != LOADED_NONE && elf_object_spans(&loaded->objects[loaded->own], caller);
}

static void search_list(const struct loaded *loaded, void *data)
{
    struct search *search = data;
    library_look_through(loaded);
    if (!search->question.inside && is_from_tap(loaded, search->question.caller))
        search->question.inside = passed_to;
    uint32_t i = scope_find(loaded, &search->question, &search->must_ask);
    if (i == LOADED_NONE)
        return;
    const struct elf_object *object = &loaded->objects[i];
    passed_to = object->begin;
    search->library = take_entry(loaded, i);
    if (!search->function && search->library) {
        fill(search->library, loaded);
    } else if (search->function) {
        search->found = search->library ? function_of(search->library, search->function) : NULL;
        if (!search->found && search->library)
            search->found = look_up(search->library, loaded, search->function);
        else if (!search->found)
            search->found = (library_any_function)loaded_find_function(loaded, i,
                                                                       search->function->name);
    }
    if (library_direct.size == 0)
        library_set_direct(loaded);
}

static void *ask_for_socket(void *data)
{
    struct scope_question *question = data;
    void *(*find)(void *,
                  const char *) = (void *(*)(void *, const char *))loaded_find_in_libc("dlsym");
    question->global = find ? (uintptr_t)find(RTLD_NEXT, "zmq_socket") : 0;
    return NULL;
}

/* Of several copies one may have been opened RTLD_GLOBAL, which is written nowhere. dlsym() forgets
 * the error that its thread has not read yet: another thread has none. */
static void ask_linker(struct scope_question *question)
{
    struct guard guard;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    guard_disable_cancel(&guard);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (libc_start() && pthread_create(&thread, NULL, ask_for_socket, question) == 0)
        pthread_join(thread, NULL);
    else
        ask_for_socket(question);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    guard_restore_cancel(&guard);
    question->has_asked = true;
}

static void search_for(struct search *search)
{
    int error = errno;
    loaded_visit(search_list, search);
    if (search->must_ask) {
        ask_linker(&search->question);
        loaded_visit(search_list, search);
    }
    errno = error;
}

struct library *library_of_caller(const void *return_address)
{
    struct search search = {.question = {.caller = (uintptr_t)return_address}};
    search_for(&search);
    return search.library && search.library->is_complete ? search.library : NULL;
}

library_any_function library_find_function(const struct library *inside, const void *return_address,
                                           const struct library_function *function)
{
    struct search search = {
        .question = {.caller = (uintptr_t)return_address, .inside = inside ? inside->begin : 0},
        .function = function,
    };
    search_for(&search);
    return search.found;
}

static uintptr_t first_word(const void *handle)
{
    uintptr_t word = 0;
    if (handle)
        memcpy(&word, handle, sizeof(word));
    return word;
}

static struct library *find_around(uintptr_t address)
{
    uint32_t n = __atomic_load_n(&library_n, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < n; i++) {
        if (address >= __atomic_load_n(&library_list[i].begin, __ATOMIC_ACQUIRE) &&
            address < __atomic_load_n(&library_list[i].end, __ATOMIC_ACQUIRE))
            return &library_list[i];
    }
    return NULL;
}

static __attribute__((noinline)) library_any_function
search_socket(uintptr_t word, const void *return_address, const struct library_function *function)
{
    struct search search = {
        .question = {.caller = (uintptr_t)return_address, .inside = word},
        .function = function,
    };
    search_for(&search);
    return search.found;
}

/* With a tap that is off, each send and receive comes here. */
library_any_function library_find_function_of_socket(const void *handle, const void *return_address,
                                                     const struct library_function *function)
{
    uintptr_t word = first_word(handle);
    const struct library *library = find_around(word);
    library_any_function found = library ? function_of(library, function) : NULL;
    return found ? found : search_socket(word, return_address, function);
}

struct library *library_of_handle(const void *handle)
{
    return find_around(first_word(handle));
}

struct address_search {
    uintptr_t address;
    struct library *library;
};

static void search_address(const struct loaded *loaded, void *data)
{
    struct address_search *search = data;
    library_look_through(loaded);
    uint32_t i = loaded_find(loaded, search->address);
    if (i == LOADED_NONE || i == loaded->own || !elf_object_find(&loaded->objects[i], "zmq_socket"))
        return;
    search->library = take_entry(loaded, i);
    if (search->library)
        fill(search->library, loaded);
}

struct library *library_of_address(const void *address)
{
    struct address_search search = {.address = (uintptr_t)address};
    loaded_visit(search_address, &search);
    return search.library;
}

struct function_search {
    uintptr_t address;
    const char *name;
    struct library *library;
};

static void search_function(const struct loaded *loaded, void *data)
{
    struct function_search *search = data;
    library_look_through(loaded);
    uint32_t i = loaded_find(loaded, search->address);
    if (i == LOADED_NONE || i == loaded->own || loaded_has_interposers(loaded))
        return;
    const struct elf_object *object = &loaded->objects[i];
    bool is_libzmq = elf_object_find(object, "zmq_socket") &&
                     elf_object_find(object, "zmq_version");
    if (is_libzmq && !elf_object_find(object, "zmqtap_interface") &&
        elf_object_find(object, search->name) == search->address)
        search->library = take_entry(loaded, i);
}

struct library *library_of_function(const void *address, const char *name)
{
    struct function_search search = {.address = (uintptr_t)address, .name = name};
    loaded_visit(search_function, &search);
    return search.library;
}

struct symbols_search {
    const struct zmqtap_symbol *symbols;
    struct library *library;
};

static library_any_function find_given(const struct zmqtap_symbol *symbols, const char *name)
{
    while (symbols->name && strcmp(symbols->name, name) != 0)
        symbols++;
    return symbols->name ? symbols->function : NULL;
}

/* The object of the functions tells the copy apart, as everywhere; in one object there is one. */
static void search_symbols(const struct loaded *loaded, void *data)
{
    struct symbols_search *search = data;
    library_look_through(loaded);
    uint32_t i = loaded_find(loaded, (uintptr_t)find_given(search->symbols, "zmq_socket"));
    struct library *library = i == LOADED_NONE ? NULL : find_entry(&loaded->objects[i]);
    search->library = library;
    bool has_all = i != LOADED_NONE;
    for (size_t at = 0; at < N_FUNCTIONS; at++)
        has_all = has_all && find_given(search->symbols, functions[at].name);
    if (!has_all || (library && library->is_complete))
        return;
    library = take_entry(loaded, i);
    if (!library)
        return;
    for (size_t at = 0; at < N_FUNCTIONS; at++)
        *place_of(library, &functions[at]) = find_given(search->symbols, functions[at].name);
    library_entries[library->index].is_given = true;
    describe(library);
    search->library = library;
}

struct library *library_of_symbols(const struct zmqtap_symbol *symbols)
{
    struct symbols_search search = {.symbols = symbols};
    loaded_visit(search_symbols, &search);
    return search.library;
}

void library_forked(void)
{
    loaded_forked();
    library_pin_forked();
}
