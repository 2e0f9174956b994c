/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The toolkit's verdicts on good and bad files, as its documentation and tests give them. A case
 * is a file; the certificates it names stand beside it.
 */
#include "http/web_live.h"

#include "support/certificate.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define UNSALTED "UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq"
#define SALTED   "2" UNSALTED
#define HASH10   "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq"
#define FILES    "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
#define PEM(kind)                                                                                  \
    "    -----BEGIN " kind "-----\n    AAAA\n    -----END " kind "-----\n" /* of no sense */
#define USER "basic_auth_users:\n  alice: "

static char directory[64];

/* In place of the library's, so that verdicts do not depend on this machine. */
static int n_system_cas = 1;

int gnutls_certificate_set_x509_system_trust(gnutls_certificate_credentials_t credentials)
{
    (void)credentials;
    return n_system_cas;
}

struct verdict {
    const char *name, *text;
    const char *message; /* NULL: good; else a part of what is said */
};

static const struct verdict verdicts[] = {
    {"empty file", "", NULL},
    {"only a comment", "# nothing\n", NULL},
    {"invalid structure", "hWkNKCp3fvIx3jKnsaBI\nTuEjdwNS8A2vYdFbiKqr\n",
     ":1:1: the file must be a mapping of keys to values"},
    {"not YAML", "a: [", ":1:"},
    {"a list", "- tls_server_config\n", ":1:1: the file must be a mapping"},
    {"invalid key", "tls_server_config:\n  cert_filse: server.crt\n",
     ":2:3: unknown key 'cert_filse' (did you mean 'cert_file'?)"},
    {"invalid key at the top", "tls_config:\n  cert_file: server.crt\n",
     ":1:1: unknown key 'tls_config'"},
    {"key given twice", "rate_limit: {}\nrate_limit: {}\n",
     ":2:1: key 'rate_limit' is given twice"},
    {"every part blank",
     "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n", NULL},
    {"a part that is no mapping", "tls_server_config: yes\n", "must be a mapping"},

    {"cert_file and key_file", FILES, NULL},
    {"cert path empty", "tls_server_config:\n  cert_file: ''\n  key_file: server.key\n",
     "one of 'cert' and 'cert_file' is missing"},
    {"cert path blank", "tls_server_config:\n  cert_file:\n  key_file: server.key\n",
     "one of 'cert' and 'cert_file' is missing"},
    {"cert empty", "tls_server_config:\n  cert: ''\n  key_file: server.key\n",
     "one of 'cert' and 'cert_file' is missing"},
    {"key path empty", "tls_server_config:\n  cert_file: server.crt\n  key_file: ''\n",
     "one of 'key' and 'key_file' is missing"},
    {"key empty", "tls_server_config:\n  cert_file: server.crt\n  key: ''\n",
     "one of 'key' and 'key_file' is missing"},
    {"only a client CA", "tls_server_config: {client_ca_file: ca.crt}\n",
     "one of 'cert' and 'cert_file' is missing"},
    {"only client_auth_type", "tls_server_config: {client_auth_type: NoClientCert}\n",
     "one of 'cert' and 'cert_file' is missing"},
    {"cert path and key path empty, invalid client auth",
     "tls_server_config: {cert_file: '', key_file: '', client_auth_type: x}\n",
     "one of 'cert' and 'cert_file' is missing"},
    {"nothing that switches TLS on", "tls_server_config: {min_version: TLS13}\n", NULL},
    {"cert path invalid", "tls_server_config:\n  cert_file: somefile\n  key_file: server.key\n",
     "/somefile': No such file or directory"},
    {"key path invalid", "tls_server_config:\n  cert_file: server.crt\n  key_file: somefile\n",
     "/somefile': No such file or directory"},
    {"cert path and key path invalid",
     "tls_server_config:\n  cert_file: somefile\n  key_file: somefile\n",
     ":2:14: 'cert_file': cannot read '"},
    {"cert path is a directory", "tls_server_config:\n  cert_file: .\n  key_file: server.key\n",
     "Is a directory"},
    {"cert path is a FIFO", "tls_server_config:\n  cert_file: fifo\n  key_file: server.key\n",
     "/fifo': is not a regular file"},
    {"key path is a FIFO", "tls_server_config:\n  cert_file: server.crt\n  key_file: fifo\n",
     ":3:13: 'key_file': cannot read '"},
    {"key path is a device", "tls_server_config:\n  cert_file: server.crt\n  key_file: /dev/zero\n",
     "'/dev/zero': is not a regular file"},
    {"cert is no certificate", "tls_server_config:\n  cert_file: web.yml\n  key_file: server.key\n",
     ":2:3: 'cert_file' holds no PEM certificate"},
    {"cert is no certificate, in the file itself",
     "tls_server_config:\n  cert: x\n  key_file: server.key\n",
     ":2:3: 'cert' holds no PEM certificate"},
    {"cert is broken",
     "tls_server_config:\n  cert: |\n" PEM("CERTIFICATE") "  key_file: server.key\n",
     ":2:3: 'cert' holds a certificate that cannot be used: "},
    {"key is no key", "tls_server_config:\n  cert_file: server.crt\n  key_file: ca.crt\n",
     ":3:3: 'key_file' holds no PEM private key"},
    {"key is no key, in the file itself",
     "tls_server_config:\n  cert_file: server.crt\n  key: |\n    MIIEvQIBADANBg==\n"
     "    -----END PRIVATE KEY-----\n",
     ":3:3: 'key' holds no PEM private key"},
    {"key is broken", "tls_server_config:\n  cert_file: server.crt\n  key: |\n" PEM("PRIVATE KEY"),
     ":3:3: 'key' holds a PEM private key that cannot be used: "},
    {"key is encrypted", "tls_server_config:\n  cert_file: server.crt\n  key_file: locked.key\n",
     ":3:3: 'key_file' is encrypted; 'openssl pkey' writes it without"},
    {"key of another certificate",
     "tls_server_config:\n  cert_file: server.crt\n  key_file: ca.key\n",
     "the server's certificate and key cannot be used"},

    {"invalid client auth", FILES "  client_auth_type: RequireAll\n",
     "'client_auth_type' cannot be 'RequireAll'; it must be one of NoClientCert, "
     "RequestClientCert"},
    {"client CA without a policy", FILES "  client_ca_file: /dev/null\n",
     "a client CA is given, but 'client_auth_type' asks for no client certificate"},
    {"client CA without a policy, in the file itself", FILES "  client_ca: x\n",
     "a client CA is given, but"},
    {"client CA with the policy none",
     FILES "  client_auth_type: NoClientCert\n  client_ca_file: ca.crt\n",
     ":4:21: a client CA is given, but"},
    {"client CA file invalid",
     FILES "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: somefile\n",
     "/somefile': No such file or directory"},
    {"client CA missing", FILES "  client_auth_type: RequireAndVerifyClientCert\n", NULL},
    {"client CA that is a key",
     FILES "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.key\n",
     ":5:3: 'client_ca_file' holds no PEM certificate"},
    {"client CA that is a key, and clients are only asked",
     FILES "  client_auth_type: RequestClientCert\n  client_ca_file: ca.key\n",
     ":5:3: 'client_ca_file' holds no PEM certificate"},
    {"client CA that is an empty file",
     FILES "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: empty\n",
     "'client_ca_file' holds no PEM certificate"},
    {"client CA that is no certificate, in the file itself",
     FILES "  client_auth_type: VerifyClientCertIfGiven\n  client_ca: x\n",
     ":5:3: 'client_ca' holds no PEM certificate"},
    {"client CA that is broken",
     FILES "  client_auth_type: VerifyClientCertIfGiven\n  client_ca: |\n" PEM("CERTIFICATE"),
     "'client_ca' holds a certificate that cannot be used: "},
    {"client CA that is a FIFO",
     FILES "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: fifo\n",
     "/fifo': is not a regular file"},
    {"require and verify",
     FILES "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n", NULL},
    {"require any", FILES "  client_auth_type: RequireAnyClientCert\n", NULL},
    {"require any, by its old name", FILES "  client_auth_type: RequireClientCert\n", NULL},
    {"request", FILES "  client_auth_type: RequestClientCert\n", NULL},
    {"verify if given", FILES "  client_auth_type: VerifyClientCertIfGiven\n", NULL},
    {"none", FILES "  client_auth_type: NoClientCert\n", NULL},
    {"allowed names",
     FILES "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"
           "  client_allowed_sans:\n    - one\n    - 127.0.0.1\n",
     NULL},
    {"allowed names of any certificate",
     FILES "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [one]\n", NULL},
    {"allowed names of any certificate, by its old name",
     FILES "  client_auth_type: RequireClientCert\n  client_allowed_sans: [one]\n", NULL},
    {"allowed names, blank", FILES "  client_allowed_sans:\n", NULL},
    {"allowed names without a policy", FILES "  client_allowed_sans:\n  - prom.example\n",
     ":4:3: 'client_allowed_sans' needs a 'client_auth_type' that requires certificates; set it to "
     "RequireAndVerifyClientCert or RequireAnyClientCert"},
    {"allowed names with the policy none",
     FILES "  client_auth_type: NoClientCert\n  client_allowed_sans: [one]\n",
     ":5:3: 'client_allowed_sans' needs"},
    {"allowed names with the policy to ask",
     FILES "  client_auth_type: RequestClientCert\n  client_allowed_sans: [one]\n",
     ":5:3: 'client_allowed_sans' needs"},
    {"allowed names with the policy to verify if given",
     FILES "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n"
           "  client_allowed_sans: [one]\n",
     ":6:3: 'client_allowed_sans' needs"},
    {"no allowed names, but the list", FILES "  client_allowed_sans: []\n",
     ":4:3: 'client_allowed_sans' needs"},
    {"allowed names that are no list", FILES "  client_allowed_sans: one\n", "must be a list"},

    {"all suites",
     FILES "  cipher_suites:\n"
           "  - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n"
           "  - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n"
           "  - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n"
           "  - TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n"
           "  - TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256\n"
           "  - TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256\n"
           "  - TLS_AES_128_GCM_SHA256\n"
           "  - TLS_AES_256_GCM_SHA384\n"
           "  - TLS_CHACHA20_POLY1305_SHA256\n"
           "  - TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA\n"
           "  - TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA\n"
           "  - TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA\n"
           "  - TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA\n",
     NULL},
    {"some suites, the client chooses",
     FILES "  cipher_suites:\n  - TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n"
           "  - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n"
           "  prefer_server_cipher_suites: false\n  min_version: TLS12\n  max_version: TLS12\n",
     NULL},
    {"an invented suite", FILES "  cipher_suites:\n  - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048\n",
     ":5:5: 'cipher_suites' cannot be 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048' (did you mean "
     "'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'?); it must be one of "
     "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "
     "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "
     "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "
     "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "
     "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "
     "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256"},
    {"a suite that is insecure", FILES "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n",
     "'cipher_suites' cannot be 'TLS_RSA_WITH_RC4_128_SHA'; it must be one of"},
    {"suites without one of HTTP/2",
     FILES "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n  max_version: TLS12\n",
     "HTTP/2 needs TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or"},
    {"suites without one of HTTP/2, and no HTTP/2",
     FILES "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n  max_version: TLS12\n"
           "http_server_config: {http2: false}\n",
     NULL},
    {"suites without one of HTTP/2, not used by TLS 1.3",
     FILES "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n  min_version: TLS13\n",
     NULL},
    {"no suites", FILES "  cipher_suites: []\n", NULL},
    {"all curves", FILES "  curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]\n", NULL},
    {"some curves", FILES "  min_version: TLS13\n  curve_preferences:\n  - CurveP521\n", NULL},
    {"an invented curve", FILES "  curve_preferences:\n  - CurveP257\n",
     "cannot be 'CurveP257' (did you mean 'CurveP256'?)"},
    {"every version", FILES "  min_version: TLS10\n  max_version: TLS13\n", NULL},
    {"an invented version", FILES "  min_version: TLS111\n",
     ":4:16: 'min_version' cannot be 'TLS111' (did you mean 'TLS11'?); it must be one of TLS10, "
     "TLS11, TLS12, TLS13"},
    {"a version of SSL", FILES "  min_version: SSL30\n", "'min_version' cannot be 'SSL30'"},
    {"versions that exclude each other", FILES "  min_version: TLS13\n  max_version: TLS12\n",
     "'min_version' is above 'max_version'"},

    {"headers",
     "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"
     "    Strict-Transport-Security: max-age=31536000; includeSubDomains\n"
     "    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1\n"
     "    Content-Security-Policy: \"default-src 'self' *.test.example.net\"\n",
     NULL},
    {"frame options of the same origin",
     "http_server_config: {headers: {X-Frame-Options: sameorigin}}\n", NULL},
    {"invalid content type options",
     "http_server_config: {headers: {X-Content-Type-Options: sniff}}",
     "'X-Content-Type-Options' cannot be 'sniff' (did you mean 'nosniff'?); it must be one of "
     "nosniff"},
    {"invalid frame options", "http_server_config: {headers: {X-Frame-Options: foo}}",
     "'X-Frame-Options' cannot be 'foo'; it must be one of deny, sameorigin"},
    {"frame options in capitals", "http_server_config: {headers: {X-Frame-Options: DENY}}",
     "'X-Frame-Options' cannot be 'DENY'"},
    {"blank frame options", "http_server_config: {headers: {X-Frame-Options: ''}}",
     "'X-Frame-Options' cannot be ''; it must be one of"},
    {"a header that is not to be set", "http_server_config: {headers: {Content-Type: foo}}",
     "unknown key 'Content-Type'"},
    {"a header's name in another case", "http_server_config: {headers: {x-frame-options: deny}}",
     "unknown key 'x-frame-options' (did you mean 'X-Frame-Options'?)"},
    {"http2 that is no truth", "http_server_config: {http2: 2}", "must be true or false"},

    {"users and TLS", FILES USER HASH10 "\n", NULL},
    {"users without TLS", USER HASH10 "\n  'bob x': " HASH10 "\n", NULL},
    {"a user's name with a colon", "basic_auth_users:\n  'a:b': " HASH10 "\n",
     ":2:3: user 'a:b' could never log in: in basic authentication the name ends at"},
    {"no users", "basic_auth_users: {}\n", NULL},
    {"a user list that is a list", "basic_auth_users: [alice]\n", "must be a mapping"},
    {"a password that is not hashed", FILES "basic_auth_users:\n  john: doe\n",
     ":5:9: the password of user 'john' is not a bcrypt hash"},
    {"no password", USER "''\n", "the password of user 'alice' is not a bcrypt hash"},
    {"a hash of another kind",
     USER "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"
          "jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/\n",
     "is not a bcrypt hash"},
    {"a hash cut short", USER "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/m\n",
     "is not a bcrypt hash"},
    {"a cost of 3", USER "$2y$03$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq\n",
     "is not a bcrypt hash"},
    {"a cost of 32", USER "$2y$32$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq\n",
     "is not a bcrypt hash"},
    {"a hash without a dollar", USER "$2y010$" SALTED "\n", "is not a bcrypt hash"},
    {"a hash with one digit", USER "$2y$1$" SALTED "\n", "is not a bcrypt hash"},
    {"a hash with three digits", USER "$2y$101" SALTED "\n", "is not a bcrypt hash"},
    {"a cost whose first is no digit", USER "$2y$/9$" SALTED "\n", "is not a bcrypt hash"},
    {"a cost whose first is none either", USER "'$2y$:0$" SALTED "'\n", "is not a bcrypt hash"},
    {"a cost whose second is no digit", USER "$2y$1/$" SALTED "\n", "is not a bcrypt hash"},
    {"a cost whose second is none either", USER "'$2y$1:$" SALTED "'\n", "is not a bcrypt hash"},
    {"a hash of an unknown kind", USER "$2z$10$" SALTED "\n", "is not a bcrypt hash"},
    {"a hash that is longer", USER "$2y$10$" SALTED "a\n", "is not a bcrypt hash"},
    {"a hash with a byte of another alphabet", USER "$2y$10$+" UNSALTED "\n",
     "is not a bcrypt hash"},
    {"a hash of $2$, and a cost of 4", USER "$2$04$" SALTED "\n", NULL},
    {"hashes of $2a$ and $2b$",
     USER "$2a$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq\n"
          "  bob: $2b$31$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq\n",
     NULL},

    {"rate limit off", "rate_limit:\n  interval: 0\n  burst: 0\n", NULL},
    {"rate limit of a second", "rate_limit:\n  interval: \"1s\"\n  burst: 0\n", NULL},
    {"rate limit in Go's forms", "rate_limit: {interval: 1h2m3.5s4ms5us6ns, burst: 20}\n", NULL},
    {"rate limit as a number", "rate_limit: {interval: 1000000000, burst: 20}\n", NULL},
    {"rate limit without a unit", "rate_limit: {interval: '5', burst: 1}\n",
     "'interval' must be a duration such as 500ms, 1s or 1m30s, not '5'"},
    {"rate limit of days", "rate_limit: {interval: 1d}\n", "'interval' must be a duration"},
    {"a burst that is no number", "rate_limit: {burst: many}\n", "'burst' must be a number"},
    {"rate limit that is misspelled", "rate_limit: {intervall: 1s}\n",
     "unknown key 'intervall' (did you mean 'interval'?)"},
};

