/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: the real dlsym() looks at its return address, for RTLD_NEXT and RTLD_DEFAULT, and other
 * libraries that interpose it may for more. So the exported functions are written in assembly
 * and jump: a name that is not libzmq's, and these two handles, reach the next function as if the
 * tap were not there. What is left is asked for here, once, with the program's own arguments, so
 * that dlerror() has what it would have.
 *
 * Which copy of libzmq it is says the address that came back: it must be the function of that name
 * of a copy in the tap's own namespace; what dlmopen() loaded is not. Where a library stands before
 * libzmq's functions behind the tap, which may ask dlsym() itself to call on, nothing is replaced:
 * what it gets must not lead back to it.
 */
#include "tap/hooks/symbols.h"

#include "tap/tap.h"

#include <stdlib.h>
#include <string.h>

/* Once for all functions: a socket that one of them makes is used by the others. */
static bool is_enabled(void)
{
    static int answer; /* 0: not yet known */
    int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);
    if (known == 0) {
        const char *wish = secure_getenv("ZMQ_EXPORTER_TAP_DLSYM");
        known = tap_is_enabled() && !(wish && strcmp(wish, "off") == 0) ? 1 : -1;
        __atomic_store_n(&answer, known, __ATOMIC_RELAXED);
    }
    return known > 0;
}

static void *replace_function(const char *name, void *found)
{
    if (!found || !is_enabled())
        return found;
    const struct library *library = library_of_function(found, name);
    void *given = library ? symbols_given(library->index, name, found) : NULL;
    return given ? given : found;
}

void *symbols_find(void *handle, const char *name)
{
    symbols_dlsym *real = __atomic_load_n(&symbols_real_dlsym, __ATOMIC_ACQUIRE);
    return replace_function(name, (real ? real : symbols_resolve_dlsym())(handle, name));
}

void *symbols_find_version(void *handle, const char *name, const char *version)
{
    symbols_dlvsym *real = __atomic_load_n(&symbols_real_dlvsym, __ATOMIC_ACQUIRE);
    return replace_function(name, (real ? real : symbols_resolve_dlvsym())(handle, name, version));
}
