/* SPDX-License-Identifier: MPL-2.0 */
/* certificate - keys and certificates made for one test. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

#include "support/cmocka.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct certificate {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
};

struct certificate_options {
    const struct certificate *issuer; /* NULL: signed by itself */
    bool is_ca, is_rsa, is_expired, is_for_servers_only, is_for_encryption_only;
    const char *dns, *email, *uri;
    const char *ip; /* its bytes */
    unsigned ip_size;
};

static inline void certificate_add_names(gnutls_x509_crt_t crt,
                                         const struct certificate_options *options)
{
    const struct {
        gnutls_x509_subject_alt_name_t type;
        const char *text;
    } names[] = {{GNUTLS_SAN_DNSNAME, options->dns},
                 {GNUTLS_SAN_RFC822NAME, options->email},
                 {GNUTLS_SAN_URI, options->uri}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].text)
            assert_int_equal(gnutls_x509_crt_set_subject_alt_name(crt, names[i].type, names[i].text,
                                                                  (unsigned)strlen(names[i].text),
                                                                  GNUTLS_FSAN_APPEND),
                             0);
    }
    if (options->ip)
        assert_int_equal(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
                                                              options->ip, options->ip_size,
                                                              GNUTLS_FSAN_APPEND),
                         0);
}

static inline void certificate_make(const char *name, const struct certificate_options *options,
                                    struct certificate *ret)
{
    static unsigned char serial;
    unsigned bits = options->is_rsa ? 2048
                                    : (unsigned)GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
    serial++;
    assert_int_equal(gnutls_x509_privkey_init(&ret->key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         ret->key, options->is_rsa ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA, bits, 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&ret->crt), 0);
    gnutls_x509_crt_set_version(ret->crt, 3);
    gnutls_x509_crt_set_serial(ret->crt, &serial, 1);
    gnutls_x509_crt_set_dn_by_oid(ret->crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                  (unsigned)strlen(name));
    gnutls_x509_crt_set_activation_time(ret->crt, time(NULL) - 7200);
    gnutls_x509_crt_set_expiration_time(ret->crt,
                                        time(NULL) + (options->is_expired ? -3600 : 86400));
    gnutls_x509_crt_set_ca_status(ret->crt, options->is_ca);
    if (options->is_ca)
        gnutls_x509_crt_set_key_usage(ret->crt, GNUTLS_KEY_KEY_CERT_SIGN);
    if (options->is_for_encryption_only)
        gnutls_x509_crt_set_key_usage(ret->crt, GNUTLS_KEY_KEY_ENCIPHERMENT);
    if (options->is_for_servers_only)
        gnutls_x509_crt_set_key_purpose_oid(ret->crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    certificate_add_names(ret->crt, options);
    gnutls_x509_crt_set_key(ret->crt, ret->key);
    const struct certificate *issuer = options->issuer ? options->issuer : ret;
    assert_int_equal(
        gnutls_x509_crt_sign2(ret->crt, issuer->crt, issuer->key, GNUTLS_DIG_SHA256, 0), 0);
}

/* As PEM, to be freed with gnutls_free(). */
static inline gnutls_datum_t certificate_pem(const struct certificate *self)
{
    gnutls_datum_t pem = {0};
    assert_int_equal(gnutls_x509_crt_export2(self->crt, GNUTLS_X509_FMT_PEM, &pem), 0);
    return pem;
}

static inline gnutls_datum_t certificate_key_pem(const struct certificate *self)
{
    gnutls_datum_t pem = {0};
    assert_int_equal(gnutls_x509_privkey_export2(self->key, GNUTLS_X509_FMT_PEM, &pem), 0);
    return pem;
}

static inline void certificate_write(const char *directory, const char *name, gnutls_datum_t pem)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(pem.data, 1, pem.size, file), pem.size);
    assert_int_equal(fclose(file), 0);
    gnutls_free(pem.data);
}

/* Writes NAME.crt and NAME.key. */
static inline void certificate_save(const struct certificate *self, const char *directory,
                                    const char *name)
{
    char file[64];
    (void)snprintf(file, sizeof(file), "%s.crt", name);
    certificate_write(directory, file, certificate_pem(self));
    (void)snprintf(file, sizeof(file), "%s.key", name);
    certificate_write(directory, file, certificate_key_pem(self));
}

static inline void certificate_finish(struct certificate *self)
{
    gnutls_x509_crt_deinit(self->crt);
    gnutls_x509_privkey_deinit(self->key);
}

#endif
