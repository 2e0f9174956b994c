/* SPDX-License-Identifier: MPL-2.0 */
#include "http/web_config.h"

#include "base/cleanup.h"
#include "config/config_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *const web_config_header_names[WEB_N_HEADERS] = {
    [WEB_HEADER_CONTENT_SECURITY_POLICY] = "Content-Security-Policy",
    [WEB_HEADER_FRAME_OPTIONS] = "X-Frame-Options",
    [WEB_HEADER_CONTENT_TYPE_OPTIONS] = "X-Content-Type-Options",
    [WEB_HEADER_XSS_PROTECTION] = "X-XSS-Protection",
    [WEB_HEADER_STRICT_TRANSPORT_SECURITY] = "Strict-Transport-Security",
};

struct root {
    const struct config_node *tls, *http, *users, *rate;
};

static const struct config_key root_keys[] = {
    {"tls_server_config", CONFIG_MAPPING, offsetof(struct root, tls)},
    {"http_server_config", CONFIG_MAPPING, offsetof(struct root, http)},
    {"basic_auth_users", CONFIG_MAPPING, offsetof(struct root, users)},
    {"rate_limit", CONFIG_MAPPING, offsetof(struct root, rate)},
};

struct http {
    bool has_http2;
    const struct config_node *headers;
};

static const struct config_key http_keys[] = {
    {"http2", CONFIG_BOOL, offsetof(struct http, has_http2), .fallback = true,
     .takes_nothing = true},
    {"headers", CONFIG_MAPPING, offsetof(struct http, headers)},
};

struct headers {
    const char *texts[WEB_N_HEADERS];
    int frame_options, content_type_options;
};

enum { VALUE_ABSENT = -1 };

static const struct config_choice frame_options[] = {{"deny", 0}, {"sameorigin", 1}, {0}};
static const struct config_choice content_type_options[] = {{"nosniff", 0}, {0}};

#define HEADER_TEXT(name, index)                                                                   \
    {                                                                                              \
        name, CONFIG_TEXT, offsetof(struct headers, texts[index]), .takes_nothing = true           \
    }

static const struct config_key header_keys[] = {
    HEADER_TEXT("Content-Security-Policy", WEB_HEADER_CONTENT_SECURITY_POLICY),
    HEADER_TEXT("X-XSS-Protection", WEB_HEADER_XSS_PROTECTION),
    HEADER_TEXT("Strict-Transport-Security", WEB_HEADER_STRICT_TRANSPORT_SECURITY),
    {"X-Frame-Options", CONFIG_CHOICE, offsetof(struct headers, frame_options),
     .fallback = VALUE_ABSENT, .choices = frame_options},
    {"X-Content-Type-Options", CONFIG_CHOICE, offsetof(struct headers, content_type_options),
     .fallback = VALUE_ABSENT, .choices = content_type_options},
};

/* A header is one line: line ends become spaces, those around the text go. */
static int set_header(struct web_config *self, enum web_header header, const char *text)
{
    if (!text)
        return 0;
    text += strspn(text, " \t\r\n");
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    for (char *c = copy; *c; c++) {
        if (*c == '\r' || *c == '\n')
            *c = ' ';
    }
    for (size_t n = strlen(copy); n > 0 && (copy[n - 1] == ' ' || copy[n - 1] == '\t'); n--)
        copy[n - 1] = '\0';
    self->headers[header] = self->texts[header] = copy;
    return 0;
}

static int read_headers(const struct config_node *node, struct web_config *self, struct error *err)
{
    struct headers given;
    int r = config_keys_read(node, header_keys, COUNT(header_keys), &given, err);
    if (r < 0)
        return r;
    given.texts[WEB_HEADER_FRAME_OPTIONS] = config_choice_name(frame_options, given.frame_options);
    given.texts[WEB_HEADER_CONTENT_TYPE_OPTIONS] = config_choice_name(content_type_options,
                                                                      given.content_type_options);
    for (unsigned i = 0; i < WEB_N_HEADERS; i++) {
        if (set_header(self, i, given.texts[i]) < 0)
            return error_set(err, -ENOMEM, "not enough memory");
    }
    return 0;
}

static bool names_contain(const struct web_names *names, int item)
{
    for (unsigned i = 0; i < names->n; i++) {
        if (names->items[i] == item)
            return true;
    }
    return false;
}

/* Go's HTTP/2 server refuses to start without one of these, so the toolkit does. */
static int check_http2(const struct web_config *self, struct error *err)
{
    const struct web_config_tls *tls = &self->tls;
    if (!tls->is_enabled || tls->ciphers.n == 0 || tls->min_version == WEB_TLS13 ||
        names_contain(&tls->ciphers, WEB_ECDHE_RSA_AES128_GCM) ||
        names_contain(&tls->ciphers, WEB_ECDHE_ECDSA_AES128_GCM))
        return 0;
    return config_node_error(config_node_find(tls->node, "cipher_suites"), err,
                             "HTTP/2 needs TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or "
                             "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 in 'cipher_suites'; add one, "
                             "or set 'http2: false' in 'http_server_config'");
}

static int read_http(const struct config_node *node, struct web_config *self, struct error *err)
{
    struct http http = {.has_http2 = true};
    int r = node ? config_keys_read(node, http_keys, COUNT(http_keys), &http, err) : 0;
    if (r == 0 && http.headers)
        r = read_headers(http.headers, self, err);
    if (r == 0 && http.has_http2)
        r = check_http2(self, err);
    return r;
}

static int read_root(struct web_config *self, struct error *err)
{
    struct root root;
    int r = config_keys_read(config_document_root(self->document), root_keys, COUNT(root_keys),
                             &root, err);
    if (r == 0 && root.tls)
        r = web_config_read_tls(root.tls, &self->tls, err);
    if (r == 0)
        r = read_http(root.http, self, err);
    if (r == 0 && root.users)
        r = web_config_read_users(root.users, self, err);
    if (r == 0 && root.rate)
        r = web_config_read_rate(root.rate, self, err);
    return r;
}

/* Takes the document. */
static int finish(struct config_document *document, struct web_config **ret_config,
                  struct error *err)
{
    cleanup(web_config_destroy) struct web_config *self = calloc(1, sizeof(*self));
    if (!self) {
        config_document_destroy(&document);
        return error_set(err, -ENOMEM, "not enough memory");
    }
    self->document = document;
    int r = read_root(self, err);
    if (r < 0)
        return r;
    *ret_config = self;
    self = NULL;
    return 0;
}

int web_config_open(const char *path, struct web_config **ret_config, struct error *err)
{
    struct config_document *document = NULL;
    int r = config_document_open(path, &document, err);
    return r < 0 ? r : finish(document, ret_config, err);
}

int web_config_parse(const char *name, const char *text, size_t size,
                     struct web_config **ret_config, struct error *err)
{
    struct config_document *document = NULL;
    int r = config_document_parse(name, text, size, &document, err);
    return r < 0 ? r : finish(document, ret_config, err);
}

void web_config_destroy(struct web_config **self_p)
{
    struct web_config *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    free(self->tls.cert_file);
    free(self->tls.key_file);
    free(self->tls.client_ca_file);
    for (unsigned i = 0; i < WEB_N_HEADERS; i++)
        free(self->texts[i]);
    free(self->users);
    config_document_destroy(&self->document);
    free(self);
}
