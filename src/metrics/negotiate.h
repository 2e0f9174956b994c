/* SPDX-License-Identifier: MPL-2.0 */
/*
 * negotiate - which format and coding a client wants, from its Accept headers (RFC 9110, 12.5).
 *
 * The most specific range that fits a format gives its q. Of several the highest q wins, then one
 * that was named over one that a wildcard let in, then the first named. Where nothing fits, the
 * answer is text 0.0.4, as Prometheus's content negotiation has it, unless that was ruled out by
 * q=0. Header texts are hostile: what does not parse is skipped.
 */
#ifndef METRICS_NEGOTIATE_H
#define METRICS_NEGOTIATE_H

#include "metrics/text_blocks.h"

#include <stdbool.h>

struct negotiated {
    enum text_format format;
    const char *content_type; /* a literal */
};

/* `accept`: the header's text, NULL if there was none. False: the client rules out every format
 * (status 406); `*ret` is untouched. */
bool negotiate_format(const char *accept, struct negotiated *ret);

enum negotiate_coding { NEGOTIATE_IDENTITY, NEGOTIATE_GZIP, NEGOTIATE_EITHER, NEGOTIATE_NEITHER };

/* GZIP: nothing else will do. EITHER: gzip would be as welcome as none. */
enum negotiate_coding negotiate_coding(const char *accept_encoding);

#endif
