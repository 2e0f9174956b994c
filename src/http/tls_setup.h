/* SPDX-License-Identifier: MPL-2.0 */
/* tls_setup - what the files named tls*.c share. */
#ifndef HTTP_TLS_SETUP_H
#define HTTP_TLS_SETUP_H

#include "http/tls.h"

struct tls_setup {
    gnutls_certificate_credentials_t credentials;
    gnutls_pk_algorithm_t algorithm; /* of the server's key */
    gnutls_priority_t priority;      /* all versions that are allowed */
    gnutls_priority_t priority_old;  /* up to TLS 1.2; NULL: one list serves all versions */
    gnutls_priority_t priority_new;  /* TLS 1.3 */
    enum web_client_auth client_auth;
    const struct config_node *allowed_sans; /* borrowed */
};

enum tls_scope { TLS_SCOPE_ALL, TLS_SCOPE_OLD, TLS_SCOPE_NEW };

/* Versions, cipher suites and curves as text for gnutls_priority_init(). `algorithm` is that of
 * the server's key: suites of the other kind could not be used and are left out. */
void tls_priority_write(const struct web_config_tls *config, enum tls_scope scope,
                        gnutls_pk_algorithm_t algorithm, struct string_buffer *ret_text);

/* TLS 1.3 and older versions are both allowed, with suites chosen for the older. */
bool tls_priority_differs(const struct web_config_tls *config);

/* Judges the client's certificate during the handshake; sends the alert that says why not. */
int tls_peer_verify(gnutls_session_t session);

#endif
