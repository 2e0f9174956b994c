/* SPDX-License-Identifier: MPL-2.0 */
/* The guard, the configuration that follows its files, and the rate limit. */
#include "http/http_guard.h"

#include "http/rate_limit.h"
#include "support/certificate.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HASH    "$2b$04$abcdefghijklmnopqrstuuc0V2ulfUAIBJAqF0ke3.8hpjGBvQfuK"
#define SECONDS 30

static char directory[64], path[128];

static void write_file(const char *name, const char *text)
{
    char file[160];
    (void)snprintf(file, sizeof(file), "%s/%s", directory, name);
    FILE *stream = fopen(file, "w");
    assert_non_null(stream);
    (void)fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
}

struct news {
    unsigned n_good, n_bad;
    char message[1024];
};

static void on_news(void *state, const struct error *error)
{
    struct news *news = state;
    if (!error) {
        news->n_good++;
        return;
    }
    news->n_bad++;
    (void)snprintf(news->message, sizeof(news->message), "%s", error->message);
}

static struct web_live *open_live(const char *text, struct news *news)
{
    struct web_live *live = NULL;
    struct error err = {{0}};
    write_file("web.yml", text);
    if (web_live_new(path, &live, &err) < 0)
        fail_msg("%s", err.message);
    *news = (struct news){0};
    web_live_set_report(live, on_news, news);
    return live;
}

static int64_t burst_of(struct web_live *live)
{
    struct web_settings *settings = web_live_get(live);
    int64_t burst = settings->config->rate_burst;
    web_settings_release(settings);
    return burst;
}

/* True once `burst` is in force; a change within the file system's tick takes a moment. */
static bool becomes(struct web_live *live, int64_t burst)
{
    time_t end = time(NULL) + SECONDS;
    while (burst_of(live) != burst && time(NULL) < end)
        (void)poll(NULL, 0, 1);
    return burst_of(live) == burst;
}

static void live__file_changes__is_in_force(void **state)
{
    (void)state;
    struct news news;
    struct web_live *live = open_live("rate_limit: {burst: 1}\n", &news);
    assert_true(web_live_has_file(live));
    assert_int_equal(burst_of(live), 1);
    for (int64_t burst = 2; burst < 8; burst++) { /* the same size, within one tick */
        char text[64];
        (void)snprintf(text, sizeof(text), "rate_limit: {burst: %d}\n", (int)burst);
        write_file("web.yml", text);
        assert_true(becomes(live, burst));
    }
    assert_true(news.n_good >= 1);
    assert_int_equal(news.n_bad, 0);
    assert_true(web_live_is_current(live));
    web_live_destroy(&live);
}

