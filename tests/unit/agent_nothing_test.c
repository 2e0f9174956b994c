/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What ends a thing takes one that is not there, one that is zeroed, and the same one twice: that
 * is what lets a constructor that fails half-way end all it has, and nothing else.
 */
#include "agent/page_pool.h"
#include "collectors/probe/probe_endpoint.h"
#include "collectors/probe/probe_pool.h"
#include "collectors/probe/resolver.h"
#include "collectors/probe/stream_numbers.h"
#include "collectors/runner.h"
#include "collectors/tap/tap_process.h"
#include "config/exporter_config.h"
#include "config/probe_targets.h"
#include "http/auth.h"
#include "http/http_connections.h"
#include "http/http_guard.h"
#include "http/http_server.h"
#include "http/http_workers.h"
#include "http/tls_setup.h"
#include "http/web_config.h"
#include "http/web_live.h"
#include "metrics/gzip.h"
#include "metrics/samples.h"
#include "segment/segment_reader.h"

#include "support/cmocka.h"

#define DESTROY_NOTHING(type)                                                                      \
    do {                                                                                           \
        struct type *nothing = NULL;                                                               \
        type##_destroy(&nothing);                                                                  \
        assert_null(nothing);                                                                      \
    } while (0)

static void destroy__what_is_not_there__does_nothing(void **state)
{
    (void)state;
    DESTROY_NOTHING(auth);
    DESTROY_NOTHING(config_document);
    DESTROY_NOTHING(gzip);
    DESTROY_NOTHING(http_connections);
    DESTROY_NOTHING(http_guard);
    DESTROY_NOTHING(http_server);
    DESTROY_NOTHING(http_workers);
    DESTROY_NOTHING(page_pool);
    DESTROY_NOTHING(probe_endpoint);
    DESTROY_NOTHING(probe_pool);
    DESTROY_NOTHING(resolver);
    DESTROY_NOTHING(runner);
    DESTROY_NOTHING(scrape);
    DESTROY_NOTHING(stream_numbers);
    DESTROY_NOTHING(tls_setup);
    DESTROY_NOTHING(web_config);
    DESTROY_NOTHING(web_live);
    struct tap_process *process = NULL;
    tap_process_destroy(&process, 0);
    struct exporter_config *config = NULL;
    exporter_config_unref(&config);
    web_settings_release(NULL);
    http_guard_release(NULL);
}

static void destroy__twice__is_once(void **state)
{
    (void)state;
    struct auth *auth = NULL;
    struct runner *runner = NULL;
    struct page_pool *pages = NULL;
    struct http_workers *workers = NULL;
    assert_int_equal(auth_new(&auth), 0);
    assert_int_equal(runner_new(&runner), 0);
    assert_int_equal(page_pool_new(&pages), 0);
    assert_int_equal(http_workers_new(2, &workers), 0);
    for (unsigned i = 0; i < 2; i++) {
        auth_destroy(&auth);
        runner_destroy(&runner);
        page_pool_destroy(&pages);
        http_workers_destroy(&workers);
        assert_true(!auth && !runner && !pages && !workers);
    }
}

static void finish__what_is_zeroed__stays_so(void **state)
{
    (void)state;
    struct probe_targets targets = {0};
    struct probe_settings settings = {0};
    struct string_buffer text = {0};
    struct http_response response = {0};
    struct segment_reader reader = {.fd = -1};
    struct samples samples;
    probe_targets_finish(&targets);
    probe_settings_finish(&settings);
    string_buffer_finish(&text);
    http_response_finish(&response);
    segment_reader_close(&reader);
    samples_init(&samples);
    for (unsigned i = 0; i < 2; i++)
        samples_finish(&samples);
    assert_int_equal(reader.fd, -1);
    assert_null(text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroy__what_is_not_there__does_nothing),
        cmocka_unit_test(destroy__twice__is_once),
        cmocka_unit_test(finish__what_is_zeroed__stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
