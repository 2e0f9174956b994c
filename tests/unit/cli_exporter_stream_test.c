/* SPDX-License-Identifier: MPL-2.0 */
/* Connections to a server of this program: plain, with TLS, and such as end before they should. */
#include "cli/exporter_stream.h"

#include "support/certificate.h"
#include "support/temporary_directory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REQUEST "GET / HTTP/1.0\r\n\r\n"
#define ANSWER  "HTTP/1.1 400 Bad Request\r\n\r\n"
#define LARGE   ((size_t)1 << 22) /* more than a socket takes at once */

enum manner {
    ANSWERS,     /* reads the request, answers and closes */
    IS_SILENT,   /* until the client goes */
    TAKES_LARGE, /* LARGE bytes, and says so */
    CLOSES,
    RESETS,
    TLS_ANSWERS,
    TLS_CUTS, /* answers, and closes without saying so in TLS */
    TLS_ASKS, /* for a certificate */
};

static char directory[64];
static struct certificate ca, own, other;

static struct server {
    pthread_t thread;
    int fd;
    enum manner manner;
    char port[16];
} server;

static struct exporter_url url;
static struct exporter_stream stream;
static struct error err;
static char ca_file[128], own_crt[128], own_key[128], empty_file[128], other_key[128];

/* In place of the library's: nobody is trusted that no file names. */
int gnutls_certificate_set_x509_system_trust(gnutls_certificate_credentials_t credentials)
{
    (void)credentials;
    return 0;
}

/* What is asked of the library and of the system, and a shorter time instead. */
void __real_gnutls_handshake_set_timeout(gnutls_session_t session, unsigned ms);
void __wrap_gnutls_handshake_set_timeout(gnutls_session_t session, unsigned ms);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
static unsigned patience_ms, n_patience, tls_patience_ms;

void __wrap_gnutls_handshake_set_timeout(gnutls_session_t session, unsigned ms)
{
    tls_patience_ms = ms;
    __real_gnutls_handshake_set_timeout(session, patience_ms);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (level != SOL_SOCKET || (name != SO_RCVTIMEO && name != SO_SNDTIMEO))
        return __real_setsockopt(fd, level, name, value, size);
    const struct timeval *patience = value;
    const struct timeval played = {.tv_sec = patience_ms / 1000,
                                   .tv_usec = patience_ms % 1000 * 1000};
    n_patience += patience->tv_sec == EXPORTER_STREAM_PATIENCE_S && patience->tv_usec == 0;
    return __real_setsockopt(fd, level, name, &played, sizeof(played));
}

/*
 * The server, for one connection. It asserts nothing: the client's end is looked at.
 */
static void serve_tls(int fd, enum manner manner)
{
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    char request[64];
    (void)gnutls_certificate_allocate_credentials(&credentials);
    (void)gnutls_certificate_set_x509_key(credentials, &own.crt, 1, own.key);
    (void)gnutls_certificate_set_x509_trust(credentials, &ca.crt, 1);
    (void)gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
    (void)gnutls_set_default_priority(session);
    (void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    if (manner == TLS_ASKS) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_cert(session, NULL, 0);
    }
    gnutls_transport_set_int(session, fd);
    int r = gnutls_handshake(session);
    if (r < 0)
        (void)gnutls_alert_send_appropriate(session, r);
    if (r == 0 && gnutls_record_recv(session, request, sizeof(request)) > 0) {
        (void)gnutls_record_send(session, ANSWER, sizeof(ANSWER) - 1);
        if (manner != TLS_CUTS)
            (void)gnutls_bye(session, GNUTLS_SHUT_WR);
    }
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
}

static void serve_plain(int fd, enum manner manner)
{
    const struct linger at_once = {.l_onoff = 1};
    static char bytes[65536];
    size_t n_came = 0;
    ssize_t n = manner == CLOSES ? 0 : recv(fd, bytes, sizeof(bytes), 0);
    if (manner == ANSWERS && n > 0)
        (void)send(fd, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL);
    if (manner == RESETS)
        (void)__real_setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    while (n > 0 && (manner == IS_SILENT || manner == TAKES_LARGE)) {
        n_came += (size_t)n;
        if (n_came == LARGE)
            (void)send(fd, "all", 3, MSG_NOSIGNAL);
        n = recv(fd, bytes, sizeof(bytes), 0);
    }
}

