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

#define NOTE        ((size_t)64)      /* what the library keeps of each header, parameter, cookie */
#define ANSWER_ROOM ((size_t)4 << 10) /* for the head of an answer */

/* The library's own text, which it is about to take apart and change. */
static void cut_parameters(const char *text)
{
    union {
        const char *given;
        char *changed;
    } query = {strchr(text, '?')};
    if (query.given)
        query.changed[1] = '\0';
}

struct http_target http_form_target(const char *text)
{
    struct http_target target = {.end = text, .n_parameters = 1};
    /* Bytes from 0x80 on are no good either, but nobody reads them in another way. */
    for (; *target.end; target.end++) {
        char c = *target.end;
        target.n_parameters += c == '&';
        target.is_wrong |= (unsigned char)c <= ' ' || c == 0x7f ||
                           strncmp(target.end, "%00", 3) == 0;
    }
    target.size = (size_t)(target.end - text);
    if (target.n_parameters > HTTP_MAX_PARAMETERS || target.size > HTTP_MAX_TARGET)
        cut_parameters(text);
    return target;
}

struct walk {
    bool is_in_place;
    const char *end; /* the last text's, where the library has put a NUL */
    unsigned n_hosts;
    unsigned n_lengths;
    unsigned n_encodings;
    unsigned n;
    size_t size;
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
    walk->n++;
    walk->size += name_size + value_size;
    walk->n_hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    walk->n_lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    walk->n_encodings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    return MHD_YES;
}

static size_t head_size(const struct http_form_request *request)
{
    const union MHD_ConnectionInfo *size = MHD_get_connection_info(
        request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return size ? size->header_size : 0;
}

/* The last line's end is followed by an empty line, and that is the end of the head. */
static bool ends_where_it_should(const struct walk *walk, const struct http_form_request *request)
{
    const char *end = request->method + head_size(request);
    return begins_after(walk->end + 1, end) || begins_after(walk->end + 2, end);
}

static bool is_whole(const struct walk *walk, const struct http_form_request *request)
{
    return !walk->is_wrong &&
           (!walk->is_in_place ||
            (request->method + strlen(request->method) + 1 == request->path &&
             request->target.end + 1 == request->version && ends_where_it_should(walk, request)));
}

static struct http_refusal refusal_of(const struct http_form_request *request)
{
    const struct http_target *target = &request->target;
    struct walk walk = {.is_in_place = strncmp(MHD_get_version(), "0.", 2) == 0,
                        .end = request->version + strlen(request->version)};
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, see_header, &walk);
    if (!is_whole(&walk, request))
        return (struct http_refusal){.status = 400, .text = "the head is malformed\n"};
    if (!target->end || target->is_wrong)
        return (struct http_refusal){.status = 400, .text = "the target is malformed\n"};
    if (target->size > HTTP_MAX_TARGET)
        return (struct http_refusal){.status = 414, .text = "the target is too long\n"};
    if (target->n_parameters > HTTP_MAX_PARAMETERS)
        return (struct http_refusal){.status = 400, .text = "too many parameters\n"};
    if (walk.n > HTTP_MAX_FIELDS || walk.size > HTTP_MAX_HEADER_SIZE)
        return (struct http_refusal){.status = 431, .text = "the headers are too large\n"};
    if (walk.n_hosts > 1 || (walk.n_hosts == 0 && strcmp(request->version, "HTTP/1.0") != 0))
        return (struct http_refusal){.status = 400, .text = "a request has one Host\n"};
    if (walk.n_lengths + walk.n_encodings > 1)
        return (struct http_refusal){.status = 400, .text = "a request has one length\n"};
    return (struct http_refusal){.status = 0};
}

/* The library notes what it finds, and has copied the cookies to take them apart. */
static size_t used_memory(const struct http_form_request *request)
{
    size_t cookies = 0;
    int n = MHD_get_connection_values_n(
        request->connection, MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND | MHD_COOKIE_KIND, NULL, NULL);
    (void)MHD_lookup_connection_value_n(request->connection, MHD_HEADER_KIND,
                                        MHD_HTTP_HEADER_COOKIE, strlen(MHD_HTTP_HEADER_COOKIE),
                                        NULL, &cookies);
    return head_size(request) + cookies + (n > 0 ? (size_t)n * NOTE : 0);
}

struct http_refusal http_form_check(const struct http_form_request *request)
{
    struct http_refusal refusal = refusal_of(request);
    refusal.lacks_room = used_memory(request) > HTTP_CONNECTION_MEMORY - ANSWER_ROOM;
    if (refusal.lacks_room && !refusal.status) {
        refusal.status = 431;
        refusal.text = "the headers are too large\n";
    }
    return refusal;
}
