/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_listen.h"

#include "base/cleanup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG     1024
#define UNIX_PREFIX "unix:"

static int find_address(struct http_listen *listen)
{
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_storage room;
    } name = {.room = {0}};
    socklen_t size = sizeof(name.room);
    if (getsockname(listen->fd, &name.any, &size) < 0)
        return -errno;
    if (name.any.sa_family == AF_UNIX) {
        (void)snprintf(listen->address, sizeof(listen->address), UNIX_PREFIX "%.*s",
                       (int)sizeof(name.local.sun_path), name.local.sun_path);
        return 0;
    }

    char host[64], port[8];
    int r = getnameinfo(&name.any, size, host, sizeof(host), port, sizeof(port),
                        NI_NUMERICHOST | NI_NUMERICSERV);
    if (r != 0)
        return -EAFNOSUPPORT;
    (void)snprintf(listen->address, sizeof(listen->address),
                   name.any.sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return 0;
}

/* Removes a socket file on which no process accepts any more. */
static void remove_stale(const struct sockaddr_un *name)
{
    struct stat status;
    if (lstat(name->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return;
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0)
        return;
    if (errno == ECONNREFUSED)
        unlink(name->sun_path);
}

static const char *unix_remedy(int r, const char *path)
{
    struct stat status;
    switch (r) {
    case -EADDRINUSE:
        if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
            return "what is there is no socket: remove it, or write another path";
        return "a program serves there, which `ss -lxp` shows, or left a file that is not ours to "
               "remove: end it, or write another path";
    case -ENOENT:
        return "make its folder";
    case -ENOTDIR:
        return "what stands for its folder is a file: write another path";
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return "let the exporter's user write in its folder, or write another path";
    default:
        return "write another path";
    }
}

static int open_unix(const char *path, struct http_listen *listen, struct error *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(name.sun_path))
        return error_set(err, -EINVAL, "'" UNIX_PREFIX "%s': a socket path has 1 to %zu characters",
                         path, sizeof(name.sun_path) - 1);
    memcpy(name.sun_path, path, length);
    remove_stale(&name);

    listen->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listen->fd < 0)
        return error_set(err, -errno, "cannot open a socket: %s", strerror(errno));
    int r = bind(listen->fd, (const struct sockaddr *)&name, sizeof(name)) < 0 ? -errno : 0;
    if (r == 0)
        memcpy(listen->path, path, length + 1);
    /* No client can connect before listen(), so none can use the default mode. */
    if (r == 0 && chmod(path, 0660) < 0)
        r = -errno;
    if (r < 0)
        return error_set(err, r, "cannot listen on '" UNIX_PREFIX "%s': %s; %s", path, strerror(-r),
                         unix_remedy(r, path));
    return 0;
}

static int bind_address(const struct addrinfo *address, struct http_listen *listen)
{
    const int on = 1, off = 0;
    listen->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listen->fd < 0)
        return -errno;
    (void)setsockopt(listen->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ai_family == AF_INET6)
        (void)setsockopt(listen->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(listen->fd, address->ai_addr, address->ai_addrlen) < 0) {
        int r = -errno;
        close(listen->fd);
        listen->fd = -1;
        return r;
    }
    return 0;
}

/* Splits "host:port" in place; brackets are taken off. */
static int split(char *text, char **ret_host, char **ret_port)
{
    char *colon = strrchr(text, ':');
    if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return -EINVAL;
    *colon = '\0';
    *ret_port = colon + 1;
    *ret_host = text;
    if (*text == '[' && colon > text && colon[-1] == ']') {
        colon[-1] = '\0';
        *ret_host = text + 1;
    } else if (strchr(text, ':')) {
        return -EINVAL; /* IPv6 without brackets: the port would be a guess */
    }
    return 0;
}

