/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_pages - the files of http/pages/, compiled in (see embed.py).
 *
 * index.html is served as "/", any other file as "/" and its name. To add one, add it to the list
 * in meson.build. Scripts and styles are files of their own: the server's Content-Security-Policy
 * lets none run that stand inside a page. The words @TELEMETRY_PATH@ and @VERSION@ in a page are
 * replaced when the exporter starts.
 */
#ifndef HTTP_HTTP_PAGES_H
#define HTTP_HTTP_PAGES_H

#include <stddef.h>

struct http_page {
    const char *path;
    const char *content_type;
    const char *data; /* NUL-terminated */
    size_t size;
};

extern const struct http_page http_pages[];
extern const size_t http_n_pages;

#endif
