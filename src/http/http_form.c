/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_form.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/*
 * Design. The library (0.9.75) reads the head in place: it puts a NUL where a word or a line ends,
 * and takes every text up to its first NUL. What it left out shows as a gap: each word has to begin
 * where the one before it ended. A gap is a NUL of the client's, a line that continues the one
 * before (whose text the library moves elsewhere), or blanks where none belong. From 1.0 on the
 * library refuses these itself, and its words need not lie so.
 */

struct http_target http_form_target(const char *text)
{
    const char *end = text;
    bool is_wrong = false;
    for (; *end; end++) /* bytes from 0x80 on are no good either, but nobody reads them otherwise */
        is_wrong |= (unsigned char)*end <= ' ' || *end == 0x7f || strncmp(end, "%00", 3) == 0;
    return (struct http_target){.end = end, .is_wrong = is_wrong};
}

struct walk {
    bool is_in_place;
    const char *end; /* the last text's, where the library has put a NUL */
    unsigned n_hosts;
    unsigned n_lengths;
    unsigned n_encodings;
    bool is_wrong;
};

static bool is_token(const char *text, size_t size)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return size > 0;
}

/* A line ends with CR LF, or with LF alone, and each of them is a NUL now. */
static bool begins_after(const char *end, const char *text)
{
    return text == end + 1 || text == end + 2;
}

static bool is_line(const struct walk *walk, const char *name, size_t name_size, const char *value)
{
    if (!begins_after(walk->end, name))
        return false;
    const char *first = name + name_size + 1;
    return value == first + strspn(first, " \t");
}

static enum MHD_Result see_header(void *state, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t value_size)
{
    struct walk *walk = state;
    (void)kind;
    if (!is_token(name, name_size) || !value || memchr(value, '\0', value_size) ||
        (walk->is_in_place && !is_line(walk, name, name_size, value))) {
        walk->is_wrong = true;
        return MHD_NO;
    }
    walk->end = value + value_size;
    walk->n_hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    walk->n_lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    walk->n_encodings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    return MHD_YES;
}

/* The last line's end is followed by an empty line, and that is the end of the head. */
static bool ends_where_it_should(const struct walk *walk, const struct http_form_request *request)
{
    const union MHD_ConnectionInfo *size = MHD_get_connection_info(
        request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const char *end = size ? request->method + size->header_size : NULL;
    return end && (begins_after(walk->end + 1, end) || begins_after(walk->end + 2, end));
}

static bool is_whole(const struct walk *walk, const struct http_form_request *request)
{
    return !walk->is_wrong &&
           (!walk->is_in_place ||
            (request->method + strlen(request->method) + 1 == request->path &&
             request->target.end + 1 == request->version && ends_where_it_should(walk, request)));
}

struct http_refusal http_form_check(const struct http_form_request *request)
{
    struct walk walk = {.is_in_place = strncmp(MHD_get_version(), "0.", 2) == 0,
                        .end = request->version + strlen(request->version)};
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, see_header, &walk);
    if (!is_whole(&walk, request))
        return (struct http_refusal){400, "the head of the request is malformed\n"};
    if (!request->target.end || request->target.is_wrong)
        return (struct http_refusal){400, "the target of the request is malformed\n"};
    if (walk.n_hosts > 1 || (walk.n_hosts == 0 && strcmp(request->version, "HTTP/1.0") != 0))
        return (struct http_refusal){400, "a request has one Host\n"};
    if (walk.n_lengths + walk.n_encodings > 1)
        return (struct http_refusal){400, "the length of a request is given once\n"};
    return (struct http_refusal){0, NULL};
}
