/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_copies.h"

#include "tap/ground/libc.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define REQUIRED_TEXT(type, name, parameters) "zmq_" #name " "

struct copies copies;
static pthread_t main_thread;

void loaded_visit(loaded_work *work, void *data)
{
    copies.n_visits++;
    work(&copies.loaded, data);
}

uint32_t loaded_find(const struct loaded *self, uintptr_t address)
{
    for (uint32_t i = 0; i < self->n_objects; i++) {
        if (elf_object_spans(&self->objects[i], address))
            return i;
    }
    return LOADED_NONE;
}

bool loaded_has_interposers(const struct loaded *self)
{
    assert_ptr_equal(self, &copies.loaded);
    return copies.interposed != NULL;
}

uintptr_t loaded_find_function(const struct loaded *self, uint32_t copy, const char *name)
{
    copies.n_looked_up++;
    if (copies.interposed && strcmp(name, copies.interposed) == 0)
        return INTERPOSED;
    return elf_object_find(&self->objects[copy], name);
}

static void *ask_next(void *handle, const char *name)
{
    assert_ptr_equal(handle, RTLD_NEXT);
    assert_string_equal(name, "zmq_socket");
    copies.is_asked_in_own_thread = !pthread_equal(pthread_self(), main_thread);
    return (void *)(uintptr_t)COPIES_GLOBAL;
}

static void *open_again(const char *name, int flags)
{
    assert_int_equal(flags, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    strcpy(copies.opened, name);
    copies.n_opened++;
    if (copies.meanwhile)
        copies.meanwhile();
    return copies.open_fails ? NULL : &copies;
}

static int inform(void *handle, int request, void *argument)
{
    static struct link_map map;
    assert_ptr_equal(handle, &copies);
    assert_int_equal(request, RTLD_DI_LINKMAP);
    map = (struct link_map){.l_addr = copies.opened_base, .l_ld = (void *)copies.opened_dynamic};
    *(struct link_map **)argument = &map;
    return copies.info_fails ? -1 : 0;
}

uintptr_t loaded_find_in_libc(const char *symbol)
{
    if (strcmp(symbol, "dlsym") == 0)
        return copies.has_no_dlsym ? 0 : (uintptr_t)ask_next;
    if (strcmp(symbol, "dlopen") == 0)
        return copies.has_no_dlopen ? 0 : (uintptr_t)open_again;
    assert_string_equal(symbol, "dlinfo");
    return copies.has_no_dlinfo ? 0 : (uintptr_t)inform;
}

void loaded_forked(void) {}

bool libc_start(void)
{
    return !copies.has_no_libc;
}

uint32_t scope_find(const struct loaded *loaded, const struct scope_question *question,
                    bool *ret_must_ask)
{
    assert_ptr_equal(loaded, &copies.loaded);
    copies.question = *question;
    *ret_must_ask = copies.must_ask && !question->has_asked;
    return *ret_must_ask ? LOADED_NONE : copies.scope;
}

bool scope_is_permanent(const struct loaded *loaded, const struct elf_object *object)
{
    return copies.permanent != LOADED_NONE &&
           elf_object_is_same(&loaded->objects[copies.permanent], object);
}

static void tell_version(int *major, int *minor, int *patch)
{
    copies.n_described++;
    *major = 1;
    *minor = 2;
    *patch = 3;
}

static uint32_t append_copy(const char *name, const char *symbols)
{
    uint32_t i = objects_append(name, NULL, symbols);
    objects[i].real.name = "zmq_version";
    objects[i].real.function = (void (*)(void))tell_version;
    return i;
}

void copies_list(uint64_t n_unloaded)
{
    copies.loaded.n_unloads += n_unloaded;
    objects_list(&copies.loaded, NULL, 0);
}

void copies_unload(uint32_t object)
{
    memmove(&objects[object], &objects[object + 1], (n_objects - object - 1) * sizeof(*objects));
    n_objects--;
    copies_list(1);
}

/* What earlier cases left is not there any more, and no entry was ever followed. */
int copies_set_up(void **state)
{
    (void)state;
    uint64_t generation = copies.loaded.generation, n_unloads = copies.loaded.n_unloads;
    main_thread = pthread_self();
    memset(&copies, 0, sizeof(copies));
    copies.loaded.generation = generation;
    copies.loaded.n_unloads = n_unloads;
    copies.scope = copies.permanent = LOADED_NONE;
    memset(library_list, 0, sizeof(library_list));
    memset(library_entries, 0, sizeof(library_entries));
    library_n = 0;
    library_has_unpinned = false;
    objects_begin();
    objects_append("", NULL, "main");
    objects_append("/lib/libzmqtap.so", NULL, "zmqtap_interface " LIBRARY_REQUIRED(REQUIRED_TEXT));
    append_copy("/opt/first.so", LIBRARY_REQUIRED(REQUIRED_TEXT));
    append_copy("/opt/second.so",
                "zmq_more " LIBRARY_REQUIRED(REQUIRED_TEXT) LIBRARY_OPTIONAL(REQUIRED_TEXT));
    append_copy("/opt/partial.so", "zmq_version zmq_socket zmq_send");
    copies.loaded.own = TAP;
    copies_list(0);
    return 0;
}

const void *copies_address(uint32_t object)
{
    return (const void *)(objects[object].begin + 0x1000);
}

struct library *copies_follow(uint32_t object)
{
    copies.scope = object;
    return library_of_caller(copies_address(PROGRAM));
}
