/* SPDX-License-Identifier: MPL-2.0 */
/* Handshakes between a GnuTLS client and a server session that tls_peer_begin() set up. */
#include "http/tls.h"

#include "support/certificate.h"
#include "support/temporary_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALL_VERSIONS "NORMAL:+VERS-ALL:%PROFILE_VERY_WEAK"
#define IP_V4        "\x0a\x00\x00\x01"
#define IP_MAPPED    "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1"
#define IP_V6        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"

static char directory[64];
static struct certificate client_ca, other_ca, good, foreign, expired, for_servers, alone, named,
    mapped;

/* In place of the library's: the system of these tests trusts `other_ca`. */
int gnutls_certificate_set_x509_system_trust(gnutls_certificate_credentials_t credentials)
{
    return gnutls_certificate_set_x509_trust(credentials, &other_ca.crt, 1);
}

struct outcome {
    bool is_served;     /* both handshakes ended well and the server accepts the peer */
    bool is_known_peer; /* the server saw a certificate */
    gnutls_alert_description_t alert; /* that the client got, if any */
    char cipher[128];
};

/* The settings' text, without the certificates' rows, and what the client brings. */
struct scene {
    const char *rules;
    const char *client_priority; /* NULL: all versions */
    const struct certificate *client;
    const char *server; /* its files' name; NULL: "ec" */
};

static struct web_config *make_config(const struct scene *scene)
{
    char name[128], text[2048];
    struct web_config *config = NULL;
    struct error err = {{0}};
    const char *server = scene->server ? scene->server : "ec";
    (void)snprintf(name, sizeof(name), "%s/web.yml", directory);
    (void)snprintf(text, sizeof(text),
                   "http_server_config: {http2: false}\ntls_server_config:\n  cert_file: %s.crt\n"
                   "  key_file: %s.key\n%s",
                   server, server, scene->rules);
    if (web_config_parse(name, text, strlen(text), &config, &err) < 0)
        fail_msg("%s", err.message);
    return config;
}

static gnutls_session_t client_session(int fd, const struct scene *scene,
                                       gnutls_certificate_credentials_t *credentials)
{
    gnutls_session_t session;
    assert_int_equal(
        gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_FORCE_CLIENT_CERT), 0);
    assert_int_equal(
        gnutls_priority_set_direct(
            session, scene->client_priority ? scene->client_priority : ALL_VERSIONS, NULL),
        0);
    assert_int_equal(gnutls_certificate_allocate_credentials(credentials), 0);
    if (scene->client) {
        gnutls_x509_crt_t chain[] = {scene->client->crt};
        assert_int_equal(
            gnutls_certificate_set_x509_key(*credentials, chain, 1, scene->client->key), 0);
    }
    assert_int_equal(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, *credentials), 0);
    gnutls_transport_set_int(session, fd);
    return session;
}

static bool is_fatal(int r)
{
    return r < 0 && gnutls_error_is_fatal(r);
}

/* Each side in turn until both are done or one has failed. */
static void shake_hands(gnutls_session_t client, gnutls_session_t server, struct outcome *ret)
{
    int c = GNUTLS_E_AGAIN, s = GNUTLS_E_AGAIN;
    while ((c != 0 || s != 0) && !is_fatal(c) && !is_fatal(s)) {
        if (c != 0)
            c = gnutls_handshake(client);
        if (s != 0 && !is_fatal(c))
            s = gnutls_handshake(server);
    }
    ret->is_served = c == 0 && s == 0;
    if (!is_fatal(s))
        return;
    /* With TLS 1.3 the client is done before its certificate is judged. */
    char byte;
    if (c == 0)
        c = (int)gnutls_record_recv(client, &byte, 1);
    else
        c = gnutls_handshake(client);
    if (c == GNUTLS_E_FATAL_ALERT_RECEIVED)
        ret->alert = gnutls_alert_get(client);
}

