/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: libzmq calls rand() when it makes a ROUTER, a REQ, a REP or a STREAM socket. This one
 * gives the tap's own sockets numbers that are not the program's; to everybody else it is the
 * next function of that name.
 */
#include "tap/ground/loaded.h"
#include "tap/ground/own_work.h"

#include <stdlib.h>

static int (*real_rand)(void);

static void find_behind(const struct loaded *loaded, void *data)
{
    uintptr_t *address = data;
    uint32_t first = loaded->own == LOADED_NONE ? 0 : loaded->own + 1;
    for (uint32_t i = first; i < loaded->n_startup && !*address; i++)
        *address = elf_object_find(&loaded->objects[i], "rand");
    for (uint32_t i = 0; i < loaded->n_objects && !*address; i++) {
        if (i != loaded->own && elf_object_find(&loaded->objects[i], "__libc_start_main"))
            *address = elf_object_find(&loaded->objects[i], "rand");
    }
}

static int random_instead(void)
{
    return (int)random(); /* in glibc the same sequence */
}

static int (*find_rand(void))(void)
{
    uintptr_t address = 0;
    loaded_visit(find_behind, &address);
    int (*function)(void) = address ? (int (*)(void))address : random_instead;
    __atomic_store_n(&real_rand, function, __ATOMIC_RELAXED);
    return function;
}

/* None comes twice in 2^31 calls: an odd step, of the golden ratio. */
static int own_number(void)
{
    static uint32_t state;
    uint32_t x = __atomic_add_fetch(&state, UINT32_C(0x9e3779b9), __ATOMIC_RELAXED);
    return (int)(x & RAND_MAX);
}

__attribute__((visibility("default"))) int rand(void)
{
    if (own_work_depth > 0)
        return own_number();
    int (*function)(void) = __atomic_load_n(&real_rand, __ATOMIC_RELAXED);
    return function ? function() : find_rand()();
}