static void *serve(void *data)
{
    struct server *self = data;
    char byte;
    int fd = accept4(self->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (self->manner >= TLS_ANSWERS)
        serve_tls(fd, self->manner);
    else
        serve_plain(fd, self->manner);
    if (self->manner != RESETS)
        (void)shutdown(fd, SHUT_WR);
    while (self->manner != RESETS && recv(fd, &byte, 1, 0) > 0)
        ; /* what was not read would reset the connection */
    close(fd);
    return NULL;
}

static void begin(enum manner manner, const char *host)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    server = (struct server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                             .manner = manner};
    assert_int_equal(bind(server.fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server.fd, 1), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&address, &size), 0);
    url = (struct exporter_url){.has_tls = true};
    (void)snprintf(url.host, sizeof(url.host), "%s", host);
    (void)snprintf(url.port, sizeof(url.port), "%d", ntohs(address.sin_port));
    stream = (struct exporter_stream){.fd = -1};
    err.message[0] = '\0';
    patience_ms = 20000;
    n_patience = 0;
    assert_int_equal(pthread_create(&server.thread, NULL, serve, &server), 0);
}

static void end(void)
{
    exporter_stream_finish(&stream);
    exporter_stream_finish(&stream); /* of nothing */
    (void)shutdown(server.fd, SHUT_RDWR);
    assert_int_equal(pthread_join(server.thread, NULL), 0);
    close(server.fd);
}

/* Asks and reads all; the first result that is not 0. */
static int ask(char *answer, size_t size)
{
    size_t n = 1, at = 0;
    int r = exporter_stream_send(&stream, REQUEST, sizeof(REQUEST) - 1, &err);
    while (r == 0 && n > 0) {
        r = exporter_stream_receive(&stream, answer + at, size - at - 1, &n, &err);
        at += r == 0 ? n : 0;
    }
    answer[at] = '\0';
    return r;
}

/* Opens and asks; whether the answer came is in the result. */
static int visit(enum manner manner, const char *host, const struct exporter_tls *tls)
{
    char answer[256] = "";
    begin(manner, host);
    url.has_tls = tls != NULL;
    int r = exporter_stream_open(tls, &url, &stream, &err);
    if (r == 0)
        r = ask(answer, sizeof(answer));
    else
        assert_int_equal(stream.fd, -1);
    assert_string_equal(answer, r == 0 ? ANSWER : "");
    assert_int_equal(n_patience, 2);
    bool is_cut = stream.is_cut;
    end();
    assert_int_equal(is_cut, manner == TLS_CUTS);
    return r;
}

static void open__plain__is_asked_and_answers(void **state)
{
    (void)state;
    assert_int_equal(visit(ANSWERS, "127.0.0.1", NULL), 0);
    assert_int_equal(visit(ANSWERS, "localhost", NULL), 0); /* where its first address may be ::1 */
}

static void send__more_than_the_socket_takes_at_once__goes_all(void **state)
{
    (void)state;
    char *bytes = calloc(1, LARGE), answer[8] = "";
    size_t n = 0;
    assert_non_null(bytes);
    begin(TAKES_LARGE, "127.0.0.1");
    url.has_tls = false;
    assert_int_equal(exporter_stream_open(NULL, &url, &stream, &err), 0);
    assert_int_equal(exporter_stream_send(&stream, bytes, LARGE, &err), 0);
    assert_int_equal(exporter_stream_receive(&stream, answer, sizeof(answer), &n, &err), 0);
    assert_int_equal(n, 3);
    assert_string_equal(answer, "all");
    end();
    free(bytes);
}

