/* SPDX-License-Identifier: MPL-2.0 */
/*
 * elf_object - read a loaded object's own tables: its symbols, its name, what it needs.
 *
 * The dynamic linker's functions take a lock that a constructor may hold for as long as it likes,
 * and crash on objects that dlopen() has not returned. The tables of an object are there for
 * everybody: they are read where they lie, each access checked against the object's segments.
 *
 * Thread:  any, while the object stays loaded: in a callback of dl_iterate_phdr().
 * Blocks:  no; no allocation, errno untouched. Calls no function at all, of libc's neither: it runs
 *          in programs whose sanitizer has not begun.
 */
#ifndef TAP_ELF_OBJECT_H
#define TAP_ELF_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_object {
    const char *name; /* of its file as the dynamic linker has it; "": the program itself */
    const ElfW(Phdr) * headers;
    size_t n_headers;
    uintptr_t base;       /* what its addresses are relative to */
    uintptr_t begin, end; /* all its segments, and what is between */
    uintptr_t dynamic;    /* 0: it has no tables */
};

struct elf_object elf_object_of(const struct dl_phdr_info *info);

/* The same from the linker's own list, which does not say where segments end: its tables are
 * believed. Not for the program itself. */
struct elf_object elf_object_of_map(const struct link_map *map);

/* Whether both have the same addresses. */
bool elf_object_is_same(const struct elf_object *a, const struct elf_object *b);

static inline bool elf_object_spans(const struct elf_object *self, uintptr_t address)
{
    return address >= self->begin && address < self->end;
}

/* The address of a function or variable that it defines for others; of several versions the
 * default one. 0 if there is none. */
uintptr_t elf_object_find(const struct elf_object *self, const char *symbol);

/* Its DT_SONAME, or NULL. */
const char *elf_object_soname(const struct elf_object *self);

/* The name of its i-th DT_NEEDED, NULL after the last. */
const char *elf_object_needed(const struct elf_object *self, size_t i);

#endif
