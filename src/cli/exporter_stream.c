/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/exporter_stream.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static int dial(const struct exporter_url *url, int *ret_fd, struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct timeval patience = {.tv_sec = EXPORTER_STREAM_PATIENCE_S};
    struct addrinfo *found = NULL;
    int problem = getaddrinfo(url->host, url->port, &hints, &found);
    if (problem)
        return error_set(err, -EHOSTUNREACH, "--url: %s: %s", url->host, gai_strerror(problem));
    int fd = -1, error = 0;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            break;
        error = errno == EINPROGRESS ? ETIMEDOUT : errno; /* SO_SNDTIMEO is over */
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd < 0)
        return error_set(err, -error, "--url: %s:%s: %s", url->host, url->port, strerror(error));
    *ret_fd = fd;
    return 0;
}

static int load_files(struct exporter_stream *self, const struct exporter_tls *tls,
                      struct error *err)
{
    int r = tls->ca_file ? gnutls_certificate_set_x509_trust_file(self->credentials, tls->ca_file,
                                                                  GNUTLS_X509_FMT_PEM)
                         : gnutls_certificate_set_x509_system_trust(self->credentials);
    if (tls->ca_file && r <= 0)
        return error_set(err, -EINVAL, "--url.ca-file: %s: %s", tls->ca_file,
                         r ? gnutls_strerror(r) : "it holds no certificate");
    if (!tls->cert_file != !tls->key_file)
        return error_set(err, -EINVAL, "--url.cert-file and --url.key-file go together");
    r = tls->cert_file ? gnutls_certificate_set_x509_key_file(self->credentials, tls->cert_file,
                                                              tls->key_file, GNUTLS_X509_FMT_PEM)
                       : 0;
    return r < 0 ? error_set(err, -EINVAL, "--url.cert-file: %s with %s: %s", tls->cert_file,
                             tls->key_file, gnutls_strerror(r))
                 : 0;
}

