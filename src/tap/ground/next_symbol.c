/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: what came with the program stands at the head of the linker's list, in the order in which
 * it is searched, and is never unloaded: so the list may be walked that far without a lock, in the
 * dynamic linker's own words (_r_debug, which debuggers use). What came later, as libdl of glibc
 * before 2.34 may, or has no such list, is looked for with the lock of dl_iterate_phdr().
 */
#include "tap/ground/next_symbol.h"

#include "tap/ground/loaded.h"

#include <link.h>

extern struct r_debug _r_debug __attribute__((weak));

static uintptr_t find_in_list(const struct link_map *map, const char *symbol)
{
    while (map && map->l_ld != _DYNAMIC)
        map = map->l_next;
    for (map = map ? map->l_next : NULL; map; map = map->l_next) {
        struct elf_object object = elf_object_of_map(map);
        uintptr_t address = elf_object_find(&object, symbol);
        if (address)
            return address;
    }
    return 0;
}

struct search {
    const char *symbol;
    uintptr_t address;
};

static void search_loaded(const struct loaded *loaded, void *data)
{
    struct search *search = data;
    uint32_t own = loaded->own == LOADED_NONE ? 0 : loaded->own;
    for (uint32_t i = 1; i < loaded->n_objects && !search->address; i++) {
        const struct elf_object *object = &loaded->objects[(own + i) % loaded->n_objects];
        search->address = elf_object_find(object, search->symbol);
    }
}

uintptr_t next_symbol_find(const char *symbol)
{
    struct search search = {.symbol = symbol};
    if (&_r_debug)
        search.address = find_in_list(_r_debug.r_map, symbol);
    if (!search.address)
        loaded_visit(search_loaded, &search);
    return search.address;
}
