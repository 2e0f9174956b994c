/* SPDX-License-Identifier: MPL-2.0 */
#include "http/tls.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "config/config_file.h"
#include "http/tls_setup.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX     16u
#define PEM_BYTES_MAX ((size_t)4 << 20) /* a bundle of all public CAs has a quarter of it */

/* A key is not left in memory that is free. */
static void pem_finish(struct string_buffer *pem)
{
    if (pem->data)
        explicit_bzero(pem->data, pem->capacity);
    string_buffer_finish(pem);
}

/* The text of `path`, or `text` if there is none. `key` names it in messages. */
static int load_pem(const struct config_node *node, const char *key, const char *path,
                    const char *text, struct string_buffer *ret, struct error *err)
{
    if (!path) {
        string_buffer_append_text(ret, text);
        return ret->has_failed ? error_set(err, -ENOMEM, "not enough memory") : 0;
    }
    struct error why;
    cleanup_fd int fd = -1;
    int r = config_file_open(path, &fd, &why);
    if (r == 0) {
        /* In one piece, so that no copy of a key stays behind when the buffer grows. */
        r = string_buffer_reserve(ret, PEM_BYTES_MAX + 1) ? read_all(fd, PEM_BYTES_MAX, ret)
                                                          : -ENOMEM;
        if (r < 0)
            (void)error_set(&why, r, "%s", r == -EFBIG ? "is too large" : strerror(-r));
    }
    if (r < 0)
        return config_node_error(config_node_find(node, key), err, "'%s': cannot read '%s': %s",
                                 key, path, why.message);
    return 0;
}

static gnutls_datum_t datum(const struct string_buffer *text)
{
    union {
        const char *text;
        unsigned char *bytes;
    } data = {text->data};
    return (gnutls_datum_t){data.bytes, (unsigned)text->size};
}

static int certificate_error(const struct config_node *node, const char *key, int r,
                             struct error *err)
{
    node = config_node_find(node, key);
    if (r == 0 || r == GNUTLS_E_NO_CERTIFICATE_FOUND)
        return config_node_key_error(node, err, "'%s' holds no PEM certificate", key);
    return config_node_key_error(node, err, "'%s' holds a certificate that cannot be used: %s", key,
                                 gnutls_strerror(r));
}

static int key_error(const struct config_node *node, const char *key, int r, struct error *err)
{
    node = config_node_find(node, key);
    if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return config_node_key_error(node, err, "'%s' holds no PEM private key", key);
    if (r == GNUTLS_E_DECRYPTION_FAILED)
        return config_node_key_error(node, err,
                                     "'%s' is encrypted; 'openssl pkey' writes it without a "
                                     "password",
                                     key);
    return config_node_key_error(node, err, "'%s' holds a PEM private key that cannot be used: %s",
                                 key, gnutls_strerror(r));
}

/* What the server shows and signs with, until the credentials have it. */
struct server_pair {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned n;
    gnutls_privkey_t key;
};

static void server_pair_finish(struct server_pair *self)
{
    for (unsigned i = 0; i < self->n; i++)
        gnutls_pcert_deinit(&self->chain[i]);
    if (self->key)
        gnutls_privkey_deinit(self->key);
}

static int load_chain(const struct web_config_tls *config, struct server_pair *pair,
                      struct error *err)
{
    cleanup(pem_finish) struct string_buffer pem = {0};
    const char *key = config->cert_file ? "cert_file" : "cert";
    int r = load_pem(config->node, key, config->cert_file, config->cert, &pem, err);
    if (r < 0)
        return r;
    unsigned n = CHAIN_MAX;
    gnutls_datum_t data = datum(&pem);
    r = gnutls_pcert_list_import_x509_raw(pair->chain, &n, &data, GNUTLS_X509_FMT_PEM, 0);
    if (r < 0 || n == 0)
        return certificate_error(config->node, key, r, err);
    pair->n = n;
    return 0;
}

static int load_key(const struct web_config_tls *config, struct server_pair *pair,
                    struct error *err)
{
    cleanup(pem_finish) struct string_buffer pem = {0};
    const char *key = config->key_file ? "key_file" : "key";
    int r = load_pem(config->node, key, config->key_file, config->key, &pem, err);
    if (r < 0)
        return r;
    gnutls_datum_t data = datum(&pem);
    r = gnutls_privkey_init(&pair->key);
    if (r >= 0)
        r = gnutls_privkey_import_x509_raw(pair->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    return r < 0 ? key_error(config->node, key, r, err) : 0;
}

/*
 * The certificate's key usage is not looked at, as Go does not: many a server certificate allows
 * key encipherment only, and GnuTLS would then find no suite and close every connection.
 */
static int load_certificate(struct tls_setup *self, const struct web_config_tls *config,
                            struct error *err)
{
    cleanup(server_pair_finish) struct server_pair pair = {.n = 0};
    int r = load_chain(config, &pair, err);
    if (r == 0)
        r = load_key(config, &pair, err);
    if (r < 0)
        return r;

