/* SPDX-License-Identifier: MPL-2.0 */
#include "config/endpoint_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

/* An address literal, an IPv6 one with or without %interface. */
static bool is_literal(const char *host)
{
    unsigned char bytes[16];
    char plain[INET6_ADDRSTRLEN + 1];
    if (inet_pton(AF_INET, host, bytes) == 1)
        return true;
    size_t n = strcspn(host, "%");
    if (n >= sizeof(plain) || (host[n] && strlen(host + n) > IF_NAMESIZE))
        return false;
    memcpy(plain, host, n);
    plain[n] = '\0';
    return inet_pton(AF_INET6, plain, bytes) == 1;
}

/* A last label of digits would be read as an address by the resolver ("127.1", "0x7f000001"). */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *label = dot ? dot + 1 : host;
    if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
        return true;
    return *label && label[strspn(label, "0123456789")] == '\0';
}

/* RFC 1123 with underscores, which names inside a site do have. */
static bool is_host_name(const char *host)
{
    size_t label = 0;
    if (ends_in_number(host))
        return false;
    for (const char *c = host; *c; c++) {
        bool is_word = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                       (*c >= '0' && *c <= '9') || *c == '_' || *c == '-';
        if (!is_word && *c != '.')
            return false;
        if (*c == '.' && label == 0)
            return false;
        label = *c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return host[0] && host[0] != '-';
}

static int parse_port(const char *text, bool is_bind, uint16_t *ret, struct error *err)
{
    unsigned port = 0;
    if (is_bind && strcmp(text, "*") == 0) {
        *ret = 0;
        return 0;
    }
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || port > 65535)
            return error_set(err, -EINVAL, "the port '%.16s' is not a number", text);
        port = port * 10 + (unsigned)(*c - '0');
    }
    if (port < 1 || port > 65535)
        return error_set(err, -EINVAL, "the port must be from 1 to 65535, not '%.16s'", text);
    *ret = (uint16_t)port;
    return 0;
}

static int parse_host(const char *host, size_t size, bool is_bind, struct endpoint_address *address,
                      struct error *err)
{
    bool has_brackets = size >= 2 && host[0] == '[' && host[size - 1] == ']';
    if (has_brackets) {
        host++;
        size -= 2;
    }
    if (size == 0 || size > ENDPOINT_ADDRESS_HOST_MAX)
        return error_set(err, -EINVAL, "the host has %zu characters, from 1 to %u are possible",
                         size, ENDPOINT_ADDRESS_HOST_MAX);
    memcpy(address->host, host, size);
    address->host[size] = '\0';
    if (strcmp(address->host, "*") == 0) {
        return is_bind ? 0
                       : error_set(err, -EINVAL,
                                   "'*' is a place to bind to: name the host that "
                                   "the probe shall connect to");
    }
    address->is_literal = is_literal(address->host);
    bool is_v6 = address->is_literal && strchr(address->host, ':');
    if (is_v6 && !has_brackets)
        return error_set(err, -EINVAL, "an IPv6 address stands in brackets: tcp://[%s]:port",
                         address->host);
    if (!address->is_literal && strchr(address->host, ';'))
        return error_set(err, -EINVAL, "a source address (source;destination) is not supported");
    if (has_brackets != is_v6 || (!address->is_literal && !is_host_name(address->host)))
        return error_set(err, -EINVAL, "'%.64s' is no host name and no address", address->host);
    return 0;
}

static int parse_tcp(const char *rest, bool is_bind, struct endpoint_address *address,
                     struct error *err)
{
    const char *colon = strrchr(rest, ':');
    if (!colon || (rest[0] == '[' && colon[-1] != ']'))
        return error_set(err, -EINVAL, "the port is missing: tcp://host:port");
    int r = parse_host(rest, (size_t)(colon - rest), is_bind, address, err);
    return r < 0 ? r : parse_port(colon + 1, is_bind, &address->port, err);
}

static int parse_ipc(const char *path, struct endpoint_address *address, struct error *err)
{
    size_t size = strlen(path);
    if (path[0] != '/' && path[0] != '@')
        return error_set(err, -EINVAL,
                         "an ipc path must be absolute (ipc:///run/x.sock) or abstract "
                         "(ipc://@x)");
    if (size < 2 || size > ENDPOINT_ADDRESS_PATH_MAX)
        return error_set(err, -EINVAL, "the ipc path has %zu bytes, from 2 to %u are possible",
                         size, ENDPOINT_ADDRESS_PATH_MAX);
    memcpy(address->path, path, size + 1);
    return 0;
}

int endpoint_address_parse(const char *text, bool is_bind, struct endpoint_address *ret,
                           struct error *err)
{
    struct endpoint_address address = {0};
    size_t size = strlen(text);
    if (size > ENDPOINT_ADDRESS_TEXT_MAX)
        return error_set(err, -EINVAL, "the endpoint has more than %u bytes",
                         ENDPOINT_ADDRESS_TEXT_MAX);
    memcpy(address.text, text, size + 1);

    int r;
    if (strncmp(text, "tcp://", 6) == 0) {
        address.transport = ENDPOINT_TCP;
        r = parse_tcp(text + 6, is_bind, &address, err);
    } else if (strncmp(text, "ipc://", 6) == 0) {
        address.transport = ENDPOINT_IPC;
        r = parse_ipc(text + 6, &address, err);
    } else if (strncmp(text, "inproc://", 9) == 0) {
        r = error_set(err, -EINVAL, "inproc is inside one process: only the tap sees it");
    } else {
        r = error_set(err, -EINVAL, "the address must begin with tcp:// or ipc://, not '%.32s'",
                      text);
    }
    if (r == 0)
        *ret = address;
    return r;
}
