/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/link_traffic.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static uint64_t read_cookie(int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

/* What libzmq has taken: without the bytes that wait in the kernel. These are asked for first, so
 * that what comes in between is not missing from the rest. */
static bool read_bytes(int fd, uint64_t *ret)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    int n_waiting = 0;
    if (ioctl(fd, SIOCINQ, &n_waiting) < 0 ||
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
        return false;
    uint64_t n_received = info.tcpi_bytes_received;
    if (n_received < (uint64_t)n_waiting)
        return false; /* another connection's */
    *ret = n_received - (uint64_t)n_waiting;
    return true;
}

void link_traffic_open(struct link_traffic *self, int fd, uint64_t now_ns)
{
    uint64_t bytes = 0;
    *self = (struct link_traffic)LINK_TRAFFIC_INIT;
    if (!read_bytes(fd, &bytes))
        return; /* a local socket: the kernel does not count */
    self->fd = fd;
    self->cookie = read_cookie(fd);
    self->marked_bytes = bytes;
    self->marked_ns = now_ns;
}

void link_traffic_mark(struct link_traffic *self, uint64_t now_ns)
{
    self->marked_bytes += link_traffic_since_mark(self);
    self->marked_ns = now_ns;
}

uint64_t link_traffic_since_mark(const struct link_traffic *self)
{
    uint64_t bytes = 0;
    if (self->fd < 0 || !read_bytes(self->fd, &bytes) || bytes <= self->marked_bytes ||
        read_cookie(self->fd) != self->cookie)
        return 0;
    return bytes - self->marked_bytes;
}
