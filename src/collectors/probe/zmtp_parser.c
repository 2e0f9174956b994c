/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/zmtp_parser.h"

#include "config/probe_peers.h"

#include <string.h>
#include <strings.h>

/* Of zmq.h; the names are in segment_counters.h. */
enum {
    UNSPECIFIED = 0x10000000,
    UNEXPECTED_COMMAND = 0x10000001,
    MALFORMED_COMMAND = 0x10000011,
    MALFORMED_ERROR = 0x10000015,
    MALFORMED_READY = 0x10000016,
    INVALID_METADATA = 0x10000018,
};

#define FLAG_MORE    1u
#define FLAG_LONG    2u
#define FLAG_COMMAND 4u

#define MAJOR_OFFSET     10u
#define MINOR_OFFSET     11u /* in ZMTP 2.0 the socket type */
#define MECHANISM_OFFSET 12u
#define SERVER_OFFSET    32u

static enum zmtp_progress broken(struct zmtp_parser *self, int code)
{
    self->protocol_error = code;
    return ZMTP_BROKEN;
}

/* ZMTP 1.0 has no greeting: the first frame is the identity, <1 + size><flags 0><identity>. */
static enum zmtp_progress parse_identity_frame(struct zmtp_parser *self)
{
    size_t size = self->input[0];
    if (size == 0 || (self->size > 1 && self->input[1] != 0))
        return broken(self, UNSPECIFIED);
    if (self->size < size + 1)
        return ZMTP_MORE;
    self->peer.major = 1;
    self->peer.identity_size = size - 1;
    self->peer.has_identity = size > 1;
    memcpy(self->peer.identity, self->input + 2, size - 1);
    self->is_greeted = true;
    return ZMTP_GREETED;
}

static bool parse_mechanism(struct zmtp_parser *self)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";
    const char *text = (const char *)self->input + MECHANISM_OFFSET;
    size_t n = strnlen(text, ZMTP_MECHANISM_MAX);
    for (size_t i = 0; i < ZMTP_MECHANISM_MAX; i++) {
        if (i < n ? !strchr(letters, text[i]) : text[i] != '\0')
            return false;
    }
    memcpy(self->peer.mechanism, text, n);
    return n > 0;
}

static enum zmtp_progress parse_greeting(struct zmtp_parser *self)
{
    if (self->size == 0)
        return ZMTP_MORE;
    if (self->input[0] != 0xff)
        return parse_identity_frame(self);
    if (self->size < ZMTP_SIGNATURE_SIZE)
        return ZMTP_MORE;
    /* The last bit parts a signature from a long frame of ZMTP 1.0, which no greeting has. */
    if (!(self->input[ZMTP_SIGNATURE_SIZE - 1] & 1))
        return broken(self, UNSPECIFIED);
    if (self->size <= MINOR_OFFSET)
        return ZMTP_MORE;

    self->peer.major = self->input[MAJOR_OFFSET];
    if (self->peer.major < 3) { /* the revisions 0, 1 and 2 of ZMTP 2.x */
        self->peer.major = 2;
        self->peer.has_socket_type = true;
        self->peer.socket_type = self->input[MINOR_OFFSET] < PROBE_PEER_N
                                     ? self->input[MINOR_OFFSET]
                                     : -1;
        self->is_greeted = true;
        return ZMTP_GREETED;
    }
    self->peer.minor = self->input[MINOR_OFFSET];
    if (self->size < ZMTP_GREETING_SIZE)
        return ZMTP_MORE;
    if (!parse_mechanism(self) || self->input[SERVER_OFFSET] > 1)
        return broken(self, UNSPECIFIED);
    self->peer.is_server = self->input[SERVER_OFFSET] == 1;
    self->is_greeted = true;
    return ZMTP_GREETED;
}

static uint64_t read_number(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return value;
}

static bool name_is(const uint8_t *name, size_t size, const char *expected)
{
    return size == strlen(expected) && strncasecmp((const char *)name, expected, size) == 0;
}

