/* SPDX-License-Identifier: MPL-2.0 */
/*
 * slow_names - preloaded, a resolver whose name server is dead for *.slow.test: such a lookup does
 * not come back. live.test is 127.0.0.1; all else is as it was.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* Not declared again: <netdb.h> has it. */
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    static const char slow[] = ".slow.test";
    lookup *real;
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &found, sizeof(real));
    size_t size = name ? strlen(name) : 0;
    if (size >= sizeof(slow) && strcmp(name + size - (sizeof(slow) - 1), slow) == 0) {
        for (;;)
            pause();
    }
    return real(name && strcmp(name, "live.test") == 0 ? "127.0.0.1" : name, service, hints,
                result);
}
