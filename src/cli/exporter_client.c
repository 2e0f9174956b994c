/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/exporter_client.h"

#include "base/cleanup.h"
#include "cli/exporter_stream.h"
#include "cli/exporter_url.h"
#include "config/config_secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)65536)

void exporter_answer_finish(struct exporter_answer *self)
{
    string_buffer_finish(&self->text);
    *self = (struct exporter_answer){.size = 0};
}

bool exporter_client_is_set(const struct exporter_client *self)
{
    const struct exporter_tls *tls = &self->tls;
    return tls->ca_file || tls->cert_file || tls->key_file || tls->skips_verification ||
           self->username || self->password_file;
}

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

static int append_password(const struct exporter_client *self, struct string_buffer *request,
                           struct error *err)
{
    char pair[512], password[CONFIG_SECRET_MAX + 1];
    gnutls_datum_t text = {(unsigned char *)pair, 0}, code = {0};
    if (!self->username && !self->password_file)
        return 0;
    if (!self->username || !self->password_file)
        return error_set(err, -EINVAL, "--url.username and --url.password-file go together");
    if (strchr(self->username, ':') || strlen(self->username) > 255)
        return error_set(err, -EINVAL, "--url.username: at most 255 characters and no colon");
    int r = config_secret_read_file(self->password_file, CONFIG_SECRET_PASSWORD, password, err);
    if (r < 0)
        return error_prefix(err, r, "--url.password-file");
    text.size = (unsigned)snprintf(pair, sizeof(pair), "%s:%s", self->username, password);
    if (gnutls_base64_encode2(&text, &code) < 0)
        r = no_memory(err);
    else
        string_buffer_append_format(request, "Authorization: Basic %.*s\r\n", (int)code.size,
                                    (const char *)code.data);
    explicit_bzero(pair, sizeof(pair));
    explicit_bzero(password, sizeof(password));
    gnutls_free(code.data);
    return r;
}

/* HTTP/1.0, so that the answer is one piece and ends with the connection. */
static int write_request(const struct exporter_client *self, const struct exporter_url *url,
                         const char *path, struct string_buffer *request, struct error *err)
{
    bool has_colon = strchr(url->host, ':');
    string_buffer_append_format(request, "GET %s%s HTTP/1.0\r\nHost: %s%s%s:%s\r\n", url->prefix,
                                path, has_colon ? "[" : "", url->host, has_colon ? "]" : "",
                                url->port);
    int r = append_password(self, request, err);
    string_buffer_append_text(request, "Connection: close\r\n\r\n");
    return r < 0 ? r : request->has_failed ? no_memory(err) : 0;
}

static int receive_all(struct exporter_stream *stream, struct string_buffer *text,
                       struct error *err)
{
    for (;;) {
        size_t n;
        char *place = string_buffer_reserve(text, CHUNK);
        if (!place)
            return no_memory(err);
        if (text->size > EXPORTER_CLIENT_ANSWER_MAX)
            return error_set(err, -EFBIG, "--url: the answer has more than %zu bytes",
                             EXPORTER_CLIENT_ANSWER_MAX);
        int r = exporter_stream_receive(stream, place, CHUNK, &n, err);
        if (r < 0)
            return r;
        text->size += n;
        text->data[text->size] = '\0';
        if (n == 0)
            return 0;
    }
}

const char *exporter_answer_header(const struct exporter_answer *self, const char *name,
                                   size_t *ret_size)
{
    size_t n = strlen(name);
    for (const char *at = self->text.data; at && (at = strstr(at, "\r\n")) && at + 2 < self->body;
         at += 2) {
        if (strncasecmp(at + 2, name, n) != 0 || at[2 + n] != ':')
            continue;
        const char *value = at + 3 + n;
        value += strspn(value, " \t");
        *ret_size = strcspn(value, "\r\n");
        return value;
    }
    return NULL;
}

static int refuse(const struct exporter_client *self, const struct exporter_answer *answer,
                  unsigned status, struct error *err)
{
    size_t n;
    const char *place = exporter_answer_header(answer, "Location", &n);
    if (status == 401)
        return error_set(err, -EACCES, "--url: %s",
                         self->username
                             ? "the exporter does not accept this user name and password"
                             : "the exporter asks for a user name and password: --url.username "
                               "and --url.password-file");
    if (status / 100 == 3 && place)
        return error_set(err, -EPROTO, "--url: status %u: it is now at %.*s", status, (int)n,
                         place);
    return error_set(err, -EPROTO, "--url: status %u; is it an exporter, of this release?%s%.*s",
                     status, answer->size ? " It says: " : "", (int)strcspn(answer->body, "\r\n"),
                     answer->body);
}

/* Finds the body, and checks that it is whole. */
static int take_answer(const struct exporter_client *self, bool is_cut,
                       struct exporter_answer *answer, struct error *err)
{
    unsigned status = 0;
    size_t n;
    if (is_cut && !answer->text.size)
        return error_set(err, -ECONNRESET, EXPORTER_STREAM_CUT);
    const char *head = answer->text.data ? answer->text.data : "";
    const char *end = strstr(head, "\r\n\r\n");
    if (!end || sscanf(head, "HTTP/1.%*1u %3u", &status) != 1)
        return error_set(err, -EPROTO, "--url: what answers there speaks no HTTP%s",
                         answer->text.size ? "" : "; is it https://?");
    answer->body = end + 4;
    answer->size = answer->text.size - (size_t)(answer->body - head);
    const char *length = exporter_answer_header(answer, "Content-Length", &n);
    if (length ? strtoull(length, NULL, 10) > answer->size : is_cut)
        return error_set(err, -EPROTO, "--url: the answer did not come whole");
    return status == 200 ? 0 : refuse(self, answer, status, err);
}

int exporter_client_get(const struct exporter_client *self, const char *path,
                        struct exporter_answer *ret_answer, struct error *err)
{
    struct exporter_url url;
    cleanup(string_buffer_finish) struct string_buffer request = {0};
    cleanup(exporter_stream_finish) struct exporter_stream stream = {.fd = -1};
    struct exporter_answer answer = {.size = 0};
    int r = exporter_url_parse(self->url, &url, err);
    if (r == 0)
        r = write_request(self, &url, path, &request, err);
    if (r == 0)
        r = exporter_stream_open(&self->tls, &url, &stream, err);
    if (r == 0)
        r = exporter_stream_send(&stream, request.data, request.size, err);
    if (r == 0)
        r = receive_all(&stream, &answer.text, err);
    if (request.data)
        explicit_bzero(request.data, request.size); /* the password */
    if (r == 0)
        r = take_answer(self, stream.is_cut, &answer, err);
    if (r < 0)
        exporter_answer_finish(&answer);
    else
        *ret_answer = answer;
    return r;
}
