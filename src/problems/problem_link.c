/* SPDX-License-Identifier: MPL-2.0 */
#include "problems/problem_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* `host` without its port, `size` bytes. */
static bool is_this_host(const char *host, size_t size)
{
    static const char *const names[] = {"*", "0.0.0.0", "localhost", "[::]", "[::1]", "::", "::1"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (size == strlen(names[i]) && memcmp(host, names[i], size) == 0)
            return true;
    }
    return size > 4 && memcmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= size;
}

static void tcp_link(const char *place, char *ret_link, size_t size)
{
    const char *source = strchr(place, ';'); /* tcp://SOURCE;HOST:PORT */
    const char *host = source ? source + 1 : place;
    const char *colon = strrchr(host, ':');
    if (!colon || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strcmp(colon + 1, "0") == 0)
        return;
    size_t host_size = (size_t)(colon - host);
    if (is_this_host(host, host_size))
        (void)snprintf(ret_link, size, "tcp%s", colon);
    else
        (void)snprintf(ret_link, size, "tcp://%s", host);
}

void problem_link_of(const char *address, uint64_t pid, char *ret_link, size_t size)
{
    *ret_link = '\0';
    if (begins(address, "tcp://"))
        tcp_link(address + 6, ret_link, size);
    else if (begins(address, "inproc://"))
        (void)snprintf(ret_link, size, "%" PRIu64 " %s", pid, address);
    else if (begins(address, "ipc://") && strcmp(address, "ipc://*") != 0)
        (void)snprintf(ret_link, size, "%s", address);
}

bool problem_link_is_local(const char *link)
{
    return (begins(link, "tcp:") && !begins(link, "tcp://")) || begins(link, "ipc://@");
}
