/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_samples.h"

#include "base/clock.h"
#include "metrics/labels.h"

#include <string.h>

const char *probe_samples_version(const struct zmtp_peer *peer)
{
    if (peer->major < 3)
        return peer->major < 2 ? "1.0" : "2.0";
    if (peer->major > 3)
        return "other";
    return peer->minor == 0 ? "3.0" : peer->minor == 1 ? "3.1" : "other";
}

const char *probe_samples_mechanism(const struct zmtp_peer *peer)
{
    static const char *const known[] = {"", "NULL", "PLAIN", "CURVE", "GSSAPI"};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strcmp(peer->mechanism, known[i]) == 0)
            return known[i];
    }
    return "other";
}

const char *probe_samples_socket_type(const struct zmtp_peer *peer)
{
    if (!peer->has_socket_type)
        return "";
    return peer->socket_type < 0 ? "other" : probe_pairing_get(peer->socket_type)->peer_name;
}

/* The endpoint's labels and two or three more. */
static struct label_text extend(const struct probe_endpoint *endpoint, struct samples *out,
                                const char *const pairs[][2], size_t n)
{
    struct string_buffer text = {0};
    if (endpoint->labels.size)
        string_buffer_append(&text, endpoint->labels.data, endpoint->labels.size);
    for (size_t i = 0; i < n; i++)
        labels_append(&text, pairs[i][0], pairs[i][1]);
    struct label_text copy = samples_copy_labels(out, text.data ? text.data : "", text.size);
    string_buffer_finish(&text);
    return copy;
}

static void add_infos(const struct probe_endpoint *endpoint, struct samples *out)
{
    const struct probe_status *status = &endpoint->status;
    if (status->has_failure) {
        const char *const pairs[][2] = {
            {"phase", probe_failure_phase_name(status->failure.phase)},
            {"cause", probe_failure_cause_name(status->failure.cause)},
            {"detail", probe_failure_detail_name(&status->failure)},
        };
        samples_add_u64(out, FAMILY_PROBE_FAILURE_INFO, extend(endpoint, out, pairs, 3), NULL, 1);
    }
    if (status->has_peer) {
        const char *const pairs[][2] = {
            {"mechanism", probe_samples_mechanism(&status->peer)},
            {"zmtp", probe_samples_version(&status->peer)},
            {"socket_type", probe_samples_socket_type(&status->peer)},
        };
        samples_add_u64(out, FAMILY_PROBE_PEER_INFO, extend(endpoint, out, pairs, 3), NULL, 1);
    }
}

static void add_durations(const struct probe_status *status, struct label_text labels,
                          struct samples *out)
{
    static const enum family_id families[PROBE_N_PHASES] = {FAMILY_PROBE_RESOLVE_DURATION,
                                                            FAMILY_PROBE_CONNECT_DURATION,
                                                            FAMILY_PROBE_HANDSHAKE_DURATION};
    for (size_t i = 0; i < PROBE_N_PHASES; i++) {
        if (status->durations_ns[i] != PROBE_DURATION_NONE)
            samples_add_real(out, families[i], labels, NULL,
                             (double)status->durations_ns[i] / (double)CLOCK_NS_PER_SECOND);
    }
}

static void add_failures(const struct probe_status *status, struct label_text labels,
                         struct samples *out)
{
    static const char *const phases[PROBE_N_PHASES] = {"phase=\"resolve\"", "phase=\"connect\"",
                                                       "phase=\"handshake\""};
    for (size_t i = 0; i < PROBE_N_PHASES; i++)
        samples_add_u64(out, FAMILY_PROBE_FAILURES, labels, phases[i], status->failures[i]);
    for (size_t i = 0; i < probe_failure_n_details(); i++) {
        const char *extra = probe_failure_labels(i);
        if (status->connect_details[i])
            samples_add_u64(out, FAMILY_PROBE_CONNECT_FAILURES, labels, extra,
                            status->connect_details[i]);
        if (status->handshake_details[i])
            samples_add_u64(out, FAMILY_PROBE_HANDSHAKE_FAILURES, labels, extra,
                            status->handshake_details[i]);
    }
}

static void add_stream(const struct probe_endpoint *endpoint, struct label_text labels,
                       struct samples *out)
{
    const struct probe_status *status = &endpoint->status;
    if (endpoint->settings->n_subscriptions == 0)
        return;
    samples_add_u64(out, FAMILY_PROBE_RECEIVED_MESSAGES, labels, NULL, status->received_messages);
    samples_add_u64(out, FAMILY_PROBE_RECEIVED_BYTES, labels, NULL, status->received_bytes);
    if (status->last_received_ns)
        samples_add_real(out, FAMILY_PROBE_LAST_RECEIVED, labels, NULL,
                         (double)status->last_received_ns / (double)CLOCK_NS_PER_SECOND);
    if (!endpoint->settings->has_sequence)
        return;
    const struct stream_counts *stream = &status->stream;
    samples_add_u64(out, FAMILY_PROBE_MISSED_MESSAGES, labels, NULL, stream->missed);
    samples_add_u64(out, FAMILY_PROBE_SEQUENCE_RESTARTS, labels, NULL, stream->restarts);
    samples_add_u64(out, FAMILY_PROBE_UNNUMBERED_MESSAGES, labels, NULL, stream->unnumbered);
    samples_add_u64(out, FAMILY_PROBE_UNTRACKED_MESSAGES, labels, NULL, stream->untracked);
}

void probe_samples_add(const struct probe_endpoint *endpoint, struct samples *out)
{
    const struct probe_status *status = &endpoint->status;
    struct label_text labels = extend(endpoint, out, NULL, 0);
    if (status->has_result) {
        samples_add_u64(out, FAMILY_PROBE_SUCCESS, labels, NULL, status->is_success);
        if (!status->is_greeting_only)
            samples_add_u64(out, FAMILY_PROBE_CONNECTED, labels, NULL, status->n_peers > 0);
        if (endpoint->settings->is_bind)
            samples_add_u64(out, FAMILY_PROBE_PEERS, labels, NULL, status->n_peers);
    }
    add_durations(status, labels, out);
    add_infos(endpoint, out);
    if (endpoint->is_once)
        return; /* one attempt counts nothing */
    samples_add_u64(out, FAMILY_PROBE_ATTEMPTS, labels, NULL, status->attempts);
    add_failures(status, labels, out);
    if (endpoint->settings->method == PROBE_METHOD_SOCKET)
        samples_add_u64(out, FAMILY_PROBE_DISCONNECTS, labels, NULL, status->disconnects);
    add_stream(endpoint, labels, out);
}
