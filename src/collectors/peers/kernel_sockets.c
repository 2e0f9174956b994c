/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: three dumps, of tcp over IPv4, over IPv6, and of unix. The ends of a connection find each
 * other afterwards: in unix by the inode that the kernel tells, in tcp by their addresses the other
 * way round, of which a table is sorted. What one end of a unix connection has not sent is what the
 * other has not read.
 */
#include "collectors/peers/kernel_sockets.h"

#include "base/array.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 65536u
#define PATIENCE_S   2 /* for one piece of an answer */
/* Connected ones, and those of which one end has closed. */
#define TCP_WANTED                                                                                 \
    (1u << TCP_ESTABLISHED | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSE_WAIT |    \
     1u << TCP_LAST_ACK | 1u << TCP_CLOSING)
#define UNIX_WANTED (1u << TCP_ESTABLISHED)

struct dump {
    int fd;
    struct kernel_sockets *sockets;
    int family;
    union {
        struct nlmsghdr head;
        char bytes[ANSWER_BYTES];
    } answer;
};

static struct kernel_socket *append(struct kernel_sockets *self, uint64_t inode)
{
    if (inode == 0)
        return NULL;
    if (self->n == KERNEL_SOCKETS_MAX) {
        self->is_complete = false;
        return NULL;
    }
    if (!array_make_room(&self->items, &self->capacity, self->n, sizeof(*self->items))) {
        self->is_complete = false;
        return NULL;
    }
    struct kernel_socket *socket = &self->items[self->n++];
    *socket = (struct kernel_socket){.inode = inode,
                                     .unsent_bytes = KERNEL_SOCKETS_UNKNOWN,
                                     .unread_bytes = KERNEL_SOCKETS_UNKNOWN,
                                     .retransmits = KERNEL_SOCKETS_UNKNOWN};
    return socket;
}

static struct kernel_end end_of(int family, const uint32_t *host, uint16_t port)
{
    static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};
    struct kernel_end end = {.port = port};
    if (family == AF_INET6) {
        memcpy(end.host, host, sizeof(end.host));
        return end;
    }
    memcpy(end.host, v4_prefix, sizeof(v4_prefix));
    memcpy(end.host + sizeof(v4_prefix), host, sizeof(*host));
    return end;
}

/* NLMSG_DATA(3) and the like, of what is only read. */
static const void *body_of(const struct nlmsghdr *message)
{
    return (const char *)message + NLMSG_HDRLEN;
}

static const void *data_of(const struct rtattr *part)
{
    return (const char *)part + RTA_LENGTH(0);
}

static const struct rtattr *next_part(const struct rtattr *part, size_t *left)
{
    size_t size = RTA_ALIGN(part->rta_len);
    const void *next = (const char *)part + size;
    *left -= size < *left ? size : *left;
    return next;
}

static const struct nlmsghdr *next_message(const struct nlmsghdr *message, size_t *left)
{
    size_t size = NLMSG_ALIGN(message->nlmsg_len);
    const void *next = (const char *)message + size;
    *left -= size < *left ? size : *left;
    return next;
}

static void take_tcp(struct dump *self, const struct nlmsghdr *message)
{
    const struct inet_diag_msg *told = body_of(message);
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*told)))
        return;
    struct kernel_socket *socket = append(self->sockets, told->idiag_inode);
    if (!socket)
        return;
    socket->is_tcp = true;
    socket->local = end_of(self->family, told->id.idiag_src, told->id.idiag_sport);
    socket->remote = end_of(self->family, told->id.idiag_dst, told->id.idiag_dport);
    socket->unsent_bytes = told->idiag_wqueue;
    socket->unread_bytes = told->idiag_rqueue;
    size_t left = message->nlmsg_len - NLMSG_LENGTH(sizeof(*told));
    const struct rtattr *part = (const struct rtattr *)(told + 1);
    for (; RTA_OK(part, left); part = next_part(part, &left)) {
        struct tcp_info info = {0};
        size_t size = RTA_PAYLOAD(part) < sizeof(info) ? RTA_PAYLOAD(part) : sizeof(info);
        if (part->rta_type != INET_DIAG_INFO ||
            size < offsetof(struct tcp_info, tcpi_total_retrans) + sizeof(info.tcpi_total_retrans))
            continue;
        memcpy(&info, data_of(part), size);
        socket->retransmits = info.tcpi_total_retrans;
    }
}

