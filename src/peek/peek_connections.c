/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_connections.h"

#include "peek/peek_engine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The reader has one thread. */
static struct peek_connection found[PEEK_MAX_PIPES];

static const struct peek_socket *socket_of(const struct peek_pipe *pipe)
{
    return pipe->socket;
}

/* The inode of the socket behind a descriptor; 0: it is none. */
static uint64_t read_inode(const struct peek_target *target, int fd)
{
    char path[32], link[64];
    unsigned long long inode;
    (void)snprintf(path, sizeof(path), "fd/%d", fd);
    ssize_t n = fd < 0 ? -1 : readlinkat(target->process_fd, path, link, sizeof(link) - 1);
    link[n > 0 ? n : 0] = '\0';
    return sscanf(link, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

static struct peek_connection connection_of(const struct peek_pipe *one, uint64_t inode)
{
    return (struct peek_connection){.serial = socket_of(one)->serial,
                                    .inode = inode,
                                    .send_queue = one->end.send_queue,
                                    .receive_queue = one->end.receive_queue,
                                    .full_since_ns = one->full_since_ns};
}

/* Of the first pipes that are of one layout; returns how many were gone through. */
static size_t find_block(struct peek_process *process, const struct peek_pipe *pipes,
                         size_t n_pipes, size_t *n_found)
{
    static struct peek_engine_way ways[PEEK_ENGINE_BLOCK];
    static const struct peek_pipe *of[PEEK_ENGINE_BLOCK];
    struct peek_layout *layout = socket_of(pipes)->layout;
    size_t n = 0, i = 0;
    for (; i < n_pipes && n < PEEK_ENGINE_BLOCK && socket_of(&pipes[i])->layout == layout; i++) {
        const struct peek_pipe *one = &pipes[i];
        if (!socket_of(one)->is_valid || socket_of(one)->is_closed)
            continue;
        if (!one->end.is_network) {
            found[(*n_found)++] = connection_of(one, 0);
            continue;
        }
        of[n] = one;
        ways[n++] = (struct peek_engine_way){.socket = socket_of(one)->address,
                                             .peer = one->end.peer,
                                             .session = one->end.peer_sink,
                                             .fd = -1};
    }
    peek_engine_find(layout, &process->target, ways, n);
    for (size_t j = 0; j < n; j++) {
        uint64_t inode = read_inode(&process->target, ways[j].fd);
        if (inode != 0)
            found[(*n_found)++] = connection_of(of[j], inode);
    }
    return i;
}

size_t peek_connections_find(struct peek_process *process,
                             const struct peek_connection **ret_connections, size_t *ret_n_left_out)
{
    size_t n_found = 0, n_pipes;
    const struct peek_pipe *pipes = peek_pipes_seen(&n_pipes, ret_n_left_out);
    for (size_t i = 0; i < n_pipes;)
        i += find_block(process, pipes + i, n_pipes - i, &n_found);
    *ret_connections = found;
    return n_found;
}
