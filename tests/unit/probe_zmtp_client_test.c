/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/zmtp_client.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE_MS 20000

static unsigned n_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void start__refused_at_once__keeps_no_descriptor(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, "/nowhere/at/all");
    unsigned before = n_descriptors();
    for (int i = 0; i < 10; i++) {
        struct zmtp_client client = ZMTP_CLIENT_INIT;
        assert_int_equal(
            zmtp_client_start(&client, (const struct sockaddr *)&address, sizeof(address)),
            -ENOENT);
    }
    assert_int_equal(n_descriptors(), before);
}

static int listen_at(struct sockaddr_in *ret_address)
{
    socklen_t size = sizeof(*ret_address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (const struct sockaddr *)ret_address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, &size), 0);
    return fd;
}

/* Steps, when there is something to do, until it has left the state. */
static enum zmtp_client_state leave(struct zmtp_client *client, enum zmtp_client_state left)
{
    enum zmtp_client_state now = client->state;
    while (now == left) {
        uint32_t wants = zmtp_client_wants(client);
        struct pollfd event = {
            .fd = client->fd,
            .events = (short)((wants & EPOLLIN ? POLLIN : 0) | (wants & EPOLLOUT ? POLLOUT : 0))};
        if (poll(&event, 1, DEADLINE_MS) != 1)
            fail_msg("nothing comes in state %d", (int)left);
        now = zmtp_client_step(client);
    }
    return now;
}

static void start__listener__is_connected_in_time_and_greets(void **state)
{
    struct zmtp_client client = ZMTP_CLIENT_INIT;
    struct sockaddr_in address;
    unsigned char first[10];
    (void)state;
    int listener_fd = listen_at(&address);
    assert_int_equal(zmtp_client_start(&client, (const struct sockaddr *)&address, sizeof(address)),
                     0);
    assert_true(client.started_ns > 0);
    assert_int_equal(leave(&client, ZMTP_CLIENT_CONNECTING), ZMTP_CLIENT_GREETING);
    assert_true(client.connected_ns >= client.started_ns);
    int peer_fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
    while (zmtp_client_wants(&client) & EPOLLOUT)
        assert_int_equal(zmtp_client_step(&client), ZMTP_CLIENT_GREETING);
    assert_int_equal(zmtp_client_wants(&client), EPOLLIN);
    assert_int_equal(recv(peer_fd, first, sizeof(first), MSG_WAITALL), sizeof(first));
    assert_int_equal(first[0], 0xff);
    assert_int_equal(first[9], 0x7f);
    close(peer_fd);
    assert_int_equal(leave(&client, ZMTP_CLIENT_GREETING), ZMTP_CLIENT_FAILED);
    zmtp_client_finish(&client);
    close(listener_fd);
}

static void start__nobody_listens__fails_with_the_reason(void **state)
{
    struct zmtp_client client = ZMTP_CLIENT_INIT;
    struct sockaddr_in address;
    (void)state;
    close(listen_at(&address));
    int r = zmtp_client_start(&client, (const struct sockaddr *)&address, sizeof(address));
    if (r == 0) {
        assert_int_equal(leave(&client, ZMTP_CLIENT_CONNECTING), ZMTP_CLIENT_FAILED);
        assert_int_equal(client.cause, ZMTP_CLIENT_TRANSPORT);
        assert_int_equal(client.code, ECONNREFUSED);
        assert_int_equal(client.connected_ns, 0);
    } else {
        assert_int_equal(r, -ECONNREFUSED);
    }
    zmtp_client_finish(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start__refused_at_once__keeps_no_descriptor),
        cmocka_unit_test(start__listener__is_connected_in_time_and_greets),
        cmocka_unit_test(start__nobody_listens__fails_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
