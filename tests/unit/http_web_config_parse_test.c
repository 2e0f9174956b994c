/* SPDX-License-Identifier: MPL-2.0 */
/* What a good web configuration is read as. */
#include "http/web_config.h"

#include "support/cmocka.h"

#include <string.h>

#define HASH "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq"

static void parse__good_file__has_every_value(void **state)
{
    (void)state;
    static const char text[] =
        "tls_server_config:\n  cert: C\n  key: K\n  client_ca: A\n"
        "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [x, y]\n"
        "  min_version: TLS11\n  max_version: TLS12\n  prefer_server_cipher_suites: no\n"
        "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,\n"
        "    TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
        "  curve_preferences: [CurveP521, X25519]\n"
        "http_server_config:\n  headers:\n    Content-Security-Policy: |\n      a\n      b\n"
        "    Strict-Transport-Security:\n"
        "rate_limit: {interval: 1m, burst: 3}\n"
        "basic_auth_users:\n  alice: " HASH "\n";
    struct web_config *config = NULL;
    struct error err;
    assert_int_equal(web_config_parse("dir/web.yml", text, strlen(text), &config, &err), 0);
    assert_true(config->tls.is_enabled);
    assert_string_equal(config->tls.key, "K");
    assert_null(config->tls.key_file);
    assert_int_equal(config->tls.client_auth, WEB_CLIENT_REQUIRE_ANY);
    assert_int_equal(config->tls.allowed_sans->n_children, 2);
    assert_int_equal(config->tls.min_version, WEB_TLS11);
    assert_int_equal(config->tls.max_version, WEB_TLS12);
    assert_false(config->tls.prefers_own_ciphers);
    assert_int_equal(config->tls.ciphers.n, 2);
    assert_int_equal(config->tls.ciphers.items[1], WEB_ECDHE_RSA_AES256_CBC_SHA);
    assert_int_equal(config->tls.curves.items[0], WEB_CURVE_P521);
    assert_string_equal(config->headers[WEB_HEADER_CONTENT_SECURITY_POLICY], "a b");
    assert_string_equal(config->headers[WEB_HEADER_STRICT_TRANSPORT_SECURITY], "");
    assert_null(config->headers[WEB_HEADER_FRAME_OPTIONS]);
    assert_int_equal(config->rate_interval_ns, 60000000000);
    assert_int_equal(config->rate_burst, 3);
    assert_int_equal(config->n_users, 1);
    assert_string_equal(config->users[0].hash, HASH);
    assert_int_equal(config->users[0].cost, 10);
    web_config_destroy(&config);
}

static void parse__relative_paths__are_beside_the_file(void **state)
{
    (void)state;
    static const char text[] = "tls_server_config: {cert_file: a/c.pem, key_file: /k.pem}";
    struct web_config *config = NULL;
    struct error err;
    assert_int_equal(web_config_parse("dir/web.yml", text, strlen(text), &config, &err), 0);
    assert_string_equal(config->tls.cert_file, "dir/a/c.pem");
    assert_string_equal(config->tls.key_file, "/k.pem");
    web_config_destroy(&config);
}

static void parse_duration__any_text__is_read_as_go_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        int64_t ns;
    } cases[] = {
        {"0", true, 0},
        {"1s", true, 1000000000},
        {"-1.5h", true, -5400000000000},
        {"+5us", true, 5000},
        {"3\xc2\xb5s", true, 3000},
        {"1m30s", true, 90000000000},
        {".5s", true, 500000000},
        {"1.s", true, 1000000000},
        {"1.0000000009s", true, 1000000000},
        {"2562047h", true, 9223369200000000000},
        {"2562048h", false, 0},
        {"99999999999999999999s", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"s", false, 0},
        {".s", false, 0},
        {"1", false, 0},
        {"1d", false, 0},
        {"1 s", false, 0},
        {"1s ", false, 0},
        {"1S", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t ns = 7;
        if (web_config_parse_duration(cases[i].text, &ns) != cases[i].is_good ||
            (cases[i].is_good && ns != cases[i].ns))
            fail_msg("'%s' gave %lld", cases[i].text, (long long)ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__good_file__has_every_value),
        cmocka_unit_test(parse__relative_paths__are_beside_the_file),
        cmocka_unit_test(parse_duration__any_text__is_read_as_go_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
