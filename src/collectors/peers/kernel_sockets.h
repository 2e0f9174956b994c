/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kernel_sockets - the kernel's tables of connected sockets, tcp and unix, of this network
 * namespace.
 *
 * Asked through NETLINK_SOCK_DIAG (sock_diag(7)), which needs no privilege. A socket is known by
 * its inode, which no other has, whatever the namespace; so a process in another network namespace
 * has none here.
 *
 * Thread: any. Blocks: no longer than the kernel takes to write its tables.
 * Errors: -errno of the netlink socket; -ENOMEM. A kernel without unix_diag or tcp_diag has no
 * sockets of that kind.
 */
#ifndef COLLECTORS_PEERS_KERNEL_SOCKETS_H
#define COLLECTORS_PEERS_KERNEL_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_SOCKETS_MAX     65536u
#define KERNEL_SOCKETS_UNKNOWN (UINT64_C(1) << 63)

/* An end of a tcp connection; IPv4 in the form of IPv6. */
struct kernel_end {
    uint8_t host[16];
    uint16_t port; /* in the order of the network */
    uint16_t unused;
};

struct kernel_socket {
    uint64_t inode;
    uint64_t peer_inode; /* 0: not on this host, or not known */
    bool is_tcp;
    struct kernel_end local, remote; /* of tcp */
    char path[108];                  /* of unix: where it is bound, '@' before abstract names */
    /* Bytes that the program wrote and the peer's kernel does not have yet; in unix, that the peer
     * has not read. Bytes that came and the program has not read. Segments that were sent again
     * since the connection is open. */
    uint64_t unsent_bytes, unread_bytes, retransmits;
};

struct kernel_sockets {
    struct kernel_socket *items; /* by inode */
    size_t n, capacity;
    bool is_complete; /* false: there are more */
};

int kernel_sockets_take(struct kernel_sockets *ret_sockets);
void kernel_sockets_finish(struct kernel_sockets *self);

/* NULL: there is none. */
const struct kernel_socket *kernel_sockets_find(const struct kernel_sockets *self, uint64_t inode);

/* As an address that a program would connect to: "tcp://127.0.0.1:5556". */
void kernel_end_append(const struct kernel_end *self, char *ret_text, size_t size);

#endif
