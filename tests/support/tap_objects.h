/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_objects - the objects that a process has loaded, played: stands for elf_object.c.
 *
 * An object's symbols are words of one text; their addresses lie in the object, in this order, 16
 * bytes apart, the first 16 behind its begin. One that has an address of its own is in `real`.
 */
#ifndef TESTS_SUPPORT_TAP_OBJECTS_H
#define TESTS_SUPPORT_TAP_OBJECTS_H

#include "tap/ground/elf_object.h"
#include "tap/ground/loaded.h"

#define OBJECTS_MAX  40
#define OBJECTS_SIZE UINT64_C(0x100000)
#define OBJECTS_GAP  UINT64_C(0x1000) /* at the end of each, which is in no segment */

struct object {
    const char *name, *soname, *symbols;
    const char *needed[4];
    size_t n_first; /* how often the first of these is told, if not once */
    struct {
        const char *name;
        void (*function)(void);
    } real;
    ElfW(Phdr) header;
    uintptr_t begin, end;
};
extern struct object objects[OBJECTS_MAX];
extern uint32_t n_objects;

/* None. */
void objects_begin(void);

/* Appends one; returns its place. `needs` are up to four words. */
uint32_t objects_append(const char *name, const char *soname, const char *symbols);
void objects_move(uint32_t object, uintptr_t begin);
void objects_need(uint32_t object, const char *needed);

struct elf_object objects_elf_of(uint32_t object);
uintptr_t objects_address(uint32_t object, const char *symbol);

/* The list as loaded.h has it, of these. `n_behind` candidates are given. */
void objects_list(struct loaded *loaded, const uint32_t *candidates, uint32_t n_behind);

#endif