    gnutls_pubkey_t public_key = pair.chain[0].pubkey;
    gnutls_pubkey_set_key_usage(public_key, 0);
    self->algorithm = (gnutls_pk_algorithm_t)gnutls_pubkey_get_pk_algorithm(public_key, NULL);
    r = gnutls_certificate_set_key(self->credentials, NULL, 0, pair.chain, (int)pair.n, pair.key);
    if (r < 0)
        return config_node_error(config->node, err,
                                 "the server's certificate and key cannot be used: %s",
                                 gnutls_strerror(r));
    pair = (struct server_pair){.n = 0}; /* the credentials have both now */
    return 0;
}

/* Without a CA of its own, the system's are trusted, as Go does. */
static int load_system_ca(struct tls_setup *self, const struct web_config_tls *config,
                          struct error *err)
{
    if (config->client_auth != WEB_CLIENT_VERIFY_IF_GIVEN &&
        config->client_auth != WEB_CLIENT_REQUIRE_AND_VERIFY)
        return 0;
    if (gnutls_certificate_set_x509_system_trust(self->credentials) <= 0 &&
        config->client_auth == WEB_CLIENT_REQUIRE_AND_VERIFY)
        return config_node_error(config_node_find(config->node, "client_auth_type"), err,
                                 "nobody could connect: there is no 'client_ca_file', and this "
                                 "system has no CA certificates to verify clients with; set "
                                 "'client_ca_file'");
    return 0;
}

static int load_client_ca(struct tls_setup *self, const struct web_config_tls *config,
                          struct error *err)
{
    if (!config->client_ca_file && !*config->client_ca)
        return load_system_ca(self, config, err);

    cleanup(pem_finish) struct string_buffer ca = {0};
    const char *key = config->client_ca_file ? "client_ca_file" : "client_ca";
    int r = load_pem(config->node, key, config->client_ca_file, config->client_ca, &ca, err);
    if (r < 0)
        return r;
    gnutls_datum_t data = datum(&ca);
    r = gnutls_certificate_set_x509_trust_mem(self->credentials, &data, GNUTLS_X509_FMT_PEM);
    return r <= 0 ? certificate_error(config->node, key, r, err) : 0;
}

static int make_priority(const struct tls_setup *self, const struct web_config_tls *config,
                         enum tls_scope scope, gnutls_priority_t *ret)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    tls_priority_write(config, scope, self->algorithm, &text);
    return text.has_failed ? GNUTLS_E_MEMORY_ERROR : gnutls_priority_init(ret, text.data, NULL);
}

static int make_priorities(struct tls_setup *self, const struct web_config_tls *config,
                           struct error *err)
{
    int r = make_priority(self, config, TLS_SCOPE_ALL, &self->priority);
    if (r >= 0 && tls_priority_differs(config))
        r = make_priority(self, config, TLS_SCOPE_OLD, &self->priority_old);
    if (r >= 0 && tls_priority_differs(config))
        r = make_priority(self, config, TLS_SCOPE_NEW, &self->priority_new);
    if (r < 0)
        return config_node_error(config->node, err,
                                 "the TLS library refuses these versions, suites and curves: %s",
                                 gnutls_strerror(r));
    return 0;
}

int tls_setup_new(const struct web_config_tls *config, struct tls_setup **ret_setup,
                  struct error *err)
{
    cleanup(tls_setup_destroy) struct tls_setup *self = calloc(1, sizeof(*self));
    if (!self || gnutls_certificate_allocate_credentials(&self->credentials) < 0)
        return error_set(err, -ENOMEM, "not enough memory");
    self->client_auth = (enum web_client_auth)config->client_auth;
    self->allowed_sans = config->allowed_sans;

    int r = load_certificate(self, config, err);
    if (r == 0)
        r = load_client_ca(self, config, err);
    if (r == 0)
        r = make_priorities(self, config, err);
    if (r < 0)
        return r;
    *ret_setup = self;
    self = NULL;
    return 0;
}

void tls_setup_destroy(struct tls_setup **self_p)
{
    struct tls_setup *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->priority)
        gnutls_priority_deinit(self->priority);
    if (self->priority_old)
        gnutls_priority_deinit(self->priority_old);
    if (self->priority_new)
        gnutls_priority_deinit(self->priority_new);
    if (self->credentials)
        gnutls_certificate_free_credentials(self->credentials);
    free(self);
}