static void take_name(struct kernel_socket *socket, const struct rtattr *part)
{
    size_t n = RTA_PAYLOAD(part);
    if (n == 0 || n > sizeof(socket->path) - 1)
        return;
    memcpy(socket->path, data_of(part), n);
    socket->path[n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (socket->path[i] == '\0' && (i == 0 || i + 1 < n))
            socket->path[i] = '@'; /* as ss(8) shows it */
    }
}

static void take_unix(struct dump *self, const struct nlmsghdr *message)
{
    const struct unix_diag_msg *told = body_of(message);
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*told)) || told->udiag_type != SOCK_STREAM)
        return;
    struct kernel_socket *socket = append(self->sockets, told->udiag_ino);
    if (!socket)
        return;
    size_t left = message->nlmsg_len - NLMSG_LENGTH(sizeof(*told));
    const struct rtattr *part = (const struct rtattr *)(told + 1);
    for (; RTA_OK(part, left); part = next_part(part, &left)) {
        struct unix_diag_rqlen queues;
        uint32_t peer;
        if (part->rta_type == UNIX_DIAG_NAME)
            take_name(socket, part);
        if (part->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(part) >= sizeof(peer)) {
            memcpy(&peer, data_of(part), sizeof(peer));
            socket->peer_inode = peer;
        }
        if (part->rta_type == UNIX_DIAG_RQLEN && RTA_PAYLOAD(part) >= sizeof(queues)) {
            memcpy(&queues, data_of(part), sizeof(queues));
            socket->unread_bytes = queues.udiag_rqueue;
        }
    }
}

