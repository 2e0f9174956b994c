/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/policy/policy_facts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *scheme;
    enum policy_transport transport;
} schemes[] = {
    {"tcp", POLICY_TCP},    {"ws", POLICY_TCP},    {"wss", POLICY_TCP},
    {"tipc", POLICY_TCP},   {"vsock", POLICY_TCP}, {"vmci", POLICY_TCP},
    {"udp", POLICY_CROWD},  {"pgm", POLICY_CROWD}, {"epgm", POLICY_CROWD},
    {"norm", POLICY_CROWD}, {"ipc", POLICY_IPC},   {"inproc", POLICY_INPROC},
};

static enum policy_transport transport_of(const char *endpoint, const char **ret_rest)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t n = strlen(schemes[i].scheme);
        if (strncmp(endpoint, schemes[i].scheme, n) == 0 && strncmp(endpoint + n, "://", 3) == 0) {
            *ret_rest = endpoint + n + 3;
            return schemes[i].transport;
        }
    }
    return POLICY_NOWHERE;
}

/* The host in "eth0;127.0.0.1:5556", "[::1]:5556" or "*:*", without its brackets. */
static void host_of(const char *rest, char ret_host[static 256])
{
    const char *source = strchr(rest, ';');
    const char *at = source ? source + 1 : rest;
    const char *end = strrchr(at, ':');
    size_t n = end ? (size_t)(end - at) : strlen(at);
    if (n >= 2 && at[0] == '[' && at[n - 1] == ']') {
        at++;
        n -= 2;
    }
    (void)snprintf(ret_host, 256, "%.*s", (int)(n < 255 ? n : 255), at);
}

static enum policy_reach reach_of(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0)
        return POLICY_WILDCARD;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "lo") == 0)
        return POLICY_WITHIN;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127 ? POLICY_WITHIN : POLICY_BEYOND;
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return POLICY_BEYOND; /* a name, or an interface */
    if (IN6_IS_ADDR_UNSPECIFIED(&v6))
        return POLICY_WILDCARD;
    bool is_mapped_loopback = IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6) || is_mapped_loopback ? POLICY_WITHIN : POLICY_BEYOND;
}

struct policy_place policy_place_of(const char *endpoint)
{
    const char *rest = "";
    char host[256];
    struct policy_place place = {.transport = transport_of(endpoint, &rest)};
    if (place.transport != POLICY_TCP && place.transport != POLICY_CROWD)
        return place;
    host_of(rest, host);
    place.reach = reach_of(host);
    return place;
}
