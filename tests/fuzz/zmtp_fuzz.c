/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes from a peer, in pieces whose sizes the first byte chooses. */
#include "collectors/probe/zmtp_parser.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The facts must be what the rest of the exporter takes for granted. */
static void check(const struct zmtp_parser *parser)
{
    const struct zmtp_peer *peer = &parser->peer;
    if (strlen(peer->mechanism) > ZMTP_MECHANISM_MAX || peer->identity_size > ZMTP_IDENTITY_MAX)
        abort();
    if (peer->socket_type < -1 || peer->socket_type > 64)
        abort();
    if (parser->is_ready && !peer->has_socket_type)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_parser *parser = calloc(1, sizeof(*parser));
    if (!parser || size == 0) {
        free(parser);
        return 0;
    }
    size_t step = data[0] ? data[0] : 1;
    for (size_t i = 1; i < size && parser->size < sizeof(parser->input); i += step) {
        size_t n = size - i < step ? size - i : step;
        size_t room = sizeof(parser->input) - parser->size;
        n = n < room ? n : room;
        memcpy(parser->input + parser->size, data + i, n);
        parser->size += n;
        for (unsigned told = 0; zmtp_parser_advance(parser) == ZMTP_GREETED; told++) {
            if (told > 0)
                abort(); /* told once */
        }
        check(parser);
    }
    free(parser);
    return 0;
}
