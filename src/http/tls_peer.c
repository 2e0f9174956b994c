/* SPDX-License-Identifier: MPL-2.0 */
#include "http/tls.h"
#include "http/tls_setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <string.h>

#define SAN_BYTES_MAX 4096u /* a longer name matches nothing */

/* The version is known now: Go's choice of suites is for versions before TLS 1.3. */
static int choose_priority(gnutls_session_t session)
{
    const struct tls_peer *peer = gnutls_session_get_ptr(session);
    bool is_new = gnutls_protocol_get_version(session) >= GNUTLS_TLS1_3;
    return gnutls_priority_set(session,
                               is_new ? peer->setup->priority_new : peer->setup->priority_old);
}

int tls_peer_begin(struct tls_peer *peer, const struct tls_setup *setup, gnutls_session_t session)
{
    *peer = (struct tls_peer){.setup = setup, .is_checked = setup->client_auth == WEB_CLIENT_NONE};
    gnutls_session_set_ptr(session, peer);
    int r = gnutls_priority_set(session, setup->priority);
    if (r >= 0)
        r = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, setup->credentials);
    if (r < 0)
        return -EINVAL;
    if (setup->priority_old)
        gnutls_handshake_set_post_client_hello_function(session, choose_priority);
    /* A missing certificate is refused by tls_peer_verify(), with an alert: the library would
     * only close the connection. */
    gnutls_certificate_server_set_request(
        session, setup->client_auth == WEB_CLIENT_NONE ? GNUTLS_CERT_IGNORE : GNUTLS_CERT_REQUEST);
    gnutls_session_set_verify_function(session, tls_peer_verify);
    return 0;
}

bool tls_peer_is_accepted(const struct tls_peer *peer)
{
    return peer->is_checked;
}

static int refuse(gnutls_session_t session, gnutls_alert_description_t alert)
{
    (void)gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
    return GNUTLS_E_CERTIFICATE_ERROR;
}

static bool is_allowed(const struct config_node *list, const char *name, size_t size)
{
    for (const struct config_node *node = list->first; node; node = node->next) {
        if (strlen(node->text) == size && memcmp(node->text, name, size) == 0)
            return true;
    }
    return false;
}

static bool is_allowed_ip(const struct config_node *list, const unsigned char *address, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr wide;
    bool is_v4 = size == 4;
    if (size == 16) {
        memcpy(&wide, address, 16);
        is_v4 = IN6_IS_ADDR_V4MAPPED(&wide);
        address += is_v4 ? 12 : 0;
    } else if (!is_v4) {
        return false;
    }
    return inet_ntop(is_v4 ? AF_INET : AF_INET6, address, text, sizeof(text)) &&
           is_allowed(list, text, strlen(text));
}

/* One alternative name of the certificate: DNS, e-mail, IP or URI, as it is written there. */
static bool has_allowed_san(const struct config_node *list, gnutls_x509_crt_t certificate)
{
    for (unsigned i = 0;; i++) {
        unsigned char name[SAN_BYTES_MAX];
        size_t size = sizeof(name);
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue;
        if (type < 0)
            return false;
        if (type == GNUTLS_SAN_IPADDRESS ? is_allowed_ip(list, name, size)
            : type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME || type == GNUTLS_SAN_URI
                ? is_allowed(list, (const char *)name, size)
                : false)
            return true;
    }
}

static bool leaf_has_allowed_san(const struct config_node *list, const gnutls_datum_t *leaf)
{
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) < 0)
        return false;
    bool is_good = gnutls_x509_crt_import(certificate, leaf, GNUTLS_X509_FMT_DER) >= 0 &&
                   has_allowed_san(list, certificate);
    gnutls_x509_crt_deinit(certificate);
    return is_good;
}

/* The chain ends in a trusted CA, is valid now, and is meant for clients. */
static int verify_chain(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID};
    union {
        const char *text;
        unsigned char *bytes;
    } oid = {GNUTLS_KP_TLS_WWW_CLIENT};
    purpose.data = oid.bytes;
    unsigned status = 0;
    if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0)
        return refuse(session, GNUTLS_A_BAD_CERTIFICATE);
    if (status == 0)
        return 0;
    return refuse(session, status & GNUTLS_CERT_SIGNER_NOT_FOUND ? GNUTLS_A_UNKNOWN_CA
                           : status & GNUTLS_CERT_EXPIRED        ? GNUTLS_A_CERTIFICATE_EXPIRED
                                                                 : GNUTLS_A_BAD_CERTIFICATE);
}

int tls_peer_verify(gnutls_session_t session)
{
    struct tls_peer *peer = gnutls_session_get_ptr(session);
    const struct tls_setup *setup = peer->setup;
    bool is_required = setup->client_auth == WEB_CLIENT_REQUIRE_ANY ||
                       setup->client_auth == WEB_CLIENT_REQUIRE_AND_VERIFY;
    bool is_verified = setup->client_auth == WEB_CLIENT_VERIFY_IF_GIVEN ||
                       setup->client_auth == WEB_CLIENT_REQUIRE_AND_VERIFY;
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    if (!chain || n == 0) {
        if (is_required)
            return refuse(session, gnutls_protocol_get_version(session) >= GNUTLS_TLS1_3
                                       ? GNUTLS_A_CERTIFICATE_REQUIRED
                                       : GNUTLS_A_BAD_CERTIFICATE);
        peer->is_checked = true;
        return 0;
    }

    int r = is_verified ? verify_chain(session) : 0;
    if (r == 0 && setup->allowed_sans && !leaf_has_allowed_san(setup->allowed_sans, &chain[0]))
        r = refuse(session, GNUTLS_A_BAD_CERTIFICATE);
    peer->is_checked = r == 0;
    return r;
}
