/* SPDX-License-Identifier: MPL-2.0 */
/* What the kernel tells of connections that this process makes to itself. */
#include "collectors/peers/kernel_sockets.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char sent[] = "some bytes";

static uint64_t inode_of(int fd)
{
    struct stat status;
    assert_return_code(fstat(fd, &status), 0);
    return status.st_ino;
}

static struct kernel_sockets take(void)
{
    struct kernel_sockets sockets;
    assert_int_equal(kernel_sockets_take(&sockets), 0);
    assert_true(sockets.is_complete);
    return sockets;
}

static const struct kernel_socket *find(const struct kernel_sockets *sockets, int fd)
{
    const struct kernel_socket *found = kernel_sockets_find(sockets, inode_of(fd));
    assert_non_null(found);
    return found;
}

/* A connection within this process: its client's end and its server's. */
static void connect_to(const struct sockaddr *address, socklen_t size, int ret_fds[2])
{
    struct sockaddr_storage place;
    socklen_t place_size = sizeof(place);
    int listener = socket(address->sa_family, SOCK_STREAM, 0);
    assert_return_code(bind(listener, address, size), 0);
    assert_return_code(listen(listener, 1), 0);
    assert_return_code(getsockname(listener, (struct sockaddr *)&place, &place_size), 0);
    ret_fds[0] = socket(address->sa_family, SOCK_STREAM, 0);
    assert_return_code(connect(ret_fds[0], (struct sockaddr *)&place, place_size), 0);
    ret_fds[1] = accept(listener, NULL, NULL);
    assert_return_code(ret_fds[1], 0);
    close(listener);
}

static void check_pair(const int fds[2], bool is_tcp)
{
    assert_int_equal(write(fds[0], sent, sizeof(sent)), sizeof(sent));
    struct kernel_sockets sockets = take();
    const struct kernel_socket *client = find(&sockets, fds[0]), *server = find(&sockets, fds[1]);
    assert_int_equal(client->peer_inode, server->inode);
    assert_int_equal(server->peer_inode, client->inode);
    assert_int_equal(client->is_tcp, is_tcp);
    assert_int_equal(server->is_tcp, is_tcp);
    assert_int_equal(client->unread_bytes, 0);
    assert_int_equal(server->unsent_bytes, 0);
    if (is_tcp) {
        assert_int_equal(server->unread_bytes, sizeof(sent));
        assert_memory_equal(&client->local, &server->remote, sizeof(client->local));
        assert_memory_equal(&client->remote, &server->local, sizeof(client->local));
        assert_int_equal(client->retransmits, 0);
    } else {
        assert_true(server->unread_bytes > 0);
        assert_int_equal(client->unsent_bytes, server->unread_bytes);
        assert_int_equal(client->retransmits, KERNEL_SOCKETS_UNKNOWN);
    }
    kernel_sockets_finish(&sockets);
    close(fds[0]);
    close(fds[1]);
}

static void check_address(int fd, const char *host)
{
    struct kernel_sockets sockets = take();
    const struct kernel_socket *one = find(&sockets, fd);
    char text[64], expected[64];
    (void)snprintf(expected, sizeof(expected), "tcp://%s:%u", host, ntohs(one->remote.port));
    kernel_end_append(&one->remote, text, sizeof(text));
    assert_string_equal(text, expected);
    assert_int_not_equal(one->remote.port, 0);
    kernel_sockets_finish(&sockets);
}

static void take__tcp_over_ipv4__ends_find_each_other(void **state)
{
    (void)state;
    int fds[2];
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connect_to((const struct sockaddr *)&address, sizeof(address), fds);
    check_address(fds[0], "127.0.0.1");
    check_pair(fds, true);
}

static void take__tcp_over_ipv6__ends_find_each_other(void **state)
{
    (void)state;
    int fds[2], fd = socket(AF_INET6, SOCK_STREAM, 0);
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int r = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&address, sizeof(address));
    if (fd >= 0)
        close(fd);
    if (r < 0)
        skip(); /* no IPv6 here */
    connect_to((const struct sockaddr *)&address, sizeof(address), fds);
    check_address(fds[0], "[::1]");
    check_pair(fds, true);
}

static void take__unix__ends_find_each_other(void **state)
{
    (void)state;
    int fds[2];
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    check_pair(fds, false);
}

/* A connection to a listener whose name is these bytes. */
static void check_path(const char *name, size_t n, const char *expected)
{
    int fds[2];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, n);
    connect_to((const struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n), fds);
    struct kernel_sockets sockets = take();
    assert_string_equal(find(&sockets, fds[1])->path, expected);
    assert_string_equal(find(&sockets, fds[0])->path, "");
    kernel_sockets_finish(&sockets);
    close(fds[0]);
    close(fds[1]);
}

static void take__abstract_name__has_an_at_for_each_zero(void **state)
{
    (void)state;
    char name[64], expected[64];
    int n = snprintf(expected, sizeof(expected), "@kernel-sockets@%d", (int)getpid());
    memcpy(name, expected, (size_t)n);
    name[0] = name[15] = '\0';
    check_path(name, (size_t)n, expected);
}

static void take__abstract_name_of_nothing__is_an_at(void **state)
{
    (void)state;
    check_path("", 1, "@");
}

static void take__path__is_as_it_was_bound(void **state)
{
    (void)state;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = "";
    int n = snprintf(path, sizeof(path), "/tmp/zt-kernel-sockets-%d-%0*d", (int)getpid(), 70, 0);
    check_path(path, (size_t)n + 1, path);
    unlink(path);
    n = snprintf(path, sizeof(path), "/tmp/zt-kernel-sockets-%d", (int)getpid());
    check_path(path, sizeof(path), path); /* as most programs say its size */
    unlink(path);
}

static void take__one_connects_to_itself__has_no_peer(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_return_code(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_return_code(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    assert_return_code(connect(fd, (const struct sockaddr *)&address, size), 0);
    struct kernel_sockets sockets = take();
    assert_int_equal(find(&sockets, fd)->peer_inode, 0);
    kernel_sockets_finish(&sockets);
    close(fd);
}

static void take__what_zeromq_does_not_use__is_left_out(void **state)
{
    (void)state;
    int fds[2];
    assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_return_code(listen(listener, 1), 0);
    struct kernel_sockets sockets = take();
    assert_null(kernel_sockets_find(&sockets, inode_of(fds[0])));
    assert_null(kernel_sockets_find(&sockets, inode_of(listener)));
    assert_null(kernel_sockets_find(&sockets, 0));
    kernel_sockets_finish(&sockets);
    close(fds[0]);
    close(fds[1]);
    close(listener);
}

static void take__one_end_has_closed__the_other_is_there(void **state)
{
    (void)state;
    int fds[2];
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connect_to((const struct sockaddr *)&address, sizeof(address), fds);
    close(fds[0]);
    struct kernel_sockets sockets = take();
    assert_int_equal(find(&sockets, fds[1])->peer_inode, 0);
    kernel_sockets_finish(&sockets);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take__tcp_over_ipv4__ends_find_each_other),
        cmocka_unit_test(take__tcp_over_ipv6__ends_find_each_other),
        cmocka_unit_test(take__unix__ends_find_each_other),
        cmocka_unit_test(take__abstract_name__has_an_at_for_each_zero),
        cmocka_unit_test(take__abstract_name_of_nothing__is_an_at),
        cmocka_unit_test(take__path__is_as_it_was_bound),
        cmocka_unit_test(take__one_connects_to_itself__has_no_peer),
        cmocka_unit_test(take__what_zeromq_does_not_use__is_left_out),
        cmocka_unit_test(take__one_end_has_closed__the_other_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
