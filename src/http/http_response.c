/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_route.h"

#include <assert.h>
#include <stdlib.h>

void http_response_text(struct http_response *self, unsigned status, const char *text)
{
    http_response_finish(self);
    self->status = status;
    self->content_type = "text/plain; charset=utf-8";
    self->body = text;
    self->size = strlen(text);
}

void http_response_take(struct http_response *self, const char *content_type,
                        struct string_buffer *body)
{
    if (body->has_failed) {
        string_buffer_finish(body);
        http_response_text(self, 500, "out of memory\n");
        return;
    }
    http_response_finish(self);
    self->content_type = content_type;
    self->body = body->data ? body->data : "";
    self->size = body->size;
    self->free_body = free;
    self->owner = body->data;
    *body = (struct string_buffer){0};
}

void http_response_header(struct http_response *self, const char *name, const char *value)
{
    assert(self->n_headers < HTTP_MAX_HEADERS);
    self->headers[self->n_headers++] = (struct http_header){name, value};
}

void http_response_finish(struct http_response *self)
{
    if (self->free_body)
        self->free_body(self->owner);
    self->free_body = NULL;
    self->read_body = NULL;
    self->body = NULL;
    self->size = 0;
}