static int ask(const struct dump *self)
{
    struct {
        struct nlmsghdr head;
        union {
            struct inet_diag_req_v2 tcp;
            struct unix_diag_req unix_sockets;
        };
    } request = {
        .head = {.nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    if (self->family == AF_UNIX) {
        request.unix_sockets = (struct unix_diag_req){
            .sdiag_family = AF_UNIX,
            .udiag_states = UNIX_WANTED,
            .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN};
        request.head.nlmsg_len = NLMSG_LENGTH(sizeof(request.unix_sockets));
    } else {
        request.tcp = (struct inet_diag_req_v2){.sdiag_family = (uint8_t)self->family,
                                                .sdiag_protocol = IPPROTO_TCP,
                                                .idiag_ext = 1u << (INET_DIAG_INFO - 1),
                                                .idiag_states = TCP_WANTED};
        request.head.nlmsg_len = NLMSG_LENGTH(sizeof(request.tcp));
    }
    ssize_t n = send(self->fd, &request, request.head.nlmsg_len, 0);
    return n < 0 ? -errno : 0;
}

/* Takes one piece of the answer; 1: it was the last. */
static int take_answer(struct dump *self)
{
    ssize_t n = recv(self->fd, self->answer.bytes, sizeof(self->answer.bytes), 0);
    if (n < 0 && errno == EINTR)
        return 0;
    if (n <= 0)
        return n < 0 ? -errno : -EPIPE;
    size_t left = (size_t)n;
    const struct nlmsghdr *message = &self->answer.head;
    for (; NLMSG_OK(message, left); message = next_message(message, &left)) {
        if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
            return 1; /* an error: the kernel does not know of this family */
        if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
            continue;
        if (self->family == AF_UNIX)
            take_unix(self, message);
        else
            take_tcp(self, message);
    }
    return 0;
}

static int run_dump(struct dump *self, int family)
{
    self->family = family;
    int r = ask(self);
    while (r == 0)
        r = take_answer(self);
    return r < 0 ? r : 0;
}

/*
 * Who is whose peer
 */
static int compare_inodes(const void *a, const void *b)
{
    const struct kernel_socket *one = a, *other = b;
    return one->inode < other->inode ? -1 : one->inode > other->inode;
}

static int compare_ends(const void *a, const void *b)
{
    const struct kernel_socket *const *one = a, *const *other = b;
    int r = memcmp(&(*one)->local, &(*other)->local, sizeof((*one)->local));
    return r ? r : memcmp(&(*one)->remote, &(*other)->remote, sizeof((*one)->remote));
}

static int join_tcp(struct kernel_sockets *self)
{
    size_t n = 0;
    cleanup_free const struct kernel_socket **table = calloc(self->n + 1, sizeof(*table));
    if (!table)
        return -ENOMEM;
    for (size_t i = 0; i < self->n; i++) {
        if (self->items[i].is_tcp)
            table[n++] = &self->items[i];
    }
    qsort(table, n, sizeof(*table), compare_ends);
    for (size_t i = 0; i < self->n && n > 0; i++) {
        const struct kernel_socket turned = {.local = self->items[i].remote,
                                             .remote = self->items[i].local};
        const struct kernel_socket *wanted = &turned;
        const struct kernel_socket *const *peer = NULL;
        if (self->items[i].is_tcp)
            peer = bsearch(&wanted, table, n, sizeof(*table), compare_ends);
        if (peer && *peer != &self->items[i]) /* one may connect to itself */
            self->items[i].peer_inode = (*peer)->inode;
    }
    return 0;
}

static void join_unix(struct kernel_sockets *self)
{
    for (size_t i = 0; i < self->n; i++) {
        struct kernel_socket *socket = &self->items[i];
        const struct kernel_socket *peer = socket->is_tcp
                                               ? NULL
                                               : kernel_sockets_find(self, socket->peer_inode);
        if (peer)
            socket->unsent_bytes = peer->unread_bytes;
    }
}

int kernel_sockets_take(struct kernel_sockets *ret_sockets)
{
    struct kernel_sockets sockets = {.is_complete = true};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return -errno;
    cleanup_free struct dump *dump = malloc(sizeof(*dump));
    if (!dump)
        return -ENOMEM;
    dump->fd = fd;
    dump->sockets = &sockets;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    int r = run_dump(dump, AF_INET);
    if (r == 0)
        r = run_dump(dump, AF_INET6);
    if (r == 0)
        r = run_dump(dump, AF_UNIX);
    if (r == 0 && sockets.n > 1)
        qsort(sockets.items, sockets.n, sizeof(*sockets.items), compare_inodes);
    if (r == 0)
        r = join_tcp(&sockets);
    if (r < 0) {
        kernel_sockets_finish(&sockets);
        return r;
    }
    join_unix(&sockets);
    *ret_sockets = sockets;
    return 0;
}

void kernel_sockets_finish(struct kernel_sockets *self)
{
    free(self->items);
    *self = (struct kernel_sockets){.n = 0};
}

const struct kernel_socket *kernel_sockets_find(const struct kernel_sockets *self, uint64_t inode)
{
    const struct kernel_socket wanted = {.inode = inode};
    return self->n == 0 || inode == 0
               ? NULL
               : bsearch(&wanted, self->items, self->n, sizeof(*self->items), compare_inodes);
}

void kernel_end_append(const struct kernel_end *self, char *ret_text, size_t size)
{
    struct in6_addr host;
    char text[INET6_ADDRSTRLEN] = "";
    memcpy(&host, self->host, sizeof(host));
    if (IN6_IS_ADDR_V4MAPPED(&host)) {
        (void)inet_ntop(AF_INET, self->host + 12, text, sizeof(text));
        (void)snprintf(ret_text, size, "tcp://%s:%u", text, ntohs(self->port));
    } else {
        (void)inet_ntop(AF_INET6, self->host, text, sizeof(text));
        (void)snprintf(ret_text, size, "tcp://[%s]:%u", text, ntohs(self->port));
    }
}