static struct outcome play(const struct scene *scene)
{
    struct outcome outcome = {.alert = GNUTLS_A_CLOSE_NOTIFY};
    struct error err = {{0}};
    struct web_config *config = make_config(scene);
    struct tls_setup *setup = NULL;
    if (tls_setup_new(&config->tls, &setup, &err) < 0)
        fail_msg("%s", err.message);

    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t client = client_session(fds[0], scene, &credentials);
    gnutls_session_t server;
    struct tls_peer peer;
    assert_int_equal(gnutls_init(&server, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
    assert_int_equal(tls_peer_begin(&peer, setup, server), 0);
    gnutls_transport_set_int(server, fds[1]);

    shake_hands(client, server, &outcome);
    outcome.is_known_peer = gnutls_certificate_get_peers(server, &(unsigned){0}) != NULL;
    assert_int_equal(outcome.is_served, outcome.is_served && tls_peer_is_accepted(&peer));
    if (outcome.is_served)
        (void)snprintf(outcome.cipher, sizeof(outcome.cipher), "%s %s %s",
                       gnutls_protocol_get_name(gnutls_protocol_get_version(server)),
                       gnutls_cipher_get_name(gnutls_cipher_get(server)),
                       gnutls_group_get_name(gnutls_group_get(server)));
    gnutls_deinit(client);
    gnutls_deinit(server);
    gnutls_certificate_free_credentials(credentials);
    close(fds[0]);
    close(fds[1]);
    tls_setup_destroy(&setup);
    web_config_destroy(&config);
    return outcome;
}

#define VERSION(number) "NORMAL:-VERS-ALL:+VERS-TLS" number ":%PROFILE_VERY_WEAK"
#define SUITES_BOTH                                                                                \
    "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "                                  \
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
#define CLIENT_12(cipher)                                                                          \
    "NONE:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+SIGN-ALL:+GROUP-ALL:+COMP-NULL:+AEAD:+SHA1:"       \
    "+CTYPE-X509:+" cipher

static void handshake__versions_suites_curves__as_configured(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct scene scene;
        const char *cipher; /* NULL: refused */
    } cases[] = {
        {"the newest", {"", NULL, NULL, NULL}, "TLS1.3 AES-128-GCM"},
        {"TLS 1.2", {"", VERSION("1.2"), NULL, NULL}, "TLS1.2 AES-128-GCM"},
        {"TLS 1.1 is below the default", {"", VERSION("1.1"), NULL, NULL}, NULL},
        {"TLS 1.1 allowed", {"  min_version: TLS11\n", VERSION("1.1"), NULL, NULL}, "TLS1.1 AES-"},
        {"TLS 1.0 not allowed by that",
         {"  min_version: TLS11\n", VERSION("1.0"), NULL, NULL},
         NULL},
        {"TLS 1.3 not allowed", {"  max_version: TLS12\n", VERSION("1.3"), NULL, NULL}, NULL},
        {"at most TLS 1.2", {"  max_version: TLS12\n", NULL, NULL, NULL}, "TLS1.2"},
        {"at least TLS 1.3", {"  min_version: TLS13\n", VERSION("1.2"), NULL, NULL}, NULL},
        {"a suite that is named",
         {SUITES_BOTH, CLIENT_12("AES-256-GCM"), NULL, NULL},
         "TLS1.2 AES-256-GCM"},
        {"a suite that is named for another key",
         {SUITES_BOTH, CLIENT_12("AES-128-GCM"), NULL, NULL},
         NULL},
        {"the same with that key",
         {SUITES_BOTH, CLIENT_12("AES-128-GCM"), NULL, "rsa"},
         "TLS1.2 AES-128-GCM"},
        {"and not the first one's", {SUITES_BOTH, CLIENT_12("AES-256-GCM"), NULL, "rsa"}, NULL},
        {"suites do not concern TLS 1.3",
         {SUITES_BOTH, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305", NULL, NULL},
         "TLS1.3 CHACHA20-POLY1305"},
        {"a client of both versions", {SUITES_BOTH, NULL, NULL, NULL}, "TLS1.3"},
        {"CBC is not offered by default", {"", CLIENT_12("AES-128-CBC"), NULL, NULL}, NULL},
        {"CBC by name",
         {"  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA]\n", CLIENT_12("AES-128-CBC"),
          NULL, NULL},
         "TLS1.2 AES-128-CBC"},
        {"suites of TLS 1.3 only leave nothing for older versions",
         {"  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", VERSION("1.2"), NULL, NULL},
         NULL},
        {"the server's order",
         {"  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n",
          CLIENT_12("AES-128-GCM:+AES-256-GCM"), NULL, NULL},
         "TLS1.2 AES-256-GCM"},
        {"the client's order",
         {"  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  prefer_server_cipher_suites: false\n",
          CLIENT_12("AES-128-GCM:+AES-256-GCM"), NULL, NULL},
         "TLS1.2 AES-128-GCM"},
        {"a curve",
         {"  curve_preferences: [CurveP521]\n", NULL, NULL, NULL},
         "TLS1.3 AES-128-GCM SECP521R1"},
        {"no common curve",
         {"  curve_preferences: [CurveP521]\n", "NORMAL:-GROUP-ALL:+GROUP-SECP384R1", NULL, NULL},
         NULL},
        {"a key that is meant for encryption only", {"", "NORMAL:%COMPAT", NULL, "odd"}, "TLS1.3"},
    };
    unsigned n_wrong = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct outcome outcome = play(&cases[i].scene);
        bool is_right = cases[i].cipher
                            ? outcome.is_served && strncmp(outcome.cipher, cases[i].cipher,
                                                           strlen(cases[i].cipher)) == 0
                            : !outcome.is_served;
        if (!is_right)
            print_error("%s: %s\n", cases[i].name,
                        outcome.is_served ? outcome.cipher : "not served");
        n_wrong += !is_right;
    }
    assert_int_equal(n_wrong, 0);
}

enum { SERVED = -1 };
#define TRUST "  client_ca_file: client_ca.crt\n  client_auth_type: "
#define SANS  TRUST "RequireAndVerifyClientCert\n  client_allowed_sans: "

#define ANY "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: "

static void handshake__client_certificates__as_configured(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        const struct certificate *client;
        int alert; /* SERVED, or the alert that the client gets */
    } cases[] = {
        {"", NULL, SERVED},
        {"", &good, SERVED},
        {"  client_auth_type: RequestClientCert\n", NULL, SERVED},
        {"  client_auth_type: RequestClientCert\n", &foreign, SERVED},
        {"  client_auth_type: RequireAnyClientCert\n", NULL, GNUTLS_A_CERTIFICATE_REQUIRED},
        {"  client_auth_type: RequireAnyClientCert\n", &foreign, SERVED},
        {"  client_auth_type: RequireAnyClientCert\n", &expired, SERVED},
        {TRUST "VerifyClientCertIfGiven\n", NULL, SERVED},
        {TRUST "VerifyClientCertIfGiven\n", &good, SERVED},
        {TRUST "VerifyClientCertIfGiven\n", &foreign, GNUTLS_A_UNKNOWN_CA},
        {TRUST "RequireAndVerifyClientCert\n", NULL, GNUTLS_A_CERTIFICATE_REQUIRED},
        {TRUST "RequireAndVerifyClientCert\n", &good, SERVED},
        {TRUST "RequireAndVerifyClientCert\n", &foreign, GNUTLS_A_UNKNOWN_CA},
        {TRUST "RequireAndVerifyClientCert\n", &alone, GNUTLS_A_UNKNOWN_CA},
        {TRUST "RequireAndVerifyClientCert\n", &expired, GNUTLS_A_CERTIFICATE_EXPIRED},
        {TRUST "RequireAndVerifyClientCert\n", &for_servers, GNUTLS_A_BAD_CERTIFICATE},
        {"  client_ca_file: alone.crt\n  client_auth_type: RequireAndVerifyClientCert\n", &alone,
         SERVED},
        {"  client_auth_type: RequireAndVerifyClientCert\n", &good, GNUTLS_A_UNKNOWN_CA},
        {"  client_auth_type: RequireAndVerifyClientCert\n", &foreign, SERVED},
        {"  client_auth_type: VerifyClientCertIfGiven\n", &good, GNUTLS_A_UNKNOWN_CA},
        {"  client_auth_type: VerifyClientCertIfGiven\n", &foreign, SERVED},
        {SANS "[x, agent.example.net]\n", &named, SERVED},
        {SANS "[ops@example.net]\n", &named, SERVED},
        {SANS "['spiffe://example.net/prometheus']\n", &named, SERVED},
        {SANS "[10.0.0.1]\n", &named, SERVED},
        {SANS "[example.net, agent.example.ne, agent.example.nett, 10.0.0.2]\n", &named,
         GNUTLS_A_BAD_CERTIFICATE},
        {SANS "['named']\n", &named, GNUTLS_A_BAD_CERTIFICATE}, /* a common name is none */
        {SANS "[]\n", &named, GNUTLS_A_BAD_CERTIFICATE},
        {SANS "[x]\n", &good, GNUTLS_A_BAD_CERTIFICATE},
        {SANS "['2001:db8::1']\n", &alone, GNUTLS_A_UNKNOWN_CA},
        {"  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: ['2001:db8::1']\n",
         &alone, SERVED},
        /* An IPv4 address that is written as an IPv6 one is that IPv4 address. */
        {ANY "['10.0.0.1']\n", &mapped, SERVED},
        {ANY "['::ffff:10.0.0.1']\n", &mapped, GNUTLS_A_BAD_CERTIFICATE},
        {ANY "['10.0.0.2']\n", &mapped, GNUTLS_A_BAD_CERTIFICATE},
        {ANY "['2001:db8::2', '32.1.13.184']\n", &alone, GNUTLS_A_BAD_CERTIFICATE},
        {"  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [x]\n", NULL,
         GNUTLS_A_CERTIFICATE_REQUIRED},
    };
    unsigned n_wrong = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int is_old = 0; is_old < 2; is_old++) {
            struct scene scene = {cases[i].rules, is_old ? VERSION("1.2") : VERSION("1.3"),
                                  cases[i].client, NULL};
            struct outcome outcome = play(&scene);
            int alert = is_old && cases[i].alert == GNUTLS_A_CERTIFICATE_REQUIRED
                            ? GNUTLS_A_BAD_CERTIFICATE /* TLS 1.2 has no such alert */
                            : cases[i].alert;
            bool is_right = alert == SERVED ? outcome.is_served
                                            : !outcome.is_served && (int)outcome.alert == alert;
            if (!is_right)
                print_error("case %zu, TLS 1.%d: served %d, alert %s\n%s", i, 3 - is_old,
                            outcome.is_served, gnutls_alert_get_name(outcome.alert), scene.rules);
            n_wrong += !is_right;
        }
    }
    assert_int_equal(n_wrong, 0);
}

