/* SPDX-License-Identifier: MPL-2.0 */
/*
 * json_writer - the samples of a scrape as JSON, gathered by label set, for people's programs.
 *
 *     {"sockets":   [{"labels": {"program": "feed", "type": "PUB", …},
 *                     "values": {"zmq_sockets": 1, …,
 *                                "zmq_socket_disconnects_total": 3,
 *                                "zmq_socket_dropped_messages_total": [{"reason": "hwm",
 *                                                                       "value": 7}]}}, …],
 *      "programs":  [… labelled by program alone …],
 *      "libraries": [… zmq_library families …],
 *      "probes":    [… zmq_probe families …],
 *      "exporter":  [… the rest …]}
 *
 * Names are those of the families, numbers are those of the page. Where a family has more labels
 * than the set it is a list, of which members that are zero are left out. Histograms are left out.
 * NaN and infinity are null.
 */
#ifndef METRICS_JSON_WRITER_H
#define METRICS_JSON_WRITER_H

#include "base/string_buffer.h"
#include "metrics/label_sets.h"

/* Appends the members of the object, without its braces. Samples of one label set must share the
 * pointer of its text within a part. Errors: -ENOMEM, then `json` is not to be used. */
int json_writer_write(const struct samples *const *parts, size_t n_parts,
                      struct string_buffer *json);

/* Appends the member `labels`, and `values`, of a set's object, without its braces. */
void json_writer_set_labels(struct string_buffer *json, const struct label_set *set);
void json_writer_set_values(struct string_buffer *json, const struct label_set *set);

/* Appends label pairs as members of an object, without its braces. */
void json_writer_labels(struct string_buffer *json, const char *text, size_t size);

/* Appends `text`, which must be UTF-8, as a JSON string. Untrusted texts become so by
 * labels_append and json_writer_labels. */
void json_writer_text(struct string_buffer *json, const char *text);

#endif
