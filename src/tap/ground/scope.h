/* SPDX-License-Identifier: MPL-2.0 */
/*
 * scope - which copy of libzmq a call belongs to.
 *
 * Where there is one, it is that one, whoever calls. Where there are several, it is the one that
 * made the socket, and without a socket the one that the dynamic linker would have bound the
 * caller to without the tap: the first in the global scope (the program, what it needs, what is
 * preloaded, what was opened RTLD_GLOBAL), then the first in what was opened with the caller, level
 * by level, then any.
 *
 * Thread:  inside loaded_visit().
 */
#ifndef TAP_SCOPE_H
#define TAP_SCOPE_H

#include "tap/ground/loaded.h"

struct scope_question {
    uintptr_t caller; /* return address of the call */
    uintptr_t inside; /* an address in the copy that made the socket; 0: no socket */
    uintptr_t global; /* what the linker says is in the global scope behind the tap; 0: nothing */
    bool has_asked;   /* the linker */
};

/* An object's index, LOADED_NONE if there is none. Where `ret_must_ask`, the question cannot be
 * answered without the linker, who is asked outside of the visit: dlsym(RTLD_NEXT). */
uint32_t scope_find(const struct loaded *loaded, const struct scope_question *question,
                    bool *ret_must_ask);

/* Whether the program itself needs the object, so that it is never unloaded. */
bool scope_is_permanent(const struct loaded *loaded, const struct elf_object *object);

#endif
