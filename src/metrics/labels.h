/* SPDX-License-Identifier: MPL-2.0 */
/*
 * labels - the text between the braces, written once when a group appears.
 *
 * This is the only place that escapes. Values may hold any bytes: what is not UTF-8 is replaced
 * by U+FFFD, NUL-terminated; longer than LABELS_VALUE_MAX bytes is cut at a character and ends
 * in "…". Names are literals of ours.
 *
 *     labels_append(&text, "program", "feed");      program="feed"
 *     labels_append(&text, "type", "PUB");          program="feed",type="PUB"
 */
#ifndef METRICS_LABELS_H
#define METRICS_LABELS_H

#include "base/string_buffer.h"

#define LABELS_VALUE_MAX 1024u

/* Adds `name="value"` to `text`, after a comma if it is not empty. */
void labels_append(struct string_buffer *text, const char *name, const char *value);

#endif
