/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/link_traffic.h"

#include "support/cmocka.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void connect_pair(int ret_fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ret_fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(ret_fds[0], (struct sockaddr *)&address, size), 0);
    ret_fds[1] = accept(listener, NULL, NULL);
    assert_true(ret_fds[1] >= 0);
    close(listener);
}

static void since_mark__bytes_that_were_read__are_counted(void **state)
{
    (void)state;
    char bytes[1000] = {0};
    int fds[2];
    struct link_traffic traffic = LINK_TRAFFIC_INIT;
    connect_pair(fds);
    assert_int_equal(link_traffic_since_mark(&traffic), 0);
    link_traffic_open(&traffic, fds[0], 5);
    assert_int_equal(traffic.marked_ns, 5);

    assert_int_equal(send(fds[1], bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_int_equal(recv(fds[0], bytes, 600, MSG_WAITALL), 600);
    assert_int_equal(link_traffic_since_mark(&traffic), 600); /* 400 wait in the kernel */
    link_traffic_mark(&traffic, 7);
    assert_int_equal(traffic.marked_ns, 7);
    assert_int_equal(link_traffic_since_mark(&traffic), 0);
    assert_int_equal(recv(fds[0], bytes, 400, MSG_WAITALL), 400);
    assert_int_equal(link_traffic_since_mark(&traffic), 400);
    close(fds[0]);
    assert_int_equal(link_traffic_since_mark(&traffic), 0);
    close(fds[1]);
}

static void since_mark__another_connection_on_the_descriptor__is_nothing(void **state)
{
    (void)state;
    char bytes[1000] = {0};
    int old[2], other[2];
    struct link_traffic traffic = LINK_TRAFFIC_INIT;
    connect_pair(old);
    connect_pair(other);
    link_traffic_open(&traffic, old[0], 0);
    assert_int_equal(send(other[1], bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_int_equal(recv(other[0], bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
    assert_int_equal(dup2(other[0], old[0]), old[0]);
    assert_int_equal(link_traffic_since_mark(&traffic), 0);
    for (int i = 0; i < 2; i++) {
        close(old[i]);
        close(other[i]);
    }
}

/* A descriptor that is another's by now. */
static void open__socket_that_listens__is_not_followed(void **state)
{
    (void)state;
    struct link_traffic traffic = LINK_TRAFFIC_INIT;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(listen(listener, 1), 0);
    link_traffic_open(&traffic, listener, 0);
    assert_int_equal(traffic.fd, -1);
    close(listener);
}

static void open__local_socket__is_not_followed(void **state)
{
    (void)state;
    int fds[2];
    struct link_traffic traffic = LINK_TRAFFIC_INIT;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    link_traffic_open(&traffic, fds[0], 0);
    assert_int_equal(traffic.fd, -1);
    assert_int_equal(link_traffic_since_mark(&traffic), 0);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(since_mark__bytes_that_were_read__are_counted),
        cmocka_unit_test(since_mark__another_connection_on_the_descriptor__is_nothing),
        cmocka_unit_test(open__local_socket__is_not_followed),
        cmocka_unit_test(open__socket_that_listens__is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
