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

static bool is_known(const struct tap_socket *socket, unsigned capability)
{
    uint32_t state = socket->process->capabilities[capability].state;
    return !socket->is_peeked &&
           (state == SEGMENT_CAPABILITY_ON || state == SEGMENT_CAPABILITY_BOUND);
}

static void append_happened(struct string_buffer *json, const uint64_t *words)
{
    const char *separator = "";
    string_buffer_append_text(json, ",\"events\":{");
    for (unsigned i = 0; i < SEGMENT_EVENTS_SIZE; i++) {
        if (words[SEGMENT_EVENTS_BASE + i] == 0)
            continue;
        string_buffer_append_format(json, "%s\"%s\":%" PRIu64, separator, event_names[i],
                                    words[SEGMENT_EVENTS_BASE + i]);
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
    if (is_known(socket, SEGMENT_CAPABILITY_EVENTS))
        append_happened(json, socket->words);
    if (is_known(socket, SEGMENT_CAPABILITY_HANDSHAKES))
        append_failures(json, socket->words);
}