static void open_text(const char *text, struct web_live **ret_live, int *ret_r, struct error *err)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/web.yml", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
    *ret_r = web_live_new(path, ret_live, err);
}

static void open__files_of_the_toolkit__get_its_verdicts(void **state)
{
    (void)state;
    unsigned n_wrong = 0;
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
        const struct verdict *verdict = &verdicts[i];
        struct web_live *live = NULL;
        struct error err = {{0}};
        int r;
        open_text(verdict->text, &live, &r, &err);
        bool is_right = verdict->message ? r < 0 && strstr(err.message, verdict->message) : r == 0;
        if (!is_right)
            print_error("%s: %s\n", verdict->name, r < 0 ? err.message : "accepted");
        if (r < 0 && strncmp(err.message, directory, strlen(directory)) != 0) {
            print_error("%s: no path in: %s\n", verdict->name, err.message);
            n_wrong++;
        }
        n_wrong += !is_right;
        web_live_destroy(&live);
    }
    assert_int_equal(n_wrong, 0);
}

static void open__nobody_could_be_verified__is_refused(void **state)
{
    (void)state;
    struct web_live *live = NULL;
    struct error err = {{0}};
    int r;
    n_system_cas = 0;
    open_text(FILES "  client_auth_type: RequireAndVerifyClientCert\n", &live, &r, &err);
    assert_int_equal(r, -EINVAL);
    assert_non_null(strstr(err.message, ":4:21: nobody could connect: there is no "
                                        "'client_ca_file', and this system has no CA"));
    open_text(FILES "  client_auth_type: VerifyClientCertIfGiven\n", &live, &r, &err);
    assert_int_equal(r, 0); /* who gives none is served */
    web_live_destroy(&live);
    n_system_cas = 1;
}