static void take_property(struct zmtp_peer *peer, const uint8_t *name, size_t name_size,
                          const uint8_t *value, size_t size)
{
    char text[16];
    if (name_is(name, name_size, "Socket-Type")) {
        peer->has_socket_type = true;
        peer->socket_type = -1;
        if (size < sizeof(text) && !memchr(value, '\0', size)) {
            memcpy(text, value, size);
            text[size] = '\0';
            peer->socket_type = probe_peer_find(text);
        }
    } else if (name_is(name, name_size, "Identity") && size > 0 && size <= ZMTP_IDENTITY_MAX) {
        peer->has_identity = true;
        peer->identity_size = size;
        memcpy(peer->identity, value, size);
    }
}

/* Properties: <size, 1 byte><name><size, 4 bytes><value>, until the end. */
static bool parse_metadata(struct zmtp_peer *peer, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        size_t name_size = bytes[0];
        if (name_size == 0 || size < 1 + name_size + 4)
            return false;
        const uint8_t *name = bytes + 1;
        uint64_t value_size = read_number(name + name_size, 4);
        bytes += 1 + name_size + 4;
        size -= 1 + name_size + 4;
        if (value_size > size)
            return false;
        take_property(peer, name, name_size, bytes, (size_t)value_size);
        bytes += value_size;
        size -= (size_t)value_size;
    }
    return true;
}

static enum zmtp_progress parse_error(struct zmtp_parser *self, const uint8_t *bytes, size_t size)
{
    if (size < 1 || bytes[0] > size - 1)
        return broken(self, MALFORMED_ERROR);
    const char *reason = (const char *)bytes + 1;
    bool is_status = bytes[0] == 3 && reason[0] >= '3' && reason[0] <= '5' && reason[1] == '0' &&
                     reason[2] == '0';
    self->zap_status = is_status ? (reason[0] - '0') * 100 : 0;
    return ZMTP_REFUSED;
}

static enum zmtp_progress parse_command_body(struct zmtp_parser *self, const uint8_t *body,
                                             size_t size)
{
    if (size < 1 || body[0] > size - 1)
        return broken(self, MALFORMED_COMMAND);
    size_t name_size = body[0];
    const char *name = (const char *)body + 1;
    const uint8_t *rest = body + 1 + name_size;
    size_t rest_size = size - 1 - name_size;
    if (name_size == 5 && memcmp(name, "ERROR", 5) == 0)
        return parse_error(self, rest, rest_size);
    if (name_size != 5 || memcmp(name, "READY", 5) != 0)
        return broken(self, UNEXPECTED_COMMAND);
    if (!parse_metadata(&self->peer, rest, rest_size))
        return broken(self, INVALID_METADATA);
    if (!self->peer.has_socket_type)
        return broken(self, MALFORMED_READY);
    self->is_ready = true;
    return ZMTP_READY;
}

static enum zmtp_progress parse_command(struct zmtp_parser *self)
{
    const uint8_t *frame = self->input + ZMTP_GREETING_SIZE;
    size_t arrived = self->size - ZMTP_GREETING_SIZE;
    if (arrived < 1)
        return ZMTP_MORE;
    unsigned flags = frame[0];
    if (!(flags & FLAG_COMMAND))
        return broken(self, UNEXPECTED_COMMAND);
    if (flags & ~(FLAG_LONG | FLAG_COMMAND))
        return broken(self, MALFORMED_COMMAND);
    size_t header = flags & FLAG_LONG ? 9 : 2;
    if (arrived < header)
        return ZMTP_MORE;
    uint64_t size = read_number(frame + 1, header - 1);
    if (size > ZMTP_COMMAND_MAX)
        return broken(self, MALFORMED_COMMAND);
    if (arrived - header < size)
        return ZMTP_MORE;
    return parse_command_body(self, frame + header, (size_t)size);
}

enum zmtp_progress zmtp_parser_advance(struct zmtp_parser *self)
{
    if (self->protocol_error)
        return ZMTP_BROKEN;
    if (!self->is_greeted)
        return parse_greeting(self);
    bool has_ready = self->peer.major >= 3 && strcmp(self->peer.mechanism, "NULL") == 0;
    return has_ready && !self->is_ready ? parse_command(self) : ZMTP_MORE;
}

bool zmtp_peer_is_old(const struct zmtp_peer *peer)
{
    return peer->major < 3 || (peer->major == 3 && peer->minor == 0);
}
