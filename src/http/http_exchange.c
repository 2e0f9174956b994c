/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_exchange.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A browser is not to guess a type, frame a page, keep a copy, or load anything from elsewhere. */
static const struct http_header every_answer[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy", "default-src 'none'; connect-src 'self'; img-src 'self'; "
                                "script-src 'self'; style-src 'self'; base-uri 'none'; "
                                "form-action 'self'; frame-ancestors 'none'"},
    {"Cache-Control", "no-store"},
};

static ssize_t read_piece(void *state, uint64_t position, char *at, size_t room)
{
    struct http_response *response = state;
    (void)position;
    size_t n = response->read_body(response->owner, at, room);
    return n ? (ssize_t)n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_given(void *state)
{
    struct http_response *response = state;
    http_response_finish(response);
    free(response);
}

static struct MHD_Response *make_in_pieces(struct http_exchange *exchange)
{
    struct http_response *given = malloc(sizeof(*given));
    if (!given)
        return NULL;
    *given = exchange->response;
    struct MHD_Response *made = MHD_create_response_from_callback(given->size, HTTP_PIECE_SIZE,
                                                                  read_piece, given, free_given);
    if (made)
        exchange->response = (struct http_response){.status = given->status};
    else
        free(given);
    return made;
}

static struct MHD_Response *make_response(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    if (response->read_body)
        return make_in_pieces(exchange);
    /* The library frees the body when the last byte is sent; a const body is not written to. */
    union {
        const char *borrowed;
        void *given;
    } body = {response->body ? response->body : ""};
    struct MHD_Response *made =
        response->free_body
            ? MHD_create_response_from_buffer_with_free_callback_cls(
                  response->size, body.given, response->free_body, response->owner)
            : MHD_create_response_from_buffer(response->size, body.given, MHD_RESPMEM_PERSISTENT);
    if (made)
        *response = (struct http_response){.status = response->status};
    return made;
}

static bool add_headers(struct MHD_Response *made, const struct http_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (MHD_add_response_header(made, headers[i].name, headers[i].value) == MHD_NO)
            return false;
    }
    return true;
}

/* The web configuration's headers, and ours where it has none of that name. */
static bool add_common_headers(struct MHD_Response *made, const struct http_pass *pass)
{
    const char *value;
    for (size_t i = 0; i < WEB_N_HEADERS; i++) {
        struct http_header header = {web_config_header_names[i], NULL};
        if (http_guard_header(pass, header.name, &header.value) && header.value &&
            !add_headers(made, &header, 1))
            return false;
    }
    for (size_t i = 0; i < sizeof(every_answer) / sizeof(*every_answer); i++) {
        if (!http_guard_header(pass, every_answer[i].name, &value) &&
            !add_headers(made, &every_answer[i], 1))
            return false;
    }
    return true;
}

enum MHD_Result http_exchange_send(struct http_exchange *self)
{
    struct http_response given = self->response;
    http_connection_answers(self->connection, given.size);
    struct MHD_Response *made = make_response(self);
    if (!made) {
        http_response_finish(&self->response);
        return MHD_NO;
    }
    bool is_whole = add_common_headers(made, &self->pass) &&
                    add_headers(made, given.headers, given.n_headers);
    if (given.content_type)
        is_whole = is_whole && MHD_add_response_header(made, MHD_HTTP_HEADER_CONTENT_TYPE,
                                                       given.content_type) == MHD_YES;
    enum MHD_Result r = is_whole ? MHD_queue_response(self->request.connection, given.status, made)
                                 : MHD_NO;
    MHD_destroy_response(made);
    return r;
}

static void append_headers(struct string_buffer *text, const struct http_pass *pass)
{
    const char *value;
    for (size_t i = 0; i < sizeof(every_answer) / sizeof(*every_answer); i++) {
        if (!http_guard_header(pass, every_answer[i].name, &value))
            value = every_answer[i].value;
        if (value)
            string_buffer_append_format(text, "%s: %s\r\n", every_answer[i].name, value);
    }
}

enum MHD_Result http_exchange_send_without_library(struct http_exchange *self)
{
    struct MHD_Connection *connection = self->request.connection;
    const union MHD_ConnectionInfo *tls = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection,
                                                                 MHD_CONNECTION_INFO_CONNECTION_FD);
    struct string_buffer text = {0};
    string_buffer_append_format(&text, "HTTP/1.1 %u %s\r\n", self->response.status,
                                MHD_get_reason_phrase_for(self->response.status));
    append_headers(&text, &self->pass);
    string_buffer_append_text(&text, "Connection: close\r\nContent-Length: 0\r\n\r\n");
    if (!text.has_failed && tls && tls->tls_session)
        (void)gnutls_record_send(tls->tls_session, text.data, text.size);
    else if (!text.has_failed && fd)
        (void)send(fd->connect_fd, text.data, text.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    string_buffer_finish(&text);
    return MHD_NO;
}