static void open__no_file__names_it(void **state)
{
    (void)state;
    struct web_live *live = NULL;
    struct error err;
    assert_int_equal(web_live_new("/nonexistent/web.yml", &live, &err), -ENOENT);
    assert_string_equal(err.message, "/nonexistent/web.yml: No such file or directory");
}

static void open__bad_secrets__are_not_in_the_message(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "basic_auth_users: {alice: s3cret}\n",
        "basic_auth_users: {alice: [s3cret]}\n",
        "tls_server_config: {cert_file: server.crt, key: s3cret}\n",
        "tls_server_config: {cert_file: server.crt, key: [s3cret]}\n",
        "basic_auth_users: s3cret\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct web_live *live = NULL;
        struct error err;
        int r;
        open_text(texts[i], &live, &r, &err);
        assert_true(r < 0);
        assert_null(strstr(err.message, "s3cret"));
    }
}

static int make_files(void **state)
{
    (void)state;
    struct certificate ca, server;
    temporary_directory_make(directory);
    certificate_make("ca", &(struct certificate_options){.is_ca = true}, &ca);
    certificate_make("server", &(struct certificate_options){.issuer = &ca}, &server);
    certificate_save(&ca, directory, "ca");
    certificate_save(&server, directory, "server");
    char path[80];
    (void)snprintf(path, sizeof(path), "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(path, sizeof(path), "%s/empty", directory);
    assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
    gnutls_datum_t locked = {0};
    assert_int_equal(gnutls_x509_privkey_export2_pkcs8(server.key, GNUTLS_X509_FMT_PEM, "secret",
                                                       GNUTLS_PKCS_PBES2_AES_128, &locked),
                     0);
    certificate_write(directory, "locked.key", locked);
    certificate_finish(&ca);
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
        cmocka_unit_test(open__files_of_the_toolkit__get_its_verdicts),
        cmocka_unit_test(open__nobody_could_be_verified__is_refused),
        cmocka_unit_test(open__no_file__names_it),
        cmocka_unit_test(open__bad_secrets__are_not_in_the_message),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
