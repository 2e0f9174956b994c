/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_connections.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 30000
#define N_CLIENTS   6

/* Both ends of a connection: the server's descriptor and the client's. */
struct client {
    int server_fd, client_fd;
    struct http_connection *connection;
};

static struct http_stats stats;

static struct http_connections *make(struct http_patience patience, unsigned max_open)
{
    struct http_connections *made;
    const struct http_connections_options options = {
        .max_open = max_open, .max_large = 1, .patience = patience, .stats = &stats};
    memset(&stats, 0, sizeof(stats));
    assert_int_equal(http_connections_new(&options, &made), 0);
    return made;
}

static struct client connect_client(struct http_connections *all)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return (struct client){fds[0], fds[1], http_connection_opened(all, fds[0])};
}

static void end(struct client *client)
{
    http_connection_closed(client->connection);
    close(client->server_fd);
    if (client->client_fd >= 0)
        close(client->client_fd);
}

/* Whether the server has shut it down; waits for it if `timeout_ms` says so. */
static bool is_shut(const struct client *client, int timeout_ms)
{
    struct pollfd end = {.fd = client->client_fd, .events = POLLRDHUP};
    return poll(&end, 1, timeout_ms) == 1;
}

/* The server sends, and the client takes what came before. */
static void take_some(const struct client *client)
{
    char bytes[64] = {0};
    ssize_t n = recv(client->client_fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    n = send(client->server_fd, bytes, n > 1 ? 1 : 2, MSG_NOSIGNAL);
    assert_true(n > 0);
}

static unsigned limited(enum http_limit limit)
{
    return (unsigned)http_stats_get(&stats.limits[limit]);
}

static const struct http_patience long_patience = {3600, 3600, 3600};

static void opened__too_many__shuts_the_one_that_did_not_move_for_longest(void **state)
{
    (void)state;
    struct http_connections *all = make(long_patience, 3);
    struct client clients[N_CLIENTS];
    for (int i = 0; i < 3; i++)
        clients[i] = connect_client(all);
    http_connection_works(clients[0].connection); /* its handler works: it is never shut down */
    clients[3] = connect_client(all);
    assert_true(is_shut(&clients[1], DEADLINE_MS));
    clients[4] = connect_client(all);
    assert_true(is_shut(&clients[2], DEADLINE_MS));
    assert_false(is_shut(&clients[0], 0) || is_shut(&clients[3], 0) || is_shut(&clients[4], 0));
    assert_int_equal(limited(HTTP_LIMIT_CONNECTIONS), 2);
    assert_int_equal(http_stats_get(&stats.connections), 5);
    for (int i = 0; i < 5; i++)
        end(&clients[i]);
    assert_int_equal(http_stats_get(&stats.closed_connections), 5);
    http_connections_destroy(&all);
}

/* A scraper is idle for longer than any of a crowd that begins requests and never ends them. */
static void opened__too_many_of_one_kind__spares_the_others(void **state)
{
    (void)state;
    struct http_connections *all = make(long_patience, 3);
    struct client scraper = connect_client(all), clients[N_CLIENTS];
    http_connection_works(scraper.connection);
    http_connection_rests(scraper.connection);
    for (int i = 0; i < N_CLIENTS; i++)
        clients[i] = connect_client(all);
    for (int i = 0; i < N_CLIENTS - 2; i++)
        assert_true(is_shut(&clients[i], DEADLINE_MS));
    assert_false(is_shut(&scraper, 0));
    end(&scraper);
    for (int i = 0; i < N_CLIENTS; i++)
        end(&clients[i]);
    http_connections_destroy(&all);
}

/* Of a crowd that has asked and takes its answers, the one that takes none. */
static void opened__too_many_answers__shuts_the_one_that_takes_none(void **state)
{
    (void)state;
    struct http_connections *all = make(long_patience, 3);
    struct client clients[4];
    for (int i = 0; i < 3; i++) {
        clients[i] = connect_client(all);
        http_connection_answers(clients[i].connection, 10);
    }
    take_some(&clients[0]);
    clients[3] = connect_client(all);
    assert_true(is_shut(&clients[1], DEADLINE_MS));
    assert_false(is_shut(&clients[0], 0) || is_shut(&clients[2], 0));
    for (int i = 0; i < 4; i++)
        end(&clients[i]);
    http_connections_destroy(&all);
}

static void time__is_up__shuts_each_by_its_rule(void **state)
{
    (void)state;
    struct http_connections *all = make((struct http_patience){1, 3600, 1}, 100);
    struct client request = connect_client(all), idle = connect_client(all);
    struct client answer = connect_client(all), work = connect_client(all);
    http_connection_rests(idle.connection);
    http_connection_answers(answer.connection, 10);
    http_connection_works(work.connection);
    assert_true(is_shut(&request, DEADLINE_MS));
    assert_true(is_shut(&answer, DEADLINE_MS));
    assert_false(is_shut(&idle, 0) || is_shut(&work, 0));
    assert_int_equal(limited(HTTP_LIMIT_REQUEST_TIME), 1);
    assert_int_equal(limited(HTTP_LIMIT_ANSWER_TIME), 1);
    end(&request);
    end(&idle);
    end(&answer);
    end(&work);
    http_connections_destroy(&all);
}

static struct client connect_with_tcp(struct http_connections *all)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *any = (struct sockaddr *)(void *)&address;
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, any, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, any, &size), 0);
    assert_int_equal(connect(client, any, size), 0);
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server >= 0);
    close(listener);
    return (struct client){server, client, http_connection_opened(all, server)};
}

