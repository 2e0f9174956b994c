/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_form - whether a request is one that everybody reads alike; no other is answered.
 *
 * What a proxy takes for one request and this server for two would carry the second past the
 * proxy's rules. So whatever is read in more than one way is refused, and its connection closed
 * (RFC 9112, 3.2, 5.1, 5.2 and 6.3).
 *
 * Thread:  that of the connection.   Blocks: no.
 */
#ifndef HTTP_HTTP_FORM_H
#define HTTP_HTTP_FORM_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/* Of the library, for each connection: the request's head, what is noted of it, and the head of the
 * answer. What is within the limits below leaves room for that. */
#define HTTP_CONNECTION_MEMORY ((size_t)32 << 10)

#define HTTP_MAX_TARGET      ((size_t)8 << 10) /* else 414 */
#define HTTP_MAX_PARAMETERS  64u               /* else 400 */
#define HTTP_MAX_HEADER_SIZE ((size_t)8 << 10) /* of all together; else 431 */
#define HTTP_MAX_FIELDS      100u              /* else 431 */

/* What the request's first line asks for, before the library takes it apart. */
struct http_target {
    const char *end; /* of the text, where the library has put a NUL; NULL: none was seen */
    size_t size;
    size_t n_parameters;
    bool is_wrong;
};

struct http_form_request {
    struct MHD_Connection *connection;
    struct http_target target;
    const char *method;
    const char *path;
    const char *version;
};

struct http_refusal {
    unsigned status; /* 0: nothing is wrong */
    const char *text;
    bool lacks_room; /* the library has no memory left for the head of an answer */
};

/* `text` as it came, up to its first NUL. Takes parameters that are too many, or of a target that
 * is too long, away from the library, which would run out of memory and never answer. */
struct http_target http_form_target(const char *text);

/* Once the head of a request is there: what is wrong with it. */
struct http_refusal http_form_check(const struct http_form_request *request);

#endif
