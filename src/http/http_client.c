/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_client.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

uint64_t http_client_of(const void *address)
{
    struct sockaddr_storage name;
    uint64_t client = 0;
    if (!address)
        return 0;
    memcpy(&name.ss_family, (const char *)address + offsetof(struct sockaddr, sa_family),
           sizeof(name.ss_family));
    if (name.ss_family == AF_INET)
        memcpy(&client, (const char *)address + offsetof(struct sockaddr_in, sin_addr), 4);
    if (name.ss_family != AF_INET6)
        return client;
    struct in6_addr wide;
    memcpy(&wide, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), sizeof(wide));
    memcpy(&client, wide.s6_addr + (IN6_IS_ADDR_V4MAPPED(&wide) ? 8 : 0), 8);
    return client;
}