/* As the library reads: at once. False: it has been shut down. */
static bool drip(const struct client *client)
{
    char byte = 'G';
    return send(client->client_fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
           recv(client->server_fd, &byte, 1, 0) == 1;
}

static void time__of_a_later_request__is_as_long_as_of_the_first(void **state)
{
    (void)state;
    struct http_connections *all = make((struct http_patience){1, 3600, 3600}, 100);
    struct client begins = connect_client(all), idle = connect_with_tcp(all);
    struct client drips = connect_with_tcp(all);
    assert_true(drip(&drips) && drip(&idle));
    http_connection_rests(idle.connection);
    http_connection_rests(drips.connection);
    http_connection_rests(begins.connection);
    http_connection_begins(begins.connection);
    assert_true(is_shut(&begins, DEADLINE_MS));
    assert_int_equal(limited(HTTP_LIMIT_REQUEST_TIME), 1);
    for (int waited_ms = 0; limited(HTTP_LIMIT_REQUEST_TIME) < 2; waited_ms += 500) {
        (void)drip(&drips);
        (void)is_shut(&drips, 500);
        assert_true(waited_ms < DEADLINE_MS);
    }
    assert_true(is_shut(&drips, 0));
    assert_false(is_shut(&idle, 0));
    end(&begins);
    end(&idle);
    end(&drips);
    http_connections_destroy(&all);
}

/* Each piece taken is progress, but the answer as a whole has its time too. */
static void time__of_a_large_answer__is_not_prolonged_by_pieces(void **state)
{
    (void)state;
    struct http_connections *all = make((struct http_patience){3600, 3600, 1}, 100);
    struct client client = connect_client(all);
    http_connection_answers(client.connection, HTTP_LARGE_ANSWER + 1);
    for (int waited_ms = 0; !is_shut(&client, 20); waited_ms += 20) {
        take_some(&client);
        assert_true(waited_ms < DEADLINE_MS);
    }
    assert_int_equal(limited(HTTP_LIMIT_ANSWER_TIME), 1);
    end(&client);
    http_connections_destroy(&all);
}

static void large_answers__too_many__shuts_the_one_that_stalls(void **state)
{
    (void)state;
    struct http_connections *all = make(long_patience, 100);
    struct client stalls = connect_client(all), moves = connect_client(all);
    http_connection_answers(stalls.connection, HTTP_LARGE_ANSWER + 1);
    http_connection_answers(moves.connection, HTTP_LARGE_ANSWER + 1);
    for (int waited_ms = 0; !is_shut(&stalls, 10); waited_ms += 10) {
        take_some(&moves);
        assert_true(waited_ms < DEADLINE_MS);
    }
    assert_false(is_shut(&moves, 0));
    assert_int_equal(limited(HTTP_LIMIT_ANSWERS), 1);
    end(&stalls);
    end(&moves);
    http_connections_destroy(&all);
}

static void large_answers__far_too_many_and_all_move__shuts_one(void **state)
{
    (void)state;
    struct http_connections *all = make(long_patience, 100);
    struct client clients[5];
    for (int i = 0; i < 5; i++) {
        clients[i] = connect_client(all);
        for (int k = 0; k <= i; k++)
            take_some(&clients[k]);
        http_connection_answers(clients[i].connection, HTTP_LARGE_ANSWER + 1);
    }
    int n_shut = 0;
    for (int i = 0; i < 5; i++)
        n_shut += is_shut(&clients[i], 0);
    assert_int_equal(n_shut, 1);
    assert_false(is_shut(&clients[4], 0));
    assert_int_equal(limited(HTTP_LIMIT_ANSWERS), 1);
    for (int i = 0; i < 5; i++)
        end(&clients[i]);
    http_connections_destroy(&all);
}

static void other_side__gone_unnoticed__is_shut_without_a_limit(void **state)
{
    (void)state;
    struct http_connections *all = make(long_patience, 100);
    struct client client = connect_client(all);
    struct pollfd server = {.fd = client.server_fd, .events = POLLRDHUP};
    assert_int_equal(shutdown(client.client_fd, SHUT_WR), 0);
    assert_true(is_shut(&client, DEADLINE_MS));
    assert_int_equal(poll(&server, 1, DEADLINE_MS), 1);
    for (int i = 0; i < HTTP_N_LIMITS; i++)
        assert_int_equal(limited((enum http_limit)i), 0);
    end(&client);
    http_connections_destroy(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opened__too_many__shuts_the_one_that_did_not_move_for_longest),
        cmocka_unit_test(opened__too_many_of_one_kind__spares_the_others),
        cmocka_unit_test(opened__too_many_answers__shuts_the_one_that_takes_none),
        cmocka_unit_test(time__is_up__shuts_each_by_its_rule),
        cmocka_unit_test(time__of_a_later_request__is_as_long_as_of_the_first),
        cmocka_unit_test(time__of_a_large_answer__is_not_prolonged_by_pieces),
        cmocka_unit_test(large_answers__too_many__shuts_the_one_that_stalls),
        cmocka_unit_test(large_answers__far_too_many_and_all_move__shuts_one),
        cmocka_unit_test(other_side__gone_unnoticed__is_shut_without_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