static const char *tcp_remedy(int r)
{
    switch (r) {
    case -EADDRINUSE:
        return "; `ss -ltnp` shows which program does";
    case -EADDRNOTAVAIL:
        return "; no interface of this host has it, `ip address` shows what they have";
    case -EACCES:
        return "; a port below 1024 needs the capability CAP_NET_BIND_SERVICE, or a socket unit "
               "and --web.systemd-socket";
    case -EAFNOSUPPORT:
        return "; this host is without IPv6, or the unit allows it no such address: write an IPv4 "
               "one";
    default:
        return "";
    }
}

static int refuse(struct error *err, int r, const char *text)
{
    return error_set(err, r, "cannot listen on '%s': %s%s", text, strerror(-r), tcp_remedy(r));
}

static int open_tcp(const char *text, struct http_listen *listen, struct error *err)
{
    char copy[300], *host, *port;
    if (strlen(text) >= sizeof(copy))
        return error_set(err, -EINVAL, "address of more than %zu characters", sizeof(copy) - 1);
    if (split(strcpy(copy, text), &host, &port) < 0)
        return error_set(err, -EINVAL,
                         "'%s' is not an address; write ':10556', 'HOST:10556', '[::1]:10556' or "
                         "'" UNIX_PREFIX "/PATH'",
                         text);
    if (strlen(port) > 5 || (strlen(port) == 5 && strcmp(port, "65535") > 0))
        return error_set(err, -EINVAL, "'%s': a port is at most 65535", text);

    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                             .ai_family = *host ? AF_UNSPEC : AF_INET6};
    struct addrinfo *found = NULL;
    int r = getaddrinfo(*host ? host : NULL, port, &hints, &found);
    if (r != 0)
        return error_set(err, -EINVAL,
                         "'%s': %s; write an address of this host, or see that /etc/hosts or DNS "
                         "has the name '%s'",
                         text, gai_strerror(r), host);
    r = bind_address(found, listen);
    freeaddrinfo(found);
    if (r == -EAFNOSUPPORT && !*host) { /* a kernel without IPv6 */
        hints.ai_family = AF_INET;
        if (getaddrinfo(NULL, port, &hints, &found) == 0) {
            r = bind_address(found, listen);
            freeaddrinfo(found);
        }
    }
    return r == 0 ? 0 : refuse(err, r, text);
}

static int finish_address(struct http_listen *listen, struct error *err)
{
    int r = find_address(listen);
    return r == 0 ? 0
                  : error_set(err, r, "cannot tell where descriptor %d listens: %s", listen->fd,
                              strerror(-r));
}

int http_listen_open(const char *text, struct http_listen *ret_listen, struct error *err)
{
    struct http_listen listener = {.fd = -1};
    bool is_unix = strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
    int r = is_unix ? open_unix(text + strlen(UNIX_PREFIX), &listener, err)
                    : open_tcp(text, &listener, err);
    if (r == 0 && listen(listener.fd, BACKLOG) < 0)
        r = refuse(err, -errno, text);
    if (r == 0)
        r = finish_address(&listener, err);
    if (r < 0) {
        http_listen_close(&listener);
        return r;
    }
    *ret_listen = listener;
    return 0;
}

static bool is_option(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t size = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

int http_listen_adopt(int fd, struct http_listen *ret_listen, struct error *err)
{
    struct http_listen listener = {.fd = fd};
    if (!is_option(fd, SO_TYPE, SOCK_STREAM) || !is_option(fd, SO_ACCEPTCONN, 1))
        return error_set(err, -EINVAL,
                         "descriptor %d is not a listening stream socket; a socket unit opens them "
                         "by ListenStream=, and LISTEN_FDS is their number",
                         fd);
    int r = finish_address(&listener, err);
    if (r == 0)
        *ret_listen = listener;
    return r;
}

void http_listen_close(struct http_listen *self)
{
    if (self->fd >= 0)
        close(self->fd);
    if (self->path[0])
        unlink(self->path);
    self->fd = -1;
    self->path[0] = '\0';
}
