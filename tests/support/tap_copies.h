/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_copies - what library*.c have around them, played: the list of objects with several copies of
 * libzmq, which of them is the caller's, and the linker. With tap_objects.
 */
#ifndef TESTS_SUPPORT_TAP_COPIES_H
#define TESTS_SUPPORT_TAP_COPIES_H

#include "support/cmocka.h"
#include "support/tap_objects.h"
#include "tap/ground/library_entries.h"
#include "tap/ground/scope.h"

/* Where the objects are. PARTIAL lacks zmq_device, SECOND has drafts. */
enum place { PROGRAM, TAP, FIRST, SECOND, PARTIAL };

#define COPIES_GLOBAL 77u                  /* what the linker says */
#define INTERPOSED    ((uintptr_t)0xabcde) /* a function that stands before those of a copy */

extern struct copies {
    struct loaded loaded;
    uint32_t scope;                 /* the caller's copy, or LOADED_NONE */
    bool must_ask;                  /* the linker, before that is known */
    struct scope_question question; /* the last one */
    const char *interposed;         /* a function's name */
    unsigned n_visits, n_looked_up, n_described;
    bool has_no_dlsym, has_no_libc;
    bool is_asked_in_own_thread;
    uint32_t permanent;      /* an object, or LOADED_NONE */
    void (*meanwhile)(void); /* when the linker is asked to keep one */
    bool has_no_dlopen, has_no_dlinfo, open_fails, info_fails;
    uintptr_t opened_base, opened_dynamic;
    char opened[100];
    unsigned n_opened;
} copies;

int copies_set_up(void **state);

/* The linker's list is another one, after so many were unloaded. */
void copies_list(uint64_t n_unloaded);
void copies_unload(uint32_t object);

const void *copies_address(uint32_t object);
struct library *copies_follow(uint32_t object);

#endif