static void open__nobody_is_there__names_the_place(void **state)
{
    char message[128];
    (void)state;
    begin(ANSWERS, "127.0.0.1");
    end();
    assert_int_equal(exporter_stream_open(NULL, &url, &stream, &err), -ECONNREFUSED);
    (void)snprintf(message, sizeof(message), "--url: 127.0.0.1:%s: Connection refused", url.port);
    assert_string_equal(err.message, message);
    assert_int_equal(stream.fd, -1);

    (void)snprintf(url.port, sizeof(url.port), "no-port");
    assert_int_equal(exporter_stream_open(NULL, &url, &stream, &err), -EHOSTUNREACH);
    assert_memory_equal(err.message, "--url: 127.0.0.1: ", 18);
}

static void receive__plain_and_broken__says_why(void **state)
{
    (void)state;
    assert_int_equal(visit(RESETS, "127.0.0.1", NULL), -ECONNRESET);
    assert_string_equal(err.message, "--url: Connection reset by peer; is it https://?");

    char byte;
    size_t n;
    begin(IS_SILENT, "127.0.0.1");
    url.has_tls = false;
    patience_ms = 50;
    assert_int_equal(exporter_stream_open(NULL, &url, &stream, &err), 0);
    assert_int_equal(exporter_stream_receive(&stream, &byte, 1, &n, &err), -ETIMEDOUT);
    assert_string_equal(err.message, "--url: Connection timed out");
    end();
}

static void open__tls__whom_it_trusts(void **state)
{
    static const struct exporter_tls by_file = {.ca_file = ca_file}, by_system = {0},
                                     blind = {.skips_verification = true};
    (void)state;
    assert_int_equal(visit(TLS_ANSWERS, "127.0.0.1", &by_file), 0);
    assert_int_equal(tls_patience_ms, EXPORTER_STREAM_PATIENCE_S * 1000);
    assert_int_equal(visit(TLS_CUTS, "127.0.0.1", &by_file), 0);
    assert_int_equal(visit(TLS_ANSWERS, "127.0.0.1", &blind), 0);
    assert_int_equal(visit(TLS_ANSWERS, "127.0.0.1", &by_system), -EACCES);
    assert_non_null(strstr(err.message, "--url: The certificate is NOT trusted. "));
    assert_non_null(strstr(err.message, "--url.ca-file names the authority that signed it, "
                                        "--url.insecure-skip-verify does without"));
    /* Its certificate is for the address alone. */
    assert_int_equal(visit(TLS_ANSWERS, "localhost", &by_file), -EACCES);
    assert_non_null(strstr(err.message, "The name in the certificate does not match"));
    assert_int_equal(visit(TLS_ANSWERS, "localhost", &blind), 0);
}

static void open__certificate_is_asked_for__is_given_or_said(void **state)
{
    static const struct exporter_tls none = {.ca_file = ca_file},
                                     with = {ca_file, own_crt, own_key, false};
    (void)state;
    assert_int_equal(visit(TLS_ASKS, "127.0.0.1", &with), 0);
    assert_int_equal(visit(TLS_ASKS, "127.0.0.1", &none), -EACCES);
    assert_memory_equal(err.message, "--url: TLS: the exporter refuses: ", 34);
    assert_non_null(strstr(err.message, "; it may ask for a certificate: --url.cert-file and "
                                        "--url.key-file"));
}

