/* SPDX-License-Identifier: MPL-2.0 */
/* What an exporter is asked, and what is made of its answer, over a connection that is played. */
#include "cli/exporter_client.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const char *answer_text; /* what comes */
static size_t piece_size;       /* at most so much at once */
static size_t n_filler;         /* bytes that come first */
static bool is_cut;
static int open_result, send_result, receive_result;
static unsigned n_open;
static char request[2048];
static struct exporter_url asked;
static size_t n_came;

static struct error err;
static struct exporter_answer answer;

int exporter_stream_open(const struct exporter_tls *tls, const struct exporter_url *url,
                         struct exporter_stream *ret_stream, struct error *ret_err)
{
    assert_non_null(tls);
    asked = *url;
    if (open_result < 0)
        return error_set(ret_err, open_result, "not open");
    *ret_stream = (struct exporter_stream){.fd = 77};
    n_open++;
    return 0;
}

void exporter_stream_finish(struct exporter_stream *self)
{
    n_open -= self->fd == 77;
    self->fd = -1;
}

int exporter_stream_send(struct exporter_stream *self, const char *bytes, size_t size,
                         struct error *ret_err)
{
    assert_int_equal(self->fd, 77);
    assert_true(size < sizeof(request));
    memcpy(request, bytes, size);
    request[size] = '\0';
    return send_result < 0 ? error_set(ret_err, send_result, "not sent") : 0;
}

