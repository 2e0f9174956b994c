/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/exporter_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRESET_PORT "10556"

static int malformed(struct error *err, const char *text)
{
    return error_set(err, -EINVAL, "--url: '%s' is not http://HOST:PORT or https://HOST:PORT",
                     text);
}

/* Takes the scheme off the front. */
static bool take_scheme(const char **at, bool *ret_has_tls)
{
    const char *end = strstr(*at, "://");
    *ret_has_tls = strncmp(*at, "https://", 8) == 0;
    if (!end)
        return true;
    if (!*ret_has_tls && strncmp(*at, "http://", 7) != 0)
        return false;
    *at = end + 3;
    return true;
}

static bool take_port(const char *text, size_t size, char ret_port[static 16])
{
    char *end;
    (void)snprintf(ret_port, 16, "%.*s", size < 16 ? (int)size : 15, text);
    unsigned long port = strtoul(ret_port, &end, 10);
    return size < 16 && *ret_port >= '0' && *ret_port <= '9' && !*end && port > 0 && port < 65536;
}

/* `size` bytes: "host:port", "[::1]:port", with or without the port. */
static bool take_authority(const char *at, size_t size, struct exporter_url *url)
{
    const char *colon = memrchr(at, ':', size), *bracket = memchr(at, ']', size);
    if (colon && bracket && colon < bracket)
        colon = NULL;
    size_t host_size = colon ? (size_t)(colon - at) : size;
    bool has_brackets = host_size > 2 && *at == '[' && at[host_size - 1] == ']';
    if (host_size == 0 || host_size >= sizeof(url->host) ||
        (!has_brackets && memchr(at, ':', host_size)))
        return false;
    (void)snprintf(url->host, sizeof(url->host), "%.*s", (int)(host_size - 2 * has_brackets),
                   at + has_brackets);
    if (!colon)
        return take_port(PRESET_PORT, strlen(PRESET_PORT), url->port);
    return take_port(colon + 1, (size_t)(at + size - colon - 1), url->port);
}

int exporter_url_parse(const char *text, struct exporter_url *ret_url, struct error *err)
{
    struct exporter_url url = {0};
    const char *at = text;
    if (text[strcspn(text, " \t\r\n")] || !take_scheme(&at, &url.has_tls))
        return malformed(err, text);
    size_t n = strcspn(at, "/?#");
    if (memchr(at, '@', n))
        return error_set(err, -EINVAL,
                         "--url: a password on the command line is seen by every user; use "
                         "--url.username and --url.password-file");
    if (!take_authority(at, n, &url))
        return malformed(err, text);
    size_t prefix_size = strcspn(at + n, "?#");
    while (prefix_size && at[n + prefix_size - 1] == '/')
        prefix_size--;
    if (prefix_size >= sizeof(url.prefix))
        return malformed(err, text);
    memcpy(url.prefix, at + n, prefix_size);
    *ret_url = url;
    return 0;
}
