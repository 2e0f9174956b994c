/* SPDX-License-Identifier: MPL-2.0 */
/* Concurrent scrapes through the whole server, of pages that are sent whole and of pages that are
 * sent in pieces, while every number changes from scrape to scrape: each page is one scrape's. */
#include "base/cleanup.h"
#include "metrics/labels.h"

#include "support/metrics_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_CLIENTS 4
#define N_SCRAPES 5
#define N_WHOLE   1000
#define N_PIECES  60000

static struct fixture {
    struct metrics_server server;
    struct string_buffer labels[N_PIECES];
    size_t n_series;
    uint64_t turn;
} fixture;

static uint64_t value_of(uint64_t turn, size_t i)
{
    return turn * (i % 1000 + 1) * (i % 7 ? 1 : 1000003);
}

static int collect(void *state, struct samples *out, struct error *err)
{
    struct fixture *f = state;
    (void)err;
    f->turn++;
    for (size_t i = 0; i < f->n_series; i++) {
        struct label_text labels = {f->labels[i].data, (uint32_t)f->labels[i].size};
        samples_add_u64(out, FAMILY_SOCKETS, labels, NULL, value_of(f->turn, i));
    }
    return 0;
}

static void set_up(struct fixture *f, size_t n_series)
{
    const struct collector collector = {.name = "many", .collect = collect, .state = f};
    memset(f, 0, sizeof(*f));
    f->n_series = n_series;
    for (size_t i = 0; i < n_series; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%zu%.*s", i, (int)(i % 9), "aaaaaaaaa");
        labels_append(&f->labels[i], "address", text);
    }
    metrics_server_start(&f->server, &collector, 1, 64);
}

static void tear_down(struct fixture *f)
{
    metrics_server_stop(&f->server);
    for (size_t i = 0; i < f->n_series; i++)
        string_buffer_finish(&f->labels[i]);
}

/* One answer to its end; the connection is closed by then. */
static void fetch(struct fixture *f, struct string_buffer *answer)
{
    int fd = metrics_server_ask(&f->server, "GET /metrics HTTP/1.1\r\nHost: a\r\n"
                                            "Connection: close\r\n\r\n");
    for (;;) {
        char *place = string_buffer_reserve(answer, 65536);
        assert_non_null(place);
        ssize_t n = recv(fd, place, 65536, 0);
        assert_true(n >= 0);
        answer->size += (size_t)n;
        answer->data[answer->size] = '\0';
        if (n == 0)
            break;
    }
    close(fd);
}

static void check_page(struct fixture *f, const struct string_buffer *answer)
{
    const char *body = strstr(answer->data, "\r\n\r\n"),
               *length = strstr(answer->data, "Content-Length: ");
    assert_true(body && length && length < body);
    body += 4;
    assert_int_equal(strtoul(length + strlen("Content-Length: "), NULL, 10), strlen(body));

    const char *at = strstr(body, "\nzmq_sockets{");
    assert_non_null(at);
    uint64_t turn = strtoull(strchr(at, '}') + 1, NULL, 10) / value_of(1, 0);
    at++;
    for (size_t i = 0; i < f->n_series; i++) {
        char line[128];
        int n = snprintf(line, sizeof(line), "zmq_sockets{%s} %llu\n", f->labels[i].data,
                         (unsigned long long)value_of(turn, i));
        if (strncmp(at, line, (size_t)n) != 0)
            fail_msg("line %zu is '%.60s', not '%s'", i, at, line);
        at += n;
    }
    assert_int_equal(*at, '#');
}

static void *scrape(void *state)
{
    for (int i = 0; i < N_SCRAPES; i++) {
        cleanup(string_buffer_finish) struct string_buffer answer = {0};
        fetch(state, &answer);
        check_page(state, &answer);
    }
    return NULL;
}

static void scrape_concurrently(size_t n_series)
{
    pthread_t clients[N_CLIENTS];
    set_up(&fixture, n_series);
    for (int i = 0; i < N_CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, scrape, &fixture), 0);
    for (int i = 0; i < N_CLIENTS; i++)
        pthread_join(clients[i], NULL);
    tear_down(&fixture);
}

static void scrapes__concurrent_of_whole_pages__are_one_scrape_each(void **state)
{
    (void)state;
    scrape_concurrently(N_WHOLE);
}

static void scrapes__concurrent_of_pages_in_pieces__are_one_scrape_each(void **state)
{
    (void)state;
    scrape_concurrently(N_PIECES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scrapes__concurrent_of_whole_pages__are_one_scrape_each),
        cmocka_unit_test(scrapes__concurrent_of_pages_in_pieces__are_one_scrape_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
