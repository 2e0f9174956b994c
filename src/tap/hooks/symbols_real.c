/* SPDX-License-Identifier: MPL-2.0 */
/* symbols_real - the next functions, for whichever library of the process asks for them first. */
#include "tap/ground/next_symbol.h"
#include "tap/hooks/symbols.h"

symbols_dlsym *symbols_real_dlsym __attribute__((visibility("hidden")));
symbols_dlvsym *symbols_real_dlvsym __attribute__((visibility("hidden")));

/* Of glibc before 2.34 in a program without libdl: it cannot be asked either. */
static void *find_nothing(void *handle, const char *name)
{
    (void)handle;
    (void)name;
    return NULL;
}

static void *find_no_version(void *handle, const char *name, const char *version)
{
    (void)version;
    return find_nothing(handle, name);
}

symbols_dlsym *symbols_resolve_dlsym(void)
{
    uintptr_t address = next_symbol_find("dlsym");
    if (!address)
        return find_nothing;
    __atomic_store_n(&symbols_real_dlsym, (symbols_dlsym *)address, __ATOMIC_RELEASE);
    return (symbols_dlsym *)address;
}

symbols_dlvsym *symbols_resolve_dlvsym(void)
{
    uintptr_t address = next_symbol_find("dlvsym");
    if (!address)
        return find_no_version;
    __atomic_store_n(&symbols_real_dlvsym, (symbols_dlvsym *)address, __ATOMIC_RELEASE);
    return (symbols_dlvsym *)address;
}