int exporter_stream_receive(struct exporter_stream *self, char *bytes, size_t size, size_t *ret_n,
                            struct error *ret_err)
{
    assert_int_equal(self->fd, 77);
    assert_true(size >= 65536);
    if (receive_result < 0)
        return error_set(ret_err, receive_result, "not received");
    if (n_filler > 0) {
        size_t n = n_filler < size ? n_filler : size;
        memset(bytes, 'a', n);
        n_filler -= n;
        *ret_n = n;
        return 0;
    }
    size_t n = strlen(answer_text + n_came);
    n = n < piece_size ? n : piece_size;
    memcpy(bytes, answer_text + n_came, n);
    n_came += n;
    *ret_n = n;
    self->is_cut = n == 0 && is_cut;
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    piece_size = 7;
    n_filler = n_came = 0;
    is_cut = false;
    open_result = send_result = receive_result = 0;
    n_open = 0;
    request[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    exporter_answer_finish(&answer);
    return 0;
}

static int get(const struct exporter_client *client, const char *text)
{
    exporter_answer_finish(&answer);
    answer_text = text;
    n_came = 0;
    err.message[0] = '\0';
    int r = exporter_client_get(client, "/path?a=b", &answer, &err);
    assert_int_equal(n_open, 0);
    return r;
}

static const struct exporter_client plain = {.url = "http://host:1/of/"};

#define OK "HTTP/1.1 200 OK\r\n"

static void get__answer__is_taken_apart(void **state)
{
    size_t n = 0;
    (void)state;
    assert_int_equal(get(&plain, OK "X-Other: 1\r\ncontent-TYPE:\t text/plain \r\n"
                                    "Content-Length: 4\r\n\r\nb\r\nd"),
                     0);
    assert_string_equal(request, "GET /of/path?a=b HTTP/1.0\r\nHost: host:1\r\n"
                                 "Connection: close\r\n\r\n");
    assert_string_equal(asked.host, "host");
    assert_string_equal(asked.port, "1");
    assert_string_equal(answer.body, "b\r\nd");
    assert_int_equal(answer.size, 4);
    const char *value = exporter_answer_header(&answer, "Content-Type", &n);
    assert_memory_equal(value, "text/plain ", 11);
    assert_int_equal(n, 11);
    assert_non_null(exporter_answer_header(&answer, "X-Other", &n));
    assert_int_equal(n, 1);
    assert_null(exporter_answer_header(&answer, "X-Othe", &n));
    assert_null(exporter_answer_header(&answer, "Other", &n));
    assert_null(exporter_answer_header(&answer, "HTTP/1.1 200 OK", &n));
}

static void get__header_in_the_body__is_none(void **state)
{
    size_t n;
    (void)state;
    assert_int_equal(get(&plain, OK "A: 1\r\n\r\n\r\nX: 2\r\nContent-Length: 900\r\n"), 0);
    assert_null(exporter_answer_header(&answer, "X", &n));
    assert_null(exporter_answer_header(&answer, "Content-Length", &n));
    assert_int_equal(answer.size, 29);
}

static void get__address_of_version_six__has_brackets(void **state)
{
    (void)state;
    assert_int_equal(get(&(struct exporter_client){.url = "[::1]"}, OK "\r\n"), 0);
    assert_string_equal(request, "GET /path?a=b HTTP/1.0\r\nHost: [::1]:10556\r\n"
                                 "Connection: close\r\n\r\n");
    assert_int_equal(answer.size, 0);
    assert_string_equal(answer.body, "");
}

static void refuse(const struct exporter_client *client, const char *text, int result,
                   const char *message)
{
    assert_int_equal(get(client, text), result);
    assert_string_equal(err.message, message);
    assert_null(answer.text.data);
}

#define STATUS(text) "HTTP/1.0 " text "\r\n"

static void get__other_status__is_explained(void **state)
{
    static const char question[] = "is it an exporter, of this release?";
    char expected[200];
    (void)state;
    refuse(&plain, STATUS("401 No") "\r\n", -EACCES,
           "--url: the exporter asks for a user name and password: --url.username and "
           "--url.password-file");
    refuse(&plain, STATUS("301 Moved") "Location:  https://b/\r\nA: 1\r\n\r\n", -EPROTO,
           "--url: status 301: it is now at https://b/");
    (void)snprintf(expected, sizeof(expected), "--url: status 399; %s", question);
    refuse(&plain, STATUS("399 Moved") "\r\n", -EPROTO, expected);
    (void)snprintf(expected, sizeof(expected), "--url: status 404; %s It says: no", question);
    refuse(&plain, STATUS("404 Not Found") "Location: x\r\n\r\nno\r\nmore", -EPROTO, expected);
    (void)snprintf(expected, sizeof(expected), "--url: status 201; %s", question);
    refuse(&plain, STATUS("201 Created") "\r\n", -EPROTO, expected);
}

static void get__not_whole__is_said(void **state)
{
    (void)state;
    refuse(&plain, "", -EPROTO, "--url: what answers there speaks no HTTP; is it https://?");
    refuse(&plain, "SSH-2.0\r\n\r\n", -EPROTO, "--url: what answers there speaks no HTTP");
    refuse(&plain, OK "A: 1\r\n", -EPROTO, "--url: what answers there speaks no HTTP");
    refuse(&plain, OK "Content-Length: 5\r\n\r\nfour", -EPROTO,
           "--url: the answer did not come whole");
    assert_int_equal(get(&plain, OK "Content-Length: 3\r\n\r\nfour"), 0);
    is_cut = true;
    refuse(&plain, "", -ECONNRESET, EXPORTER_STREAM_CUT);
    refuse(&plain, OK "\r\nfour", -EPROTO, "--url: the answer did not come whole");
    assert_int_equal(get(&plain, OK "Content-Length: 4\r\n\r\nfour"), 0);
    is_cut = false;
    n_filler = EXPORTER_CLIENT_ANSWER_MAX + 1;
    refuse(&plain, "", -EFBIG, "--url: the answer has more than 67108864 bytes");
    n_filler = EXPORTER_CLIENT_ANSWER_MAX;
    refuse(&plain, "", -EPROTO, "--url: what answers there speaks no HTTP");
}

static void get__connection_fails__is_forwarded(void **state)
{
    (void)state;
    refuse(&(struct exporter_client){.url = ""}, "", -EINVAL,
           "--url: '' is not http://HOST:PORT or https://HOST:PORT");
    receive_result = -EIO;
    refuse(&plain, OK "\r\n", -EIO, "not received");
    send_result = -EPIPE;
    refuse(&plain, OK "\r\n", -EPIPE, "not sent");
    open_result = -ECONNREFUSED;
    refuse(&plain, OK "\r\n", -ECONNREFUSED, "not open");
    assert_int_equal(n_came, 0);
}

static void get__password__is_sent_as_basic_authentication(void **state)
{
    char directory[64], path[80], name[258];
    (void)state;
    temporary_directory_make(directory);
    (void)snprintf(path, sizeof(path), "%s/p", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("open sesame\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
    struct exporter_client client = {.url = "h", .username = "Aladdin", .password_file = path};
    assert_int_equal(get(&client, OK "\r\n"), 0);
    assert_string_equal(request, "GET /path?a=b HTTP/1.0\r\nHost: h:10556\r\n"
                                 "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
                                 "Connection: close\r\n\r\n");
    refuse(&client, STATUS("401 No") "\r\n", -EACCES,
           "--url: the exporter does not accept this user name and password");
    client.username = "a:b";
    refuse(&client, "", -EINVAL, "--url.username: at most 255 characters and no colon");
    memset(name, 'a', sizeof(name));
    name[256] = '\0';
    client.username = name;
    refuse(&client, "", -EINVAL, "--url.username: at most 255 characters and no colon");
    name[255] = '\0';
    assert_int_equal(get(&client, OK "\r\n"), 0);
    client.username = NULL;
    refuse(&client, "", -EINVAL, "--url.username and --url.password-file go together");
    client = (struct exporter_client){.url = "h", .username = "a"};
    refuse(&client, "", -EINVAL, "--url.username and --url.password-file go together");
    client.password_file = "/none/p";
    assert_int_equal(get(&client, ""), -ENOENT);
    assert_memory_equal(err.message, "--url.password-file: ", 21);
    temporary_directory_remove(directory);
}

static void is_set__each__is_something(void **state)
{
    (void)state;
    assert_false(exporter_client_is_set(&plain));
    assert_true(exporter_client_is_set(&(struct exporter_client){.username = "a"}));
    assert_true(exporter_client_is_set(&(struct exporter_client){.password_file = "a"}));
    assert_true(exporter_client_is_set(&(struct exporter_client){.tls = {.ca_file = "a"}}));
    assert_true(exporter_client_is_set(&(struct exporter_client){.tls = {.cert_file = "a"}}));
    assert_true(exporter_client_is_set(&(struct exporter_client){.tls = {.key_file = "a"}}));
    assert_true(
        exporter_client_is_set(&(struct exporter_client){.tls = {.skips_verification = true}}));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(get__answer__is_taken_apart),
        CASE(get__header_in_the_body__is_none),
        CASE(get__address_of_version_six__has_brackets),
        CASE(get__other_status__is_explained),
        CASE(get__not_whole__is_said),
        CASE(get__connection_fails__is_forwarded),
        CASE(get__password__is_sent_as_basic_authentication),
        CASE(is_set__each__is_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