static void open__files__are_read_or_named(void **state)
{
    static const struct {
        struct exporter_tls tls;
        const char *message;
    } cases[] = {
        {{"/nonexistent", NULL, NULL, false},
         "--url.ca-file: /nonexistent: Error while reading file."},
        {{ca_file, own_crt, NULL, false}, "--url.cert-file and --url.key-file go together"},
        {{ca_file, NULL, own_key, true}, "--url.cert-file and --url.key-file go together"},
        {{ca_file, own_crt, "/nonexistent", false}, NULL},
        {{ca_file, "/nonexistent", own_key, false}, NULL},
        {{ca_file, own_crt, other_key, false}, NULL},
        {{empty_file, NULL, NULL, false}, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct exporter_tls *tls = &cases[i].tls;
        char begin_of[256];
        assert_int_equal(visit(TLS_ANSWERS, "127.0.0.1", tls), -EINVAL);
        (void)snprintf(begin_of, sizeof(begin_of), "--url.cert-file: %s with %s: ", own_crt,
                       tls->key_file ? tls->key_file : "");
        if (cases[i].message)
            assert_string_equal(err.message, cases[i].message);
        else if (tls->ca_file == empty_file)
            assert_memory_equal(err.message, "--url.ca-file: ", 15);
        else if (tls->cert_file == own_crt)
            assert_memory_equal(err.message, begin_of, strlen(begin_of));
        else
            assert_memory_equal(err.message, "--url.cert-file: /nonexistent with ", 35);
    }
}

static void open__what_answers_speaks_no_tls__is_said(void **state)
{
    static const struct exporter_tls tls = {.ca_file = ca_file};
    (void)state;
    assert_int_equal(visit(ANSWERS, "127.0.0.1", &tls), -EPROTO);
    assert_string_equal(err.message, "--url: what answers there speaks no TLS; is it http://?");
    assert_int_equal(visit(CLOSES, "127.0.0.1", &tls), -ECONNRESET);
    assert_string_equal(err.message, EXPORTER_STREAM_CUT);
    assert_int_equal(visit(RESETS, "127.0.0.1", &tls), -ECONNRESET);
    assert_string_equal(err.message, EXPORTER_STREAM_CUT);

    begin(IS_SILENT, "127.0.0.1");
    patience_ms = 50;
    int r = exporter_stream_open(&tls, &url, &stream, &err);
    end();
    assert_int_equal(r, -ETIMEDOUT);
    assert_string_equal(err.message, "--url: no answer within 30 s");
}

static void receive__tls_and_silence__ends_with_patience(void **state)
{
    static const struct exporter_tls tls = {.ca_file = ca_file};
    const struct timeval soon = {.tv_usec = 50000};
    char byte;
    size_t n;
    (void)state;
    begin(TLS_ANSWERS, "127.0.0.1");
    int r = exporter_stream_open(&tls, &url, &stream, &err);
    if (r == 0) {
        (void)__real_setsockopt(stream.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
        r = exporter_stream_receive(&stream, &byte, 1, &n, &err);
    }
    end();
    assert_int_equal(r, -ETIMEDOUT);
    assert_string_equal(err.message, "--url: no answer within 30 s");
}

static void name(char path[128], const char *file)
{
    (void)snprintf(path, 128, "%s/%s", directory, file);
}

static int set_up(void **state)
{
    static const struct certificate_options of_ca = {.is_ca = true};
    const struct certificate_options of_own = {.issuer = &ca, .ip = "\x7f\0\0\x01", .ip_size = 4};
    (void)state;
    temporary_directory_make(directory);
    certificate_make("ca", &of_ca, &ca);
    certificate_make("own", &of_own, &own);
    certificate_make("other", &of_ca, &other);
    certificate_save(&ca, directory, "ca");
    certificate_save(&own, directory, "own");
    certificate_save(&other, directory, "other");
    name(ca_file, "ca.crt");
    name(own_crt, "own.crt");
    name(own_key, "own.key");
    name(other_key, "other.key");
    name(empty_file, "empty.crt");
    FILE *file = fopen(empty_file, "w");
    return file ? fclose(file) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    certificate_finish(&ca);
    certificate_finish(&own);
    certificate_finish(&other);
    temporary_directory_remove(directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__plain__is_asked_and_answers),
        cmocka_unit_test(send__more_than_the_socket_takes_at_once__goes_all),
        cmocka_unit_test(open__nobody_is_there__names_the_place),
        cmocka_unit_test(receive__plain_and_broken__says_why),
        cmocka_unit_test(open__tls__whom_it_trusts),
        cmocka_unit_test(open__certificate_is_asked_for__is_given_or_said),
        cmocka_unit_test(open__files__are_read_or_named),
        cmocka_unit_test(open__what_answers_speaks_no_tls__is_said),
        cmocka_unit_test(receive__tls_and_silence__ends_with_patience),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
