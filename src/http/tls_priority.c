/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design. GnuTLS takes key exchanges, ciphers and MACs as separate lists and allows all their
 * combinations, where Go names whole suites. The server has one key, of one kind, so with the
 * suites of the other kind left out the combinations are exactly those named: CBC goes with SHA1
 * only, the others carry their own MAC. Go's choice of suites does not concern TLS 1.3, where
 * GnuTLS would apply it too; hence separate texts for old and new versions.
 */
#include "http/tls_setup.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct suite {
    const char *exchange; /* NULL: of TLS 1.3 */
    const char *cipher;
    const char *mac;
};

static const struct suite suites[] = {
    [WEB_ECDHE_ECDSA_AES128_GCM] = {"ECDHE-ECDSA", "AES-128-GCM", "AEAD"},
    [WEB_ECDHE_RSA_AES128_GCM] = {"ECDHE-RSA", "AES-128-GCM", "AEAD"},
    [WEB_ECDHE_ECDSA_AES256_GCM] = {"ECDHE-ECDSA", "AES-256-GCM", "AEAD"},
    [WEB_ECDHE_RSA_AES256_GCM] = {"ECDHE-RSA", "AES-256-GCM", "AEAD"},
    [WEB_ECDHE_ECDSA_CHACHA20] = {"ECDHE-ECDSA", "CHACHA20-POLY1305", "AEAD"},
    [WEB_ECDHE_RSA_CHACHA20] = {"ECDHE-RSA", "CHACHA20-POLY1305", "AEAD"},
    [WEB_ECDHE_ECDSA_AES128_CBC_SHA] = {"ECDHE-ECDSA", "AES-128-CBC", "SHA1"},
    [WEB_ECDHE_RSA_AES128_CBC_SHA] = {"ECDHE-RSA", "AES-128-CBC", "SHA1"},
    [WEB_ECDHE_ECDSA_AES256_CBC_SHA] = {"ECDHE-ECDSA", "AES-256-CBC", "SHA1"},
    [WEB_ECDHE_RSA_AES256_CBC_SHA] = {"ECDHE-RSA", "AES-256-CBC", "SHA1"},
    [WEB_TLS13_AES128_GCM] = {NULL, NULL, NULL},
    [WEB_TLS13_AES256_GCM] = {NULL, NULL, NULL},
    [WEB_TLS13_CHACHA20] = {NULL, NULL, NULL},
};

static const char *const versions[] = {
    [WEB_TLS10] = "VERS-TLS1.0",
    [WEB_TLS11] = "VERS-TLS1.1",
    [WEB_TLS12] = "VERS-TLS1.2",
    [WEB_TLS13] = "VERS-TLS1.3",
};

static const char *const groups[] = {
    [WEB_CURVE_X25519] = "GROUP-X25519",
    [WEB_CURVE_P256] = "GROUP-SECP256R1",
    [WEB_CURVE_P384] = "GROUP-SECP384R1",
    [WEB_CURVE_P521] = "GROUP-SECP521R1",
};

static void append_word(struct string_buffer *text, const char *word)
{
    string_buffer_append_text(text, ":+");
    string_buffer_append_text(text, word);
}

static bool is_of_key(const struct suite *suite, gnutls_pk_algorithm_t algorithm)
{
    bool is_rsa = algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;
    return suite->exchange && (strcmp(suite->exchange, "ECDHE-RSA") == 0) == is_rsa;
}

static void add_versions(const struct web_config_tls *config, enum tls_scope scope,
                         struct string_buffer *text)
{
    for (int version = config->max_version; version >= config->min_version; version--) {
        bool is_new = version == WEB_TLS13;
        if (scope == TLS_SCOPE_ALL || is_new == (scope == TLS_SCOPE_NEW))
            append_word(text, versions[version]);
    }
}

/* The defaults leave CBC to versions that have nothing better. */
static void add_default_ciphers(bool has_cbc, struct string_buffer *text)
{
    append_word(text, "AES-128-GCM");
    append_word(text, "AES-256-GCM");
    append_word(text, "CHACHA20-POLY1305");
    if (has_cbc) {
        append_word(text, "AES-128-CBC");
        append_word(text, "AES-256-CBC");
        append_word(text, "SHA1");
    }
    append_word(text, "AEAD");
}

static void add_named_ciphers(const struct web_config_tls *config, gnutls_pk_algorithm_t algorithm,
                              struct string_buffer *text)
{
    bool has_any = false;
    for (int strict = 1; strict >= 0 && !has_any; strict--) {
        for (unsigned i = 0; i < config->ciphers.n; i++) {
            const struct suite *suite = &suites[config->ciphers.items[i]];
            if (!suite->exchange || (strict && !is_of_key(suite, algorithm)))
                continue;
            has_any = true;
            append_word(text, suite->cipher);
            append_word(text, suite->mac);
        }
    }
}

/* Suites of TLS 1.3 alone leave nothing for older versions, as with Go. */
static bool names_old_suites(const struct web_config_tls *config)
{
    for (unsigned i = 0; i < config->ciphers.n; i++) {
        if (suites[config->ciphers.items[i]].exchange)
            return true;
    }
    return false;
}

bool tls_priority_differs(const struct web_config_tls *config)
{
    return config->ciphers.n > 0 && config->max_version == WEB_TLS13 &&
           config->min_version < WEB_TLS13;
}

static void add_exchanges(const struct web_config_tls *config, enum tls_scope scope,
                          struct string_buffer *text)
{
    static const char *const exchanges[] = {"ECDHE-ECDSA", "ECDHE-RSA"};
    bool is_limited = scope == TLS_SCOPE_OLD && config->ciphers.n > 0;
    for (size_t e = 0; e < COUNT(exchanges); e++) {
        bool is_named = !is_limited;
        for (unsigned i = 0; i < config->ciphers.n; i++) {
            const char *exchange = suites[config->ciphers.items[i]].exchange;
            is_named = is_named || (exchange && strcmp(exchange, exchanges[e]) == 0);
        }
        if (is_named)
            append_word(text, exchanges[e]);
    }
}

void tls_priority_write(const struct web_config_tls *config, enum tls_scope scope,
                        gnutls_pk_algorithm_t algorithm, struct string_buffer *ret_text)
{
    if (scope == TLS_SCOPE_ALL && config->max_version < WEB_TLS13)
        scope = TLS_SCOPE_OLD;
    string_buffer_append_text(ret_text, "NONE:+COMP-NULL:+CTYPE-X509:+SIGN-ALL");
    add_versions(config, scope, ret_text);
    if (scope == TLS_SCOPE_OLD && names_old_suites(config))
        add_named_ciphers(config, algorithm, ret_text);
    else
        add_default_ciphers(scope != TLS_SCOPE_NEW && config->min_version < WEB_TLS12, ret_text);
    add_exchanges(config, scope, ret_text);

    for (unsigned i = 0; i < config->curves.n; i++)
        append_word(ret_text, groups[config->curves.items[i]]);
    for (size_t i = 0; config->curves.n == 0 && i < COUNT(groups); i++)
        append_word(ret_text, groups[i]);
    string_buffer_append_text(ret_text, ":%PROFILE_LOW");
    if (config->prefers_own_ciphers)
        string_buffer_append_text(ret_text, ":%SERVER_PRECEDENCE");
}
