/* SPDX-License-Identifier: MPL-2.0 */
/* Scrapes through the whole server, with a collector that does not come back in time. */
#include "base/clock.h"
#include "support/metrics_server.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define SECONDS(n) ((uint64_t)((n)*1e9))
#define N_HUNG     60

struct fixture {
    struct metrics_server server;
    pthread_mutex_t lock;
    pthread_cond_t is_free;
    bool is_held;     /* the slow collector waits */
    bool is_unsteady; /* it takes another time for each scrape */
    unsigned n_scrapes;
    unsigned n_in_hand; /* requests that have a thread */
    char answer[65536];
};

static int collect_quick(void *state, struct samples *out, struct error *err)
{
    (void)state;
    (void)err;
    samples_add_u64(out, FAMILY_PROCESSES, LABEL_TEXT_NONE, "program=\"quick\"", 1);
    return 0;
}

/* About what the server's thread waits for, and beyond. */
static const unsigned unsteady_us[] = {0, 0, 300, 450, 500, 600, 0, 9950, 0, 10050, 20000};

static int collect_slow(void *state, struct samples *out, struct error *err)
{
    struct fixture *f = state;
    (void)err;
    pthread_mutex_lock(&f->lock);
    while (f->is_held)
        pthread_cond_wait(&f->is_free, &f->lock);
    pthread_mutex_unlock(&f->lock);
    if (f->is_unsteady)
        usleep(unsteady_us[f->n_scrapes++ % (sizeof(unsteady_us) / sizeof(*unsteady_us))]);
    samples_add_u64(out, FAMILY_PROCESSES, LABEL_TEXT_NONE, "program=\"slow\"", 1);
    return 0;
}

static void set_held(struct fixture *f, bool is_held)
{
    pthread_mutex_lock(&f->lock);
    f->is_held = is_held;
    pthread_cond_broadcast(&f->is_free);
    pthread_mutex_unlock(&f->lock);
}

/* A handler that takes a thread for as long as it is held. */
static void answer_held(void *state, const struct http_request *request,
                        struct http_response *response)
{
    struct fixture *f = state;
    (void)request;
    pthread_mutex_lock(&f->lock);
    f->n_in_hand++;
    pthread_cond_broadcast(&f->is_free);
    while (f->is_held)
        pthread_cond_wait(&f->is_free, &f->lock);
    pthread_mutex_unlock(&f->lock);
    http_response_text(response, 200, "held no more\n");
}

static int set_up_for(void **state, unsigned max_connections)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.is_free, NULL);
    const struct collector collectors[] = {
        {.name = "quick", .collect = collect_quick},
        {.name = "slow", .collect = collect_slow, .state = &f},
    };
    f.server.routes[1] = (struct http_route){"/held", HTTP_GET, HTTP_SLOW, answer_held, &f};
    metrics_server_start(&f.server, collectors, 2, max_connections);
    *state = &f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_for(state, 8);
}

static int set_up_large(void **state)
{
    return set_up_for(state, 4 * N_HUNG);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    set_held(f, false);
    metrics_server_stop(&f->server);
    return 0;
}

/* One request with these header lines: the whole answer. */
static const char *ask(const char *path, struct fixture *f, const char *headers)
{
    char request[256];
    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", path, headers);
    int fd = metrics_server_ask(&f->server, request);
    size_t size = 0;
    for (ssize_t got; (got = recv(fd, f->answer + size, sizeof(f->answer) - 1 - size, 0)) > 0;)
        size += (size_t)got;
    close(fd);
    f->answer[size] = '\0';
    return f->answer;
}

static const char *scrape(struct fixture *f, const char *headers)
{
    const char *answer = ask("/metrics", f, headers);
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
    return answer;
}

static bool has(const char *page, const char *line)
{
    return strstr(page, line) != NULL;
}

#define SUCCESS(name, value) "\nzmq_exporter_collector_success{collector=\"" name "\"} " value "\n"

static void scrape__collector_beyond_the_timeout__is_left_out_and_told(void **state)
{
    struct fixture *f = *state;
    set_held(f, true);
    for (int i = 0; i < 2; i++) { /* also the next scrape does not wait for it */
        const char *page = scrape(f, "X-Prometheus-Scrape-Timeout-Seconds: 2\r\n");
        assert_true(has(page, SUCCESS("quick", "1")) && has(page, SUCCESS("slow", "0")));
        assert_true(has(page, "\nzmq_processes{program=\"quick\"} 1\n"));
        assert_false(has(page, "program=\"slow\""));
    }
}

static void scrape__collector_back_in_time__is_there(void **state)
{
    struct fixture *f = *state;
    const char *page = scrape(f, "X-Prometheus-Scrape-Timeout-Seconds: 60\r\n");
    assert_true(has(page, SUCCESS("quick", "1")) && has(page, SUCCESS("slow", "1")));
    assert_true(has(page, "\nzmq_processes{program=\"slow\"} 1\n"));
}

