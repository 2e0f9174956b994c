/* SPDX-License-Identifier: MPL-2.0 */
#include "base/cleanup.h"
#include "config/config_keys.h"
#include "http/web_config.h"

#include <errno.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct config_choice client_auths[] = {
    {"NoClientCert", WEB_CLIENT_NONE},
    {"RequestClientCert", WEB_CLIENT_REQUEST},
    {"RequireAnyClientCert", WEB_CLIENT_REQUIRE_ANY},
    {"RequireClientCert", WEB_CLIENT_REQUIRE_ANY}, /* the toolkit's older name of it */
    {"VerifyClientCertIfGiven", WEB_CLIENT_VERIFY_IF_GIVEN},
    {"RequireAndVerifyClientCert", WEB_CLIENT_REQUIRE_AND_VERIFY},
    {0},
};

static const struct config_choice versions[] = {
    {"TLS10", WEB_TLS10}, {"TLS11", WEB_TLS11}, {"TLS12", WEB_TLS12}, {"TLS13", WEB_TLS13}, {0},
};

static const struct config_choice ciphers[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", WEB_ECDHE_ECDSA_AES128_GCM},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", WEB_ECDHE_RSA_AES128_GCM},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", WEB_ECDHE_ECDSA_AES256_GCM},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", WEB_ECDHE_RSA_AES256_GCM},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", WEB_ECDHE_ECDSA_CHACHA20},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", WEB_ECDHE_RSA_CHACHA20},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", WEB_ECDHE_ECDSA_AES128_CBC_SHA},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", WEB_ECDHE_RSA_AES128_CBC_SHA},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", WEB_ECDHE_ECDSA_AES256_CBC_SHA},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", WEB_ECDHE_RSA_AES256_CBC_SHA},
    {"TLS_AES_128_GCM_SHA256", WEB_TLS13_AES128_GCM},
    {"TLS_AES_256_GCM_SHA384", WEB_TLS13_AES256_GCM},
    {"TLS_CHACHA20_POLY1305_SHA256", WEB_TLS13_CHACHA20},
    {0},
};

static const struct config_choice curves[] = {
    {"X25519", WEB_CURVE_X25519},
    {"CurveP256", WEB_CURVE_P256},
    {"CurveP384", WEB_CURVE_P384},
    {"CurveP521", WEB_CURVE_P521},
    {0},
};

struct tls {
    const char *cert, *key, *client_ca, *cert_file, *key_file, *client_ca_file, *client_auth;
    const struct config_node *sans, *ciphers, *curves;
    int min_version, max_version;
    bool prefers_own_ciphers;
};

#define TEXT(name, member)                                                                         \
    {                                                                                              \
        name, CONFIG_TEXT, offsetof(struct tls, member), .fallback_text = "",                      \
                                                         .takes_nothing = true                     \
    }

static const struct config_key keys[] = {
    TEXT("cert", cert),
    TEXT("key", key),
    TEXT("client_ca", client_ca),
    TEXT("cert_file", cert_file),
    TEXT("key_file", key_file),
    TEXT("client_ca_file", client_ca_file),
    TEXT("client_auth_type", client_auth),
    {"client_allowed_sans", CONFIG_LIST, offsetof(struct tls, sans)},
    {"min_version", CONFIG_CHOICE, offsetof(struct tls, min_version), .fallback = WEB_TLS12,
     .choices = versions},
    {"max_version", CONFIG_CHOICE, offsetof(struct tls, max_version), .fallback = WEB_TLS13,
     .choices = versions},
    {"cipher_suites", CONFIG_LIST, offsetof(struct tls, ciphers)},
    {"prefer_server_cipher_suites", CONFIG_BOOL, offsetof(struct tls, prefers_own_ciphers),
     .fallback = true, .takes_nothing = true},
    {"curve_preferences", CONFIG_LIST, offsetof(struct tls, curves)},
};

static int read_names(const struct config_node *list, const struct config_choice *choices,
                      struct web_names *ret, struct error *err)
{
    const struct config_key key = {list ? list->key : NULL, CONFIG_CHOICE, 0, .choices = choices};
    for (const struct config_node *node = list ? list->first : NULL; node; node = node->next) {
        int value = 0;
        int r = config_value_read(node, &key, &value, err);
        if (r < 0)
            return r;
        bool is_known = false;
        for (unsigned i = 0; i < ret->n; i++)
            is_known = is_known || ret->items[i] == value;
        if (!is_known && ret->n < WEB_CONFIG_NAMES_MAX)
            ret->items[ret->n++] = value;
    }
    return 0;
}

