/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_dispatch.h"
#include "http/http_exchange.h"
#include "http/http_value.h"

#include <string.h>
#include <strings.h>

struct visit {
    const char *name;
    void (*see)(void *state, const char *value);
    void *state;
};

const char *http_request_header(const struct http_request *self, const char *name)
{
    return MHD_lookup_connection_value(self->connection, MHD_HEADER_KIND, name);
}

bool http_request_uses_tls(const struct http_request *self)
{
    const union MHD_ConnectionInfo *tls = MHD_get_connection_info(
        self->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return tls && tls->tls_session;
}

struct join {
    const char *name;
    struct string_buffer *text;
};

static enum MHD_Result join_value(void *state, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    const struct join *join = state;
    (void)kind;
    if (!value || strcasecmp(key, join->name) != 0)
        return MHD_YES;
    if (join->text->size)
        string_buffer_append(join->text, ", ", 2);
    string_buffer_append(join->text, value, http_value_size(value));
    return MHD_YES;
}

void http_request_join_header(const struct http_request *self, const char *name,
                              struct string_buffer *ret_text)
{
    struct join join = {name, ret_text};
    MHD_get_connection_values(self->connection, MHD_HEADER_KIND, join_value, &join);
}

const char *http_request_query(const struct http_request *self, const char *name)
{
    const char *value = NULL;
    size_t size = 0;
    if (MHD_lookup_connection_value_n(self->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name),
                                      &value, &size) == MHD_NO)
        return NULL;
    return value ? value : "";
}

static enum MHD_Result visit_value(void *state, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    const struct visit *visit = state;
    (void)kind;
    if (strcmp(key, visit->name) == 0)
        visit->see(visit->state, value ? value : "");
    return MHD_YES;
}

void http_request_each_query(const struct http_request *self, const char *name,
                             void (*see)(void *state, const char *value), void *state)
{
    struct visit visit = {.name = name, .see = see, .state = state};
    MHD_get_connection_values(self->connection, MHD_GET_ARGUMENT_KIND, visit_value, &visit);
}