static void expect_status(int fd, const char *line)
{
    char got[13];
    assert_int_equal(recv(fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
    assert_int_equal(memcmp(got, line, sizeof(got)), 0);
}

/* Of eight connections four may wait for the slow collector, so that there is room for others. */
static void scrape__a_crowd_waits__one_more_is_refused_at_once(void **state)
{
    struct fixture *f = *state;
    struct pollfd clients[5];
    set_held(f, true);
    for (int i = 0; i < 5; i++) {
        int fd = metrics_server_ask(&f->server, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        clients[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    assert_int_equal(poll(clients, 5, 9000), 1); /* whichever was the last to be read */
    set_held(f, false);
    for (int i = 0; i < 5; i++) {
        expect_status(clients[i].fd, clients[i].revents ? "HTTP/1.1 503 " : "HTTP/1.1 200 ");
        close(clients[i].fd);
    }
}

/* Of eight connections two may have a thread each; a page that must be coded wants one, too. */
static void threads__all_in_use__one_more_is_refused_at_once(void **state)
{
    struct fixture *f = *state;
    int held[2];
    set_held(f, true);
    for (unsigned i = 0; i < 2; i++)
        held[i] = metrics_server_ask(&f->server, "GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    pthread_mutex_lock(&f->lock);
    while (f->n_in_hand < 2)
        pthread_cond_wait(&f->is_free, &f->lock);
    pthread_mutex_unlock(&f->lock);

    const char *answer = ask("/held", f, "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 503 ", 13), 0);
    assert_true(has(answer, "too many requests at once\n") &&
                has(answer, "\r\nRetry-After: 1\r\n"));
    answer = ask("/metrics?collect[]=quick", f, "Accept-Encoding: gzip, identity;q=0\r\n");
    assert_int_equal(strncmp(answer, "HTTP/1.1 503 ", 13), 0);
    answer = ask("/metrics?collect[]=quick", f, "Accept-Encoding: gzip\r\n");
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
    assert_false(has(answer, "Content-Encoding"));
    assert_true(has(answer, "\nzmq_processes{program=\"quick\"} 1\n"));

    set_held(f, false);
    for (unsigned i = 0; i < 2; i++) {
        expect_status(held[i], "HTTP/1.1 200 ");
        close(held[i]);
    }
    answer = ask("/held", f, "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
}

static int ask_for(struct fixture *f, const char *query)
{
    char request[256];
    (void)snprintf(request, sizeof(request),
                   "GET /metrics%s HTTP/1.1\r\nHost: a\r\n"
                   "X-Prometheus-Scrape-Timeout-Seconds: 100\r\n\r\n",
                   query);
    return metrics_server_ask(&f->server, request);
}

/* The time until a scrape of the quick collector is answered while N_HUNG others wait. */
static uint64_t answer_beside_hung_ns(struct fixture *f)
{
    int hung[N_HUNG];
    char answer;
    set_held(f, true);
    for (int i = 0; i < N_HUNG; i++)
        hung[i] = ask_for(f, "");
    uint64_t started_ns = clock_monotonic_ns();
    int other = ask_for(f, "?collect[]=quick");
    expect_status(other, "HTTP/1.1 200 ");
    uint64_t taken_ns = clock_monotonic_ns() - started_ns;
    for (int i = 0; i < N_HUNG; i++)
        assert_int_equal(recv(hung[i], &answer, 1, MSG_DONTWAIT), -1);
    set_held(f, false);
    for (int i = 0; i < N_HUNG; i++) {
        expect_status(hung[i], "HTTP/1.1 200 ");
        close(hung[i]);
    }
    close(other);
    return taken_ns;
}

/* The server's own thread waits up to 10 ms for a page: for each of these it were N_HUNG times as
 * long, whatever the machine does, and that once is not shows that it does not. */
static void scrape__collector_hangs_for_many__others_are_answered(void **state)
{
    struct fixture *f = *state;
    bool is_held_up = true;
    for (int i = 0; i < 10 && is_held_up; i++) {
        (void)scrape(f, "");
        is_held_up = answer_beside_hung_ns(f) >= N_HUNG * 10 * CLOCK_NS_PER_MS;
    }
    assert_false(is_held_up);
}

static void scrape__collector_at_any_pace__all_are_answered(void **state)
{
    struct fixture *f = *state;
    f->is_unsteady = true;
    for (int round = 0; round < 60; round++) {
        int clients[3];
        for (int i = 0; i < 3; i++)
            clients[i] = metrics_server_ask(&f->server, i == round % 7
                                                            ? "GET /metrics HTTP/1.1\r\nHost: a\r\n"
                                                              "Accept-Encoding: gzip\r\n\r\n"
                                                            : "GET /metrics HTTP/1.1\r\n"
                                                              "Host: a\r\n\r\n");
        for (int i = 0; i < 3; i++) {
            expect_status(clients[i], "HTTP/1.1 200 ");
            close(clients[i]);
        }
    }
}

/* Some of the time is left for the answer's way; what is no time of a scrape is the default. */
static void patience__of_each_header__is_within_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } cases[] = {{NULL, 9.5}, {"10", 9.5},     {"1", 0.5},     {"0.5", 0.25},
                 {"2.5", 2},  {"9000", 119.5}, {"1e400", 9.5}, {"-1", 9.5},
                 {"0", 9.5},  {"nan", 9.5},    {"", 9.5},      {"5 s", 9.5},
                 {"5 ", 4.5}, {"5\t \t", 4.5}, {" ", 9.5},     {"banana", 9.5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint64_t patience_ns = agent_metrics_patience_ns(cases[i].text);
        if (patience_ns != SECONDS(cases[i].seconds))
            fail_msg("'%s': %.3f s", cases[i].text, (double)patience_ns / 1e9);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(scrape__collector_beyond_the_timeout__is_left_out_and_told),
        CASE(scrape__collector_back_in_time__is_there),
        CASE(threads__all_in_use__one_more_is_refused_at_once),
        CASE(scrape__a_crowd_waits__one_more_is_refused_at_once),
        cmocka_unit_test_setup_teardown(scrape__collector_hangs_for_many__others_are_answered,
                                        set_up_large, tear_down),
        CASE(scrape__collector_at_any_pace__all_are_answered),
        cmocka_unit_test(patience__of_each_header__is_within_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
