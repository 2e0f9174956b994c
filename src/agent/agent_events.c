/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_events.h"

#include <inttypes.h>

static const char *const event_names[SEGMENT_EVENTS_SIZE] = {
#define X(bit, name, text) [bit] = (text),
    SEGMENT_EVENT_NAMES(X)
#undef X
};

static const struct {
    const char *cause;
    unsigned base, size;
} causes[] = {
    {"auth", SEGMENT_HANDSHAKE_AUTH_BASE, SEGMENT_HANDSHAKE_AUTH_SIZE},
    {"protocol", SEGMENT_HANDSHAKE_PROTOCOL_BASE, SEGMENT_HANDSHAKE_PROTOCOL_SIZE},
    {"transport", SEGMENT_HANDSHAKE_TRANSPORT_BASE, SEGMENT_HANDSHAKE_TRANSPORT_SIZE},
};

static const char *const api_error_names[SEGMENT_API_ERRORS_SIZE] = {
#define X(i, code, name) [i] = (name),
    SEGMENT_API_ERRORS(X)
#undef X
};

static bool is_known(const struct tap_socket *socket, unsigned capability)
{
    uint32_t state = socket->process->capabilities[capability].state;
    return !socket->is_peeked &&
           (state == SEGMENT_CAPABILITY_ON || state == SEGMENT_CAPABILITY_BOUND);
}

/* Those that happened. */
static void append_counted(struct string_buffer *json, const char *const *names,
                           const uint64_t *words, unsigned n)
{
    const char *separator = "";
    for (unsigned i = 0; i < n; i++) {
        if (words[i] == 0 || !names[i])
            continue;
        string_buffer_append_format(json, "%s\"%s\":%" PRIu64, separator, names[i], words[i]);
        separator = ",";
    }
    string_buffer_append(json, "}", 1);
}

static void append_failures(struct string_buffer *json, const uint64_t *words)
{
    string_buffer_append_text(json, ",\"handshake_failures\":{");
    for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
        uint64_t n = 0;
        for (unsigned k = 0; k < causes[i].size; k++)
            n += words[causes[i].base + k];
        string_buffer_append_format(json, "%s\"%s\":%" PRIu64, i ? "," : "", causes[i].cause, n);
    }
    string_buffer_append(json, "}", 1);
}

void agent_events_append(struct string_buffer *json, const struct tap_socket *socket)
{
    if (is_known(socket, SEGMENT_CAPABILITY_EVENTS)) {
        string_buffer_append_text(json, ",\"events\":{");
        append_counted(json, event_names, &socket->words[SEGMENT_EVENTS_BASE], SEGMENT_EVENTS_SIZE);
    }
    if (is_known(socket, SEGMENT_CAPABILITY_MISUSE)) {
        string_buffer_append_text(json, ",\"api_errors\":{");
        append_counted(json, api_error_names, &socket->words[SEGMENT_API_ERRORS_BASE],
                       SEGMENT_API_ERRORS_SIZE);
    }
    if (is_known(socket, SEGMENT_CAPABILITY_HANDSHAKES))
        append_failures(json, socket->words);
}