static void live__file_turns_bad__former_stays_and_one_report(void **state)
{
    (void)state;
    struct news news;
    struct web_live *live = open_live("rate_limit: {burst: 1}\n", &news);
    write_file("web.yml", "rate_limit: {brust: 2}\n");
    time_t end = time(NULL) + SECONDS;
    while (web_live_is_current(live) && time(NULL) < end)
        assert_int_equal(burst_of(live), 1);
    assert_false(web_live_is_current(live));
    assert_non_null(strstr(news.message, "unknown key 'brust' (did you mean 'burst'?)"));
    for (int i = 0; i < 200; i++) { /* longer than a tick, so the second look is in it */
        assert_int_equal(burst_of(live), 1);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(news.n_bad, 1);

    assert_int_equal(unlink(path), 0);
    end = time(NULL) + SECONDS;
    while (news.n_bad == 1 && time(NULL) < end)
        assert_int_equal(burst_of(live), 1);
    assert_int_equal(news.n_bad, 2);
    assert_non_null(strstr(news.message, "No such file or directory"));

    write_file("web.yml", "rate_limit: {burst: 3}\n");
    assert_true(becomes(live, 3));
    assert_true(web_live_is_current(live));
    assert_int_equal(news.n_good, 1);
    web_live_destroy(&live);
}

static const struct tls_setup *tls_of(struct web_live *live)
{
    struct web_settings *settings = web_live_get(live);
    const struct tls_setup *tls = settings->tls;
    web_settings_release(settings);
    return tls;
}

static void live__certificate_is_replaced__is_read_anew(void **state)
{
    (void)state;
    struct news news;
    struct certificate next;
    struct web_live *live = open_live("tls_server_config: {cert_file: a.crt, key_file: a.key}\n",
                                      &news);
    struct web_settings *held = web_live_get(live);
    certificate_make("next", &(struct certificate_options){0}, &next);

    /* The new certificate without its key is no pair. */
    certificate_write(directory, "a.crt", certificate_pem(&next));
    time_t end = time(NULL) + SECONDS;
    while (news.n_bad == 0 && time(NULL) < end)
        assert_ptr_equal(tls_of(live), held->tls);
    assert_non_null(strstr(news.message, "certificate and key cannot be used"));

    certificate_write(directory, "a.key", certificate_key_pem(&next));
    while (tls_of(live) == held->tls && time(NULL) < end)
        (void)poll(NULL, 0, 1);
    assert_ptr_not_equal(tls_of(live), held->tls);
    assert_true(web_live_is_current(live));
    web_settings_release(held);
    certificate_finish(&next);
    web_live_destroy(&live);
}

static void live__tls_is_taken_away__former_stays(void **state)
{
    (void)state;
    struct news news;
    struct web_live *live = open_live("tls_server_config: {cert_file: a.crt, key_file: a.key}\n",
                                      &news);
    write_file("web.yml", "rate_limit: {burst: 4}\n");
    time_t end = time(NULL) + SECONDS;
    while (news.n_bad == 0 && time(NULL) < end)
        assert_non_null(tls_of(live));
    assert_non_null(strstr(news.message, "TLS is switched off only by a restart"));
    web_live_destroy(&live);
}

static enum http_guard_verdict ask(struct http_guard *guard, const char *authorization)
{
    struct http_pass pass = {0};
    http_guard_begin(guard, &(struct http_guard_request){.authorization = authorization}, &pass);
    http_guard_end(&pass);
    return pass.verdict;
}

static void guard__no_file__lets_everything_pass(void **state)
{
    (void)state;
    struct http_guard *guard = NULL;
    struct error err;
    assert_int_equal(http_guard_new(NULL, &guard, &err), 0);
    assert_false(http_guard_uses_tls(guard));
    assert_int_equal(ask(guard, NULL), HTTP_GUARD_PASS);
    http_guard_destroy(&guard);
}

static void guard__limit_and_users__limit_comes_first(void **state)
{
    (void)state;
    struct news news;
    struct web_live *live = open_live(
        "rate_limit: {interval: 1h, burst: 3}\nbasic_auth_users: {dave: " HASH "}\n", &news);
    struct http_guard *guard = NULL;
    assert_int_equal(http_guard_new(live, &guard, NULL), 0);
    assert_int_equal(ask(guard, NULL), HTTP_GUARD_UNAUTHORIZED);
    assert_int_equal(ask(guard, "Bearer x"), HTTP_GUARD_UNAUTHORIZED);
    assert_int_equal(ask(guard, "Basic ZGF2ZTp4"), HTTP_GUARD_VERIFY);
    assert_int_equal(ask(guard, NULL), HTTP_GUARD_LIMITED);
    http_guard_destroy(&guard);
    web_live_destroy(&live);
}

/* How many of `n` requests pass. */
static unsigned passed(struct http_guard *guard, unsigned n)
{
    unsigned n_passed = 0;
    for (unsigned i = 0; i < n; i++)
        n_passed += ask(guard, NULL) == HTTP_GUARD_PASS;
    return n_passed;
}

static void guard__limit_changes__new_one_from_the_start(void **state)
{
    (void)state;
    struct news news;
    struct http_guard *guard = NULL;
    struct web_live *live = open_live("rate_limit: {interval: 1h, burst: 3}\n", &news);
    assert_int_equal(http_guard_new(live, &guard, NULL), 0);
    assert_int_equal(passed(guard, 10), 3);
    write_file("web.yml", "rate_limit: {interval: 59m, burst: 1000}\n");
    assert_true(becomes(live, 1000));
    assert_int_equal(passed(guard, 1500), 1000);
    write_file("web.yml", "rate_limit: {interval: 59m, burst: 2}\n");
    assert_true(becomes(live, 2));
    assert_int_equal(passed(guard, 10), 2);
    write_file("web.yml", "rate_limit: {interval: 1ns, burst: 20}\n");
    assert_true(becomes(live, 20));
    assert_int_equal(passed(guard, 20), 20);
    http_guard_destroy(&guard);
    web_live_destroy(&live);
}

static void guard__file_changes_but_not_its_limit__no_new_tokens(void **state)
{
    (void)state;
    struct news news;
    struct http_guard *guard = NULL;
    struct web_live *live = open_live("rate_limit: {interval: 1h, burst: 5}\n", &news);
    assert_int_equal(http_guard_new(live, &guard, NULL), 0);
    assert_int_equal(passed(guard, 3), 3);
    write_file("web.yml", "rate_limit: {burst: 5, interval: 60m}\nbasic_auth_users: {}\n");
    time_t end = time(NULL) + SECONDS;
    while (news.n_good == 0 && time(NULL) < end)
        (void)burst_of(live);
    assert_int_equal(news.n_good, 1);
    assert_int_equal(passed(guard, 10), 2);
    http_guard_destroy(&guard);
    web_live_destroy(&live);
}

static void guard__tls_but_no_handshake__closes(void **state)
{
    (void)state;
    struct news news;
    struct web_live *live = open_live("tls_server_config: {cert_file: a.crt, key_file: a.key, "
                                      "client_auth_type: RequireAnyClientCert}\n",
                                      &news);
    struct http_guard *guard = NULL;
    assert_int_equal(http_guard_new(live, &guard, NULL), 0);
    assert_true(http_guard_uses_tls(guard));
    assert_int_equal(ask(guard, NULL), HTTP_GUARD_CLOSE);
    assert_null(http_guard_accept(guard, NULL));

    /* Nor does a connection whose client was not judged yet. */
    gnutls_session_t session;
    assert_int_equal(gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
    struct http_guard_connection *connection = http_guard_accept(guard, session);
    struct http_pass pass = {0};
    assert_non_null(connection);
    http_guard_begin(guard, &(struct http_guard_request){.connection = connection}, &pass);
    assert_int_equal(pass.verdict, HTTP_GUARD_CLOSE);
    http_guard_end(&pass);
    gnutls_deinit(session);
    http_guard_release(connection);
    http_guard_destroy(&guard);
    web_live_destroy(&live);
}

static void guard__headers__of_the_file_replace_defaults(void **state)
{
    (void)state;
    struct news news;
    const char *value = "untouched";
    struct http_pass pass = {0};
    struct http_guard *guard = NULL;
    struct web_live *live = open_live("http_server_config: {headers: {X-Frame-Options: sameorigin, "
                                      "Content-Security-Policy: ''}}\n",
                                      &news);
    assert_int_equal(http_guard_new(live, &guard, NULL), 0);
    assert_false(http_guard_header(&pass, "X-Frame-Options", &value)); /* before any verdict */
    http_guard_begin(guard, &(struct http_guard_request){0}, &pass);
    assert_true(http_guard_header(&pass, "x-frame-options", &value));
    assert_string_equal(value, "sameorigin");
    assert_true(http_guard_header(&pass, "Content-Security-Policy", &value));
    assert_null(value);
    assert_false(http_guard_header(&pass, "X-Content-Type-Options", &value));
    http_guard_end(&pass);
    http_guard_destroy(&guard);
    web_live_destroy(&live);
}

static void rate__burst_then_interval__is_a_bucket(void **state)
{
    (void)state;
    struct rate_limit limit = {0};
    int64_t now = 1000000;
    for (int i = 0; i < 3; i++)
        assert_true(rate_limit_take(&limit, 100, 3, now));
    assert_false(rate_limit_take(&limit, 100, 3, now));
    assert_false(rate_limit_take(&limit, 100, 3, now + 99));
    assert_true(rate_limit_take(&limit, 100, 3, now + 100));
    assert_false(rate_limit_take(&limit, 100, 3, now + 199));
    now += 100000; /* full again, and no fuller */
    for (int i = 0; i < 3; i++)
        assert_true(rate_limit_take(&limit, 100, 3, now));
    assert_false(rate_limit_take(&limit, 100, 3, now));
}

static void rate__settings_at_the_edge__neither_block_nor_overflow(void **state)
{
    (void)state;
    struct rate_limit limit = {0};
    assert_true(rate_limit_take(&limit, 0, 0, 5));
    assert_true(rate_limit_take(&limit, -1, 0, 5));
    assert_false(rate_limit_take(&limit, 1, 0, 5));
    assert_false(rate_limit_take(&limit, 1, -7, 5));
    assert_true(rate_limit_take(&limit, INT64_MAX, INT64_MAX, INT64_MAX / 2));
    limit = (struct rate_limit){0};
    assert_true(rate_limit_take(&limit, INT64_MAX, 1, 0));
    assert_false(rate_limit_take(&limit, INT64_MAX, 1, 0));
}

static int make_files(void **state)
{
    (void)state;
    struct certificate server;
    temporary_directory_make(directory);
    (void)snprintf(path, sizeof(path), "%s/web.yml", directory);
    certificate_make("server", &(struct certificate_options){0}, &server);
    certificate_save(&server, directory, "a");
    certificate_finish(&server);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    temporary_directory_remove(directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live__file_changes__is_in_force),
        cmocka_unit_test(live__file_turns_bad__former_stays_and_one_report),
        cmocka_unit_test(live__tls_is_taken_away__former_stays),
        cmocka_unit_test(guard__no_file__lets_everything_pass),
        cmocka_unit_test(guard__limit_and_users__limit_comes_first),
        cmocka_unit_test(guard__limit_changes__new_one_from_the_start),
        cmocka_unit_test(guard__file_changes_but_not_its_limit__no_new_tokens),
        cmocka_unit_test(guard__tls_but_no_handshake__closes),
        cmocka_unit_test(guard__headers__of_the_file_replace_defaults),
        cmocka_unit_test(live__certificate_is_replaced__is_read_anew),
        cmocka_unit_test(rate__burst_then_interval__is_a_bucket),
        cmocka_unit_test(rate__settings_at_the_edge__neither_block_nor_overflow),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