static bool is_address(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static int explain_certificate(gnutls_session_t session, struct error *err)
{
    gnutls_datum_t text = {0};
    unsigned status = gnutls_session_get_verify_cert_status(session);
    int r = gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
    (void)error_set(err, -EACCES,
                    "--url: %s --url.ca-file names the authority that signed it, "
                    "--url.insecure-skip-verify does without",
                    r == 0 ? (const char *)text.data : "The certificate is not trusted.");
    gnutls_free(text.data);
    return -EACCES;
}

static int explain(gnutls_session_t session, int problem, struct error *err)
{
    if (problem == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR || problem == GNUTLS_E_CERTIFICATE_ERROR)
        return explain_certificate(session, err);
    if (problem == GNUTLS_E_PREMATURE_TERMINATION || problem == GNUTLS_E_PUSH_ERROR ||
        problem == GNUTLS_E_PULL_ERROR)
        return error_set(err, -ECONNRESET, EXPORTER_STREAM_CUT);
    if (problem == GNUTLS_E_AGAIN || problem == GNUTLS_E_TIMEDOUT)
        return error_set(err, -ETIMEDOUT, "--url: no answer within %d s",
                         EXPORTER_STREAM_PATIENCE_S);
    if (problem == GNUTLS_E_UNEXPECTED_PACKET_LENGTH || problem == GNUTLS_E_UNEXPECTED_PACKET ||
        problem == GNUTLS_E_UNSUPPORTED_VERSION_PACKET)
        return error_set(err, -EPROTO, "--url: what answers there speaks no TLS; is it http://?");
    if (problem != GNUTLS_E_FATAL_ALERT_RECEIVED && problem != GNUTLS_E_WARNING_ALERT_RECEIVED)
        return error_set(err, -EPROTO, "--url: TLS: %s", gnutls_strerror(problem));
    gnutls_alert_description_t alert = gnutls_alert_get(session);
    const char *name = gnutls_alert_get_name(alert);
    bool wants_certificate = alert == GNUTLS_A_CERTIFICATE_REQUIRED ||
                             alert == GNUTLS_A_BAD_CERTIFICATE || alert == GNUTLS_A_UNKNOWN_CA ||
                             alert == GNUTLS_A_ACCESS_DENIED || alert == GNUTLS_A_HANDSHAKE_FAILURE;
    return error_set(err, -EACCES, "--url: TLS: the exporter refuses: %s%s", name ? name : "?",
                     wants_certificate ? "; it may ask for a certificate: --url.cert-file and "
                                         "--url.key-file"
                                       : "");
}

static int shake_hands(struct exporter_stream *self, const struct exporter_tls *tls,
                       const struct exporter_url *url, struct error *err)
{
    int r = gnutls_certificate_allocate_credentials(&self->credentials);
    if (r == 0)
        r = load_files(self, tls, err);
    if (r == -EINVAL)
        return r;
    if (r == 0)
        r = gnutls_init(&self->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    if (r == 0)
        r = gnutls_set_default_priority(self->session);
    if (r == 0)
        r = gnutls_credentials_set(self->session, GNUTLS_CRD_CERTIFICATE, self->credentials);
    if (r == 0 && !is_address(url->host))
        r = gnutls_server_name_set(self->session, GNUTLS_NAME_DNS, url->host, strlen(url->host));
    if (r < 0)
        return error_set(err, -ENOMEM, "--url: TLS: %s", gnutls_strerror(r));
    if (!tls->skips_verification)
        gnutls_session_set_verify_cert(self->session, url->host, 0);
    gnutls_transport_set_int(self->session, self->fd);
    gnutls_handshake_set_timeout(self->session, EXPORTER_STREAM_PATIENCE_S * 1000);
    do
        r = gnutls_handshake(self->session);
    while (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r));
    return r < 0 ? explain(self->session, r, err) : 0;
}

int exporter_stream_open(const struct exporter_tls *tls, const struct exporter_url *url,
                         struct exporter_stream *ret_stream, struct error *err)
{
    struct exporter_stream self = {.fd = -1};
    int r = dial(url, &self.fd, err);
    if (r == 0 && url->has_tls)
        r = shake_hands(&self, tls, url, err);
    if (r < 0)
        exporter_stream_finish(&self);
    else
        *ret_stream = self;
    return r;
}

void exporter_stream_finish(struct exporter_stream *self)
{
    if (self->session)
        gnutls_deinit(self->session);
    if (self->credentials)
        gnutls_certificate_free_credentials(self->credentials);
    if (self->fd >= 0)
        close(self->fd);
    *self = (struct exporter_stream){.fd = -1};
}

static int broken_off(struct error *err)
{
    int error = errno == EAGAIN ? ETIMEDOUT : errno;
    return error_set(err, -error, "--url: %s%s", strerror(error),
                     error == ECONNRESET ? "; is it https://?" : "");
}

int exporter_stream_send(struct exporter_stream *self, const char *bytes, size_t size,
                         struct error *err)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t n = self->session ? gnutls_record_send(self->session, bytes + sent, size - sent)
                                  : send(self->fd, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (n == GNUTLS_E_INTERRUPTED && self->session)
            continue;
        if (n < 0)
            return self->session ? explain(self->session, (int)n, err) : broken_off(err);
        sent += (size_t)n;
    }
    return 0;
}

int exporter_stream_receive(struct exporter_stream *self, char *bytes, size_t size, size_t *ret_n,
                            struct error *err)
{
    ssize_t n;
    do
        n = self->session ? gnutls_record_recv(self->session, bytes, size)
                          : recv(self->fd, bytes, size, 0);
    while (self->session && n < 0 && n != GNUTLS_E_AGAIN && !gnutls_error_is_fatal((int)n));
    self->is_cut = self->session && n == GNUTLS_E_PREMATURE_TERMINATION;
    if (self->is_cut)
        n = 0;
    if (n < 0)
        return self->session ? explain(self->session, (int)n, err) : broken_off(err);
    *ret_n = (size_t)n;
    return 0;
}
