/* SPDX-License-Identifier: MPL-2.0 */
/*
 * web_config - what --web.config.file says, in the format of Prometheus's exporter-toolkit.
 *
 *     tls_server_config:  {cert_file, key_file, client_auth_type, client_ca_file, …}
 *     http_server_config: {http2, headers: {…}}
 *     basic_auth_users:   {NAME: BCRYPT HASH, …}
 *     rate_limit:         {interval, burst}
 *
 * Only the text is judged here; tls.h loads the certificates. A file that the toolkit accepts or
 * refuses is accepted or refused here too; what can never serve anybody (min_version above
 * max_version, clients to verify but no CA, a user's name with ':') is refused as well. HTTP/2 is
 * not spoken, whatever http2 says: clients are offered HTTP/1.1. No message shows a value that may
 * be a secret.
 *
 * Thread:  any; a finished one is read-only.   Blocks: on the file.
 * Owns:    all texts, until web_config_destroy().
 * Errors:  -EINVAL or -errno with `err` filled: "path:line:column: why".
 */
#ifndef HTTP_WEB_CONFIG_H
#define HTTP_WEB_CONFIG_H

#include "config/config_document.h"

#define WEB_CONFIG_NAMES_MAX 16u /* cipher suites, curves: there are fewer */

enum web_tls_version { WEB_TLS10, WEB_TLS11, WEB_TLS12, WEB_TLS13 };

enum web_client_auth {
    WEB_CLIENT_NONE,            /* no certificate is asked for */
    WEB_CLIENT_REQUEST,         /* asked for, not needed, not verified */
    WEB_CLIENT_REQUIRE_ANY,     /* needed, not verified */
    WEB_CLIENT_VERIFY_IF_GIVEN, /* not needed, verified */
    WEB_CLIENT_REQUIRE_AND_VERIFY,
};

/* Names of Go's crypto/tls; the order is that of the tables in web_config_tls.c. */
enum web_cipher {
    WEB_ECDHE_ECDSA_AES128_GCM,
    WEB_ECDHE_RSA_AES128_GCM,
    WEB_ECDHE_ECDSA_AES256_GCM,
    WEB_ECDHE_RSA_AES256_GCM,
    WEB_ECDHE_ECDSA_CHACHA20,
    WEB_ECDHE_RSA_CHACHA20,
    WEB_ECDHE_ECDSA_AES128_CBC_SHA,
    WEB_ECDHE_RSA_AES128_CBC_SHA,
    WEB_ECDHE_ECDSA_AES256_CBC_SHA,
    WEB_ECDHE_RSA_AES256_CBC_SHA,
    WEB_TLS13_AES128_GCM, /* those of TLS 1.3 may be named and change nothing: all are offered */
    WEB_TLS13_AES256_GCM,
    WEB_TLS13_CHACHA20,
};

enum web_curve { WEB_CURVE_X25519, WEB_CURVE_P256, WEB_CURVE_P384, WEB_CURVE_P521 };

/* In order of preference, without repetitions. */
struct web_names {
    int items[WEB_CONFIG_NAMES_MAX];
    unsigned n;
};

struct web_config_tls {
    bool is_enabled;
    const struct config_node *node;
    const char *cert, *key, *client_ca;          /* PEM in the file itself, or "" */
    char *cert_file, *key_file, *client_ca_file; /* paths, or NULL; they win over the texts */
    int client_auth;                             /* enum web_client_auth */
    const struct config_node *allowed_sans;      /* list of texts; NULL: not limited */
    int min_version, max_version;                /* enum web_tls_version */
    struct web_names ciphers, curves;            /* none: the defaults */
    bool prefers_own_ciphers;
};

struct web_config_user {
    const char *name;
    const char *hash;
    unsigned cost; /* 2^cost rounds of bcrypt */
};

enum web_header {
    WEB_HEADER_CONTENT_SECURITY_POLICY,
    WEB_HEADER_FRAME_OPTIONS,
    WEB_HEADER_CONTENT_TYPE_OPTIONS,
    WEB_HEADER_XSS_PROTECTION,
    WEB_HEADER_STRICT_TRANSPORT_SECURITY,
    WEB_N_HEADERS
};

extern const char *const web_config_header_names[WEB_N_HEADERS];

struct web_config {
    struct config_document *document;
    struct web_config_tls tls;
    const char *headers[WEB_N_HEADERS]; /* NULL: not given; "": not to be sent */
    struct web_config_user *users;
    size_t n_users;
    int64_t rate_interval_ns; /* 0 or less: no limit */
    int64_t rate_burst;
    char *texts[WEB_N_HEADERS]; /* what `headers` points to, where it had to be changed */
};

int web_config_open(const char *path, struct web_config **ret_config, struct error *err);

/* The same of a text; `name` stands for the path, also of relative paths within. */
int web_config_parse(const char *name, const char *text, size_t size,
                     struct web_config **ret_config, struct error *err);

void web_config_destroy(struct web_config **self_p);

/* Parts of the reader, each in a file of its own. */
int web_config_read_tls(const struct config_node *node, struct web_config_tls *tls,
                        struct error *err);
int web_config_read_users(const struct config_node *node, struct web_config *self,
                          struct error *err);
int web_config_read_rate(const struct config_node *node, struct web_config *self,
                         struct error *err);

/* "1m30s", "1.5h", "100us" as Go's time.ParseDuration has them; false if it is none. */
bool web_config_parse_duration(const char *text, int64_t *ret_ns);

#endif