static void handshake__certificate_asked_for__is_seen(void **state)
{
    (void)state;
    assert_true(play(&(struct scene){TRUST "RequireAndVerifyClientCert\n", NULL, &good, NULL})
                    .is_known_peer);
    assert_false(play(&(struct scene){"", NULL, &good, NULL}).is_known_peer);
}

static void peer__handshake_not_done__is_not_accepted(void **state)
{
    (void)state;
    struct scene scene = {TRUST "RequireAndVerifyClientCert\n", NULL, NULL, NULL};
    struct web_config *config = make_config(&scene);
    struct tls_setup *setup = NULL;
    struct tls_peer peer;
    gnutls_session_t server;
    assert_int_equal(tls_setup_new(&config->tls, &setup, NULL), 0);
    assert_int_equal(gnutls_init(&server, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
    assert_int_equal(tls_peer_begin(&peer, setup, server), 0);
    assert_false(tls_peer_is_accepted(&peer));
    gnutls_deinit(server);
    tls_setup_destroy(&setup);
    web_config_destroy(&config);
}

static void make(const char *name, struct certificate_options options, struct certificate *ret)
{
    certificate_make(name, &options, ret);
    certificate_save(ret, directory, name);
}

static int make_files(void **state)
{
    (void)state;
    struct certificate server;
    temporary_directory_make(directory);
    make("client_ca", (struct certificate_options){.is_ca = true}, &client_ca);
    make("other_ca", (struct certificate_options){.is_ca = true}, &other_ca);
    make("ec", (struct certificate_options){.dns = "localhost"}, &server);
    certificate_finish(&server);
    make("rsa", (struct certificate_options){.is_rsa = true}, &server);
    certificate_finish(&server);
    make("odd", (struct certificate_options){.is_for_encryption_only = true, .is_rsa = true},
         &server);
    certificate_finish(&server);

    make("good", (struct certificate_options){.issuer = &client_ca}, &good);
    make("foreign", (struct certificate_options){.issuer = &other_ca}, &foreign);
    make("expired", (struct certificate_options){.issuer = &client_ca, .is_expired = true},
         &expired);
    make("for_servers",
         (struct certificate_options){.issuer = &client_ca, .is_for_servers_only = true},
         &for_servers);
    make("alone", (struct certificate_options){.ip = IP_V6, .ip_size = 16}, &alone);
    make("mapped", (struct certificate_options){.ip = IP_MAPPED, .ip_size = 16}, &mapped);
    make("named",
         (struct certificate_options){.issuer = &client_ca,
                                      .dns = "agent.example.net",
                                      .email = "ops@example.net",
                                      .uri = "spiffe://example.net/prometheus",
                                      .ip = IP_V4,
                                      .ip_size = 4},
         &named);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    struct certificate *all[] = {&client_ca,   &other_ca, &good,  &foreign, &expired,
                                 &for_servers, &alone,    &named, &mapped};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        certificate_finish(all[i]);
    temporary_directory_remove(directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake__versions_suites_curves__as_configured),
        cmocka_unit_test(handshake__client_certificates__as_configured),
        cmocka_unit_test(handshake__certificate_asked_for__is_seen),
        cmocka_unit_test(peer__handshake_not_done__is_not_accepted),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
