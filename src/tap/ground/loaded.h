/* SPDX-License-Identifier: MPL-2.0 */
/*
 * loaded - the objects that the process has loaded, in the dynamic linker's order.
 *
 * The list is read again only when the linker has loaded or unloaded something since, and holds
 * while it is visited: nothing comes or goes then. It is large, and so there is one.
 *
 * Thread:  any. A visit holds what dl_iterate_phdr() holds, and a lock of its own: `work` calls
 *          nothing that may wait. No constructor of the program runs with either.
 * Limits:  LOADED_MAX_OBJECTS; what is beyond is not there.
 */
#ifndef TAP_LOADED_H
#define TAP_LOADED_H

#include "tap/ground/elf_object.h"

#define LOADED_MAX_OBJECTS    4096u
#define LOADED_MAX_CANDIDATES 32u
#define LOADED_NONE           UINT32_MAX

struct loaded {
    uint64_t generation;         /* of the list: 1 for the first, one more each time it is read */
    uint64_t n_loads, n_unloads; /* by the linker so far */
    uint32_t n_objects;
    uint32_t n_startup; /* the first ones, loaded before the program ran: never unloaded */
    uint32_t own;       /* the tap */
    struct elf_object objects[LOADED_MAX_OBJECTS];
    /* Those that define zmq_socket. A call that came to the tap could have gone without it to one
     * that comes after the tap; these are the first `n_behind`. */
    uint32_t candidates[LOADED_MAX_CANDIDATES];
    uint32_t n_candidates, n_behind;
};

/* Calls `work` once. Keeps errno. */
typedef void loaded_work(const struct loaded *loaded, void *data);
void loaded_visit(loaded_work *work, void *data);

/* The object that an address lies in, or LOADED_NONE. */
uint32_t loaded_find(const struct loaded *self, uintptr_t address);

/* The address of a function of a copy of libzmq, the object `copy`, as a caller of it is bound: a
 * library that came with the program and defines functions of libzmq's names, to interpose
 * them, has its turn. */
uintptr_t loaded_find_function(const struct loaded *self, uint32_t copy, const char *name);

/* Whether there are any of these. */
bool loaded_has_interposers(const struct loaded *self);

/* The address of what the C library defines, or 0: its libpthread and libdl of older days too, if
 * they are loaded. */
uintptr_t loaded_find_in_libc(const char *symbol);

/* Around a fork, in the parent. Waits for the visits of other threads, a second at most. */
void loaded_begin_fork(void);
void loaded_end_fork(void);

/* In a forked child: the lock may have been held by a thread that is not here. */
void loaded_forked(void);

#endif
