/* SPDX-License-Identifier: MPL-2.0 */
/* exporter_stream - one connection to an exporter, plain or with TLS. */
#ifndef CLI_EXPORTER_STREAM_H
#define CLI_EXPORTER_STREAM_H

#include "cli/exporter_url.h"

#include <gnutls/gnutls.h>

/* As plain HTTP does, and an exporter whose rules for client certificates are not met. */
#define EXPORTER_STREAM_CUT                                                                        \
    "--url: TLS: the connection is closed without an answer; is it http://? Or the exporter asks " \
    "for a certificate: --url.cert-file and --url.key-file"

#define EXPORTER_STREAM_PATIENCE_S 30 /* of silence */

/* Of the command line; borrowed. What is NULL was not given. */
struct exporter_tls {
    const char *ca_file, *cert_file, *key_file;
    bool skips_verification;
};

struct exporter_stream {
    int fd;      /* -1: none */
    bool is_cut; /* TLS ended without saying so, as libmicrohttpd does: see the answer's length */
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

/* On failure there is nothing to finish. */
int exporter_stream_open(const struct exporter_tls *tls, const struct exporter_url *url,
                         struct exporter_stream *ret_stream, struct error *err);
void exporter_stream_finish(struct exporter_stream *self);

int exporter_stream_send(struct exporter_stream *self, const char *bytes, size_t size,
                         struct error *err);

/* Sets how many bytes came, 0 at the end. */
int exporter_stream_receive(struct exporter_stream *self, char *bytes, size_t size, size_t *ret_n,
                            struct error *err);

#endif
