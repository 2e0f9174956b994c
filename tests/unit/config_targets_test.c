/* SPDX-License-Identifier: MPL-2.0 */
#include "config/probe_targets.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

/* Whether the one pattern allows the endpoint. */
static bool allows(const char *pattern, const char *endpoint)
{
    struct config_document *document = NULL;
    struct probe_targets targets = {0};
    struct endpoint_address address;
    struct error err = {0};
    char text[256];
    int n = snprintf(text, sizeof(text), "t: ['%s']", pattern);
    assert_int_equal(config_document_parse("x.yml", text, (size_t)n, &document, &err), 0);
    const struct config_node *list = config_node_find(config_document_root(document), "t");
    if (probe_targets_read(list, &targets, &err) < 0)
        fail_msg("%s", err.message);
    if (endpoint_address_parse(endpoint, false, &address, &err) < 0)
        fail_msg("%s: %s", endpoint, err.message);
    bool is_allowed = probe_targets_allow(&targets, &address);
    probe_targets_finish(&targets);
    config_document_destroy(&document);
    return is_allowed;
}

static void allow__no_pattern__is_closed(void **state)
{
    (void)state;
    struct probe_targets none = {0};
    struct endpoint_address address;
    struct error err;
    assert_int_equal(endpoint_address_parse("tcp://127.0.0.1:1", false, &address, &err), 0);
    assert_false(probe_targets_allow(&none, &address));
}

static void allow__name__matches_label_by_label(void **state)
{
    (void)state;
    assert_true(allows("tcp://feed.example.org:5556", "tcp://feed.example.org:5556"));
    assert_true(allows("tcp://feed.example.org:5556", "tcp://FEED.example.org:5556"));
    assert_false(allows("tcp://feed.example.org:5556", "tcp://feed.example.org:5557"));
    assert_false(allows("tcp://feed.example.org:5556", "tcp://feed.example.org.evil:5556"));
    assert_true(allows("tcp://*.example.org:1", "tcp://a.example.org:1"));
    assert_true(allows("tcp://f*.example.org:1", "tcp://feed.example.org:1"));
    assert_false(allows("tcp://*.example.org:1", "tcp://example.org:1"));
    assert_false(allows("tcp://*.example.org:1", "tcp://a.b.example.org:1"));
    assert_false(allows("tcp://a.*:1", "tcp://a.example.org:1"));
}

static void allow__port__is_in_the_range(void **state)
{
    (void)state;
    assert_true(allows("tcp://a:10-20", "tcp://a:10"));
    assert_true(allows("tcp://a:10-20", "tcp://a:20"));
    assert_false(allows("tcp://a:10-20", "tcp://a:9"));
    assert_false(allows("tcp://a:10-20", "tcp://a:21"));
    assert_true(allows("tcp://a:*", "tcp://a:65535"));
}

static void allow__network__matches_addresses_only(void **state)
{
    (void)state;
    assert_true(allows("tcp://10.1.0.0/16:1", "tcp://10.1.255.7:1"));
    assert_false(allows("tcp://10.1.0.0/16:1", "tcp://10.2.0.0:1"));
    assert_true(allows("tcp://10.1.4.0/22:1", "tcp://10.1.7.1:1"));
    assert_false(allows("tcp://10.1.4.0/22:1", "tcp://10.1.8.1:1"));
    assert_true(allows("tcp://127.0.0.1:1", "tcp://127.0.0.1:1"));
    assert_false(allows("tcp://127.0.0.1:1", "tcp://127.0.0.2:1"));
    assert_true(allows("tcp://0.0.0.0/0:1", "tcp://192.0.2.1:1"));
    assert_false(allows("tcp://0.0.0.0/0:1", "tcp://[::1]:1"));
    assert_true(allows("tcp://[2001:db8::]/33:1", "tcp://[2001:db8:7fff::1]:1"));
    assert_false(allows("tcp://[2001:db8::]/33:1", "tcp://[2001:db8:8000::1]:1"));
    assert_false(allows("tcp://0.0.0.0/0:1", "tcp://localhost:1"));
    assert_false(allows("tcp://*:1", "tcp://127.0.0.1:1"));
    assert_false(allows("tcp://*.*.*.org:1", "tcp://127.0.0.1:1"));
}

static void allow__path__matches_component_by_component(void **state)
{
    (void)state;
    assert_true(allows("ipc:///run/feed/*", "ipc:///run/feed/a.sock"));
    assert_false(allows("ipc:///run/feed/*", "ipc:///run/feed/a/b.sock"));
    assert_false(allows("ipc:///run/feed/*", "ipc:///run/feed/.hidden"));
    assert_false(allows("ipc:///run/*/x", "ipc:///run/../x"));
    assert_false(allows("ipc:///run/feed/*", "tcp://a:1"));
    assert_true(allows("ipc://@feed-*", "ipc://@feed-1"));
    assert_false(allows("ipc://@feed-*", "ipc:///feed-1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allow__no_pattern__is_closed),
        cmocka_unit_test(allow__name__matches_label_by_label),
        cmocka_unit_test(allow__port__is_in_the_range),
        cmocka_unit_test(allow__network__matches_addresses_only),
        cmocka_unit_test(allow__path__matches_component_by_component),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
