/* SPDX-License-Identifier: MPL-2.0 */
/*
 * exporter_client - asks an exporter, of this host or another, over HTTP or HTTPS.
 *
 * One request, one connection. With https:// the certificate is verified against the system's
 * authorities or those of a file. User name and password are sent as HTTP's basic authentication.
 *
 * Thread: any.   Blocks: for EXPORTER_STREAM_PATIENCE_S of silence at most.
 * Errors: a negative errno with `err` set: the URL, what is wrong, and the remedy.
 */
#ifndef CLI_EXPORTER_CLIENT_H
#define CLI_EXPORTER_CLIENT_H

#include "base/error.h"
#include "base/string_buffer.h"
#include "cli/exporter_stream.h"
#include "cli/flags.h"

#include <stddef.h>

#define EXPORTER_CLIENT_ANSWER_MAX ((size_t)64 << 20)

/* Of the command line; borrowed. What is NULL was not given. */
struct exporter_client {
    const char *url; /* http[s]://HOST[:PORT][/PREFIX], or without the scheme */
    const char *username, *password_file;
    struct exporter_tls tls;
};

/* The flags of a command that has such a client, whose `--url` it explains itself. */
/* clang-format off */
#define EXPORTER_CLIENT_FLAGS(client) \
    {"url.ca-file", "FILE", "the system's authorities", \
     "PEM file of the authorities that may have signed the certificate of https://.", FLAG_TEXT, \
     &(client).tls.ca_file}, \
    {"url.cert-file", "FILE", NULL, "PEM file of the certificate to show, where one is asked for.", \
     FLAG_TEXT, &(client).tls.cert_file}, \
    {"url.key-file", "FILE", NULL, "PEM file of its key.", FLAG_TEXT, &(client).tls.key_file}, \
    {"url.insecure-skip-verify", NULL, NULL, "Do not verify the certificate of https://.", \
     FLAG_SWITCH, &(client).tls.skips_verification}, \
    {"url.username", "NAME", NULL, "User of basic authentication.", FLAG_TEXT, \
     &(client).username}, \
    {"url.password-file", "FILE", NULL, "File with that user's password, closed to others.", \
     FLAG_TEXT, &(client).password_file}
/* clang-format on */

struct exporter_answer {
    struct string_buffer text; /* head and body */
    const char *body;          /* NUL-terminated; borrowed from `text` */
    size_t size;
};

/* Whether anything but the URL was given. */
bool exporter_client_is_set(const struct exporter_client *self);

/* Asks for `path`, "/api/v1/audit?format=json", below the URL's own. An answer of any other status
 * than 200 is an error, whose text tells a wrong password from a wrong path. */
int exporter_client_get(const struct exporter_client *self, const char *path,
                        struct exporter_answer *ret_answer, struct error *err);

/* The value of a header, up to the end of its line; NULL: there is none. */
const char *exporter_answer_header(const struct exporter_answer *self, const char *name,
                                   size_t *ret_size);

void exporter_answer_finish(struct exporter_answer *self);

#endif
