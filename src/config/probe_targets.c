/* SPDX-License-Identifier: MPL-2.0 */
#include "config/probe_targets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct probe_target {
    enum endpoint_transport transport;
    char host[ENDPOINT_ADDRESS_HOST_MAX + 1]; /* pattern of a name; empty: addresses */
    int family;
    unsigned char network[16];
    unsigned prefix; /* bits */
    unsigned first_port, last_port;
    const char *path; /* ipc: pattern */
};

/* Digits up to `end`, at most `max`. */
static bool parse_number(const char *text, const char *end, unsigned max, unsigned *ret)
{
    unsigned value = 0;
    if (text == end)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned)(*text - '0');
        if (value > max)
            return false;
    }
    *ret = value;
    return true;
}

static bool parse_ports(const char *text, struct probe_target *target)
{
    const char *end = text + strlen(text);
    if (strcmp(text, "*") == 0) {
        target->first_port = 1;
        target->last_port = 65535;
        return true;
    }
    const char *dash = strchr(text, '-');
    if (!parse_number(text, dash ? dash : end, 65535, &target->first_port))
        return false;
    target->last_port = target->first_port;
    if (dash && !parse_number(dash + 1, end, 65535, &target->last_port))
        return false;
    return target->first_port >= 1 && target->first_port <= target->last_port;
}

/* An address with or without "/bits" into `target`; false if it is none. */
static bool parse_network(const char *text, size_t size, struct probe_target *target)
{
    char plain[INET6_ADDRSTRLEN + 2];
    const char *slash = memchr(text, '/', size);
    size_t length = slash ? (size_t)(slash - text) : size;
    if (text[0] == '[' && text[length - 1] == ']') { /* one at least: '[' ends nothing */
        text++;
        length -= 2;
    }
    if (length >= sizeof(plain))
        return false;
    memcpy(plain, text, length);
    plain[length] = '\0';
    target->family = strchr(plain, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(target->family, plain, target->network) != 1)
        return false;
    unsigned bits = target->family == AF_INET6 ? 128 : 32;
    target->prefix = bits;
    return !slash ||
           parse_number(slash + 1, slash + 1 + strcspn(slash + 1, ":"), bits, &target->prefix);
}

/* Digits, dots and stars only: meant for addresses, which names can imitate. */
static bool looks_like_address(const char *host)
{
    return host[strspn(host, "0123456789.*:[]/")] == '\0' && strcmp(host, "*") != 0;
}

static int parse_tcp(const struct config_node *node, const char *rest, struct probe_target *target,
                     struct error *err)
{
    const char *colon = strrchr(rest, ':');
    if (!colon || !parse_ports(colon + 1, target))
        return config_node_error(node, err,
                                 "a target needs a port, a range of ports or '*' at its end: "
                                 "tcp://host:5550-5559");
    size_t size = (size_t)(colon - rest);
    if (parse_network(rest, size, target))
        return 0;
    if (size == 0 || size > ENDPOINT_ADDRESS_HOST_MAX)
        return config_node_error(node, err,
                                 "the host has %zu characters, from 1 to %u are "
                                 "possible",
                                 size, ENDPOINT_ADDRESS_HOST_MAX);
    memcpy(target->host, rest, size);
    target->host[size] = '\0';
    target->family = 0;
    if (looks_like_address(target->host))
        return config_node_error(node, err,
                                 "'%.64s' is no address: a network is written "
                                 "10.0.0.0/8 or [2001:db8::]/32",
                                 target->host);
    if (strpbrk(target->host, "?[]\\/:"))
        return config_node_error(node, err, "'%.64s' is no host name; only '*' stands for others",
                                 target->host);
    return 0;
}

static int parse_target(const struct config_node *node, struct probe_target *target,
                        struct error *err)
{
    if (node->kind != CONFIG_NODE_SCALAR)
        return config_node_error(node, err, "a target must be a text");
    if (strncmp(node->text, "tcp://", 6) == 0)
        return parse_tcp(node, node->text + 6, target, err);
    if (strncmp(node->text, "ipc://", 6) != 0)
        return config_node_error(node, err,
                                 "a target must begin with tcp:// or ipc://, not "
                                 "'%.32s'",
                                 node->text);
    target->transport = ENDPOINT_IPC;
    target->path = node->text + 6;
    if (target->path[0] != '/' && target->path[0] != '@')
        return config_node_error(node, err, "an ipc target must be absolute or begin with '@'");
    if (strpbrk(target->path, "?[]\\") || strstr(target->path, ".."))
        return config_node_error(node, err, "only '*' stands for others in an ipc target");
    return 0;
}

int probe_targets_read(const struct config_node *list, struct probe_targets *ret, struct error *err)
{
    struct probe_targets targets = {0};
    if (!list || list->n_children == 0)
        return 0;
    targets.items = calloc(list->n_children, sizeof(*targets.items));
    if (!targets.items)
        return error_set(err, -ENOMEM, "not enough memory");
    for (const struct config_node *node = list->first; node; node = node->next) {
        int r = parse_target(node, &targets.items[targets.n++], err);
        if (r < 0) {
            free(targets.items);
            return r;
        }
    }
    *ret = targets;
    return 0;
}

void probe_targets_finish(struct probe_targets *self)
{
    free(self->items);
    *self = (struct probe_targets){0};
}

static bool network_contains(const struct probe_target *target, const char *host)
{
    unsigned char address[16];
    if (strchr(host, '%') || inet_pton(target->family, host, address) != 1)
        return false;
    size_t bytes = target->prefix / 8;
    unsigned rest = target->prefix % 8;
    unsigned mask = (0xff00u >> rest) & 0xff;
    return memcmp(address, target->network, bytes) == 0 &&
           (rest == 0 || ((address[bytes] ^ target->network[bytes]) & mask) == 0);
}

/* Label by label, so that `*` never spans a dot. */
static bool name_matches(const char *pattern, const char *name)
{
    char pattern_label[ENDPOINT_ADDRESS_HOST_MAX + 1], label[ENDPOINT_ADDRESS_HOST_MAX + 1];
    for (;;) {
        size_t n_pattern = strcspn(pattern, "."), n = strcspn(name, ".");
        memcpy(pattern_label, pattern, n_pattern);
        memcpy(label, name, n);
        pattern_label[n_pattern] = label[n] = '\0';
        if (fnmatch(pattern_label, label, FNM_CASEFOLD) != 0 || pattern[n_pattern] != name[n])
            return false;
        if (!name[n])
            return true;
        pattern += n_pattern + 1;
        name += n + 1;
    }
}

static bool target_matches(const struct probe_target *target,
                           const struct endpoint_address *address)
{
    if (target->transport != address->transport)
        return false;
    if (address->transport == ENDPOINT_IPC)
        return !strstr(address->path, "/..") &&
               fnmatch(target->path, address->path, FNM_PATHNAME | FNM_PERIOD) == 0;
    if (address->port < target->first_port || address->port > target->last_port)
        return false;
    if (address->is_literal)
        return target->family != 0 && network_contains(target, address->host);
    return target->family == 0 && name_matches(target->host, address->host);
}

bool probe_targets_allow(const struct probe_targets *self, const struct endpoint_address *address)
{
    for (size_t i = 0; i < self->n; i++) {
        if (target_matches(&self->items[i], address))
            return true;
    }
    return false;
}
