/* SPDX-License-Identifier: MPL-2.0 */
/* dlsym_wrapper - is preloaded and stands before dlsym(), too; says how often libzmq was asked for.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int n_asked;

static void *(*find_real(void))(void *, const char *)
{
    static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5"};
    static void *(*real)(void *, const char *);
    for (size_t i = 0; !real && i < sizeof versions / sizeof *versions; i++)
        *(void **)&real = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
    return real;
}

__attribute__((visibility("default"))) void *dlsym(void *handle, const char *name)
{
    n_asked += strncmp(name, "zmq_", 4) == 0;
    return find_real()(handle, name);
}

__attribute__((destructor)) static void end(void)
{
    printf("%d asked\n", n_asked);
}