static int check_sans(const struct config_node *list, struct error *err)
{
    for (const struct config_node *node = list ? list->first : NULL; node; node = node->next) {
        if (node->kind != CONFIG_NODE_SCALAR)
            return config_node_error(node, err, "a name in 'client_allowed_sans' must be a text");
    }
    return 0;
}

static int resolve(const struct config_node *node, const char *path, char **ret, struct error *err)
{
    if (!*path)
        return 0;
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    if (config_document_path(node->document, path, &text) < 0)
        return error_set(err, -ENOMEM, "not enough memory");
    *ret = text.data;
    text = (struct string_buffer){0};
    return 0;
}

static int resolve_all(const struct config_node *node, const struct tls *given,
                       struct web_config_tls *tls, struct error *err)
{
    int r = resolve(node, given->cert_file, &tls->cert_file, err);
    if (r == 0)
        r = resolve(node, given->key_file, &tls->key_file, err);
    if (r == 0)
        r = resolve(node, given->client_ca_file, &tls->client_ca_file, err);
    return r;
}

/* The toolkit's own checks, in its order. */
static int check(const struct config_node *node, const struct tls *given,
                 struct web_config_tls *tls, struct error *err)
{
    if (!*given->cert && !*given->cert_file)
        return config_node_error(node, err, "one of 'cert' and 'cert_file' is missing");
    if (!*given->key && !*given->key_file)
        return config_node_error(node, err, "one of 'key' and 'key_file' is missing");

    const struct config_key key = {"client_auth_type", CONFIG_CHOICE, 0, .choices = client_auths};
    const struct config_node *auth = config_node_find(node, "client_auth_type");
    if (*given->client_auth) {
        int r = config_value_read(auth, &key, &tls->client_auth, err);
        if (r < 0)
            return r;
    }
    if ((*given->client_ca || *given->client_ca_file) && tls->client_auth == WEB_CLIENT_NONE)
        return config_node_error(auth ? auth : node, err,
                                 "a client CA is given, but 'client_auth_type' asks for no client "
                                 "certificate; set it to RequireAndVerifyClientCert");
    /* Who need not show a certificate is measured against no name. */
    if (given->sans && tls->client_auth != WEB_CLIENT_REQUIRE_ANY &&
        tls->client_auth != WEB_CLIENT_REQUIRE_AND_VERIFY)
        return config_node_key_error(given->sans, err,
                                     "'client_allowed_sans' needs a 'client_auth_type' that "
                                     "requires certificates; set it to RequireAndVerifyClientCert "
                                     "or RequireAnyClientCert");
    return 0;
}

int web_config_read_tls(const struct config_node *node, struct web_config_tls *tls,
                        struct error *err)
{
    struct tls given;
    int r = config_keys_read(node, keys, COUNT(keys), &given, err);
    if (r == 0)
        r = read_names(given.ciphers, ciphers, &tls->ciphers, err);
    if (r == 0)
        r = read_names(given.curves, curves, &tls->curves, err);
    if (r == 0)
        r = check_sans(given.sans, err);
    if (r < 0)
        return r;

    tls->is_enabled = *given.cert || *given.cert_file || *given.key || *given.key_file ||
                      *given.client_ca || *given.client_ca_file || *given.client_auth;
    tls->node = node;
    tls->cert = given.cert;
    tls->key = given.key;
    tls->client_ca = given.client_ca;
    tls->allowed_sans = given.sans;
    tls->min_version = given.min_version;
    tls->max_version = given.max_version;
    tls->prefers_own_ciphers = given.prefers_own_ciphers;
    if (!tls->is_enabled)
        return 0;
    if (tls->min_version > tls->max_version)
        return config_node_error(config_node_find(node, "min_version") ?: node, err,
                                 "'min_version' is above 'max_version': nobody could connect");
    r = check(node, &given, tls, err);
    return r < 0 ? r : resolve_all(node, &given, tls, err);
}
