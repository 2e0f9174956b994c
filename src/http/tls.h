/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tls - a web configuration's certificates and rules, put on each new connection.
 *
 *     tls_setup_new(&config->tls, &setup, err)         loads and checks the files
 *     tls_peer_begin(&peer, setup, session)            before the handshake of a connection
 *     tls_peer_is_accepted(&peer)                      before its first request is answered
 *
 * Everything is set per session and nothing per server, so a changed configuration holds from
 * the next connection on, as with the toolkit, and no listening socket is closed for it.
 *
 * Thread:  setup: any, read-only once made. Peer: that of its connection.   Blocks: on files.
 * Owns:    setup: credentials; it must outlive the sessions that use it.
 * Errors:  -EINVAL or -errno with `err` filled.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "http/web_config.h"

#include <gnutls/gnutls.h>

struct tls_setup;

int tls_setup_new(const struct web_config_tls *config, struct tls_setup **ret_setup,
                  struct error *err);

void tls_setup_destroy(struct tls_setup **self_p);

struct tls_peer {
    const struct tls_setup *setup;
    bool is_checked; /* the client's certificate, or its absence, was found good */
};

/* Takes over the session's user pointer. `peer` must outlive the handshake. */
int tls_peer_begin(struct tls_peer *peer, const struct tls_setup *setup, gnutls_session_t session);

/* False for a peer that came past the check of client certificates in whatever way. */
bool tls_peer_is_accepted(const struct tls_peer *peer);

#endif
