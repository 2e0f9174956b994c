/* SPDX-License-Identifier: MPL-2.0 */
/*
 * endpoint_address - a ZeroMQ endpoint that the exporter may probe: tcp://host:port or ipc://path.
 *
 *     tcp://feed.example.org:5556   tcp://192.0.2.7:5556   tcp://[2001:db8::7]:5556
 *     ipc:///run/feed.sock          ipc://@abstract
 *
 * Stricter than libzmq, because the text comes from a file or from /probe: no source address
 * (`src;dst`), no wildcard but where it is bound, no relative path.
 *
 * Thread: any.   Owns: nothing, the text is copied.
 * Errors: -EINVAL with a message about the endpoint, without a place.
 */
#ifndef CONFIG_ENDPOINT_ADDRESS_H
#define CONFIG_ENDPOINT_ADDRESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_ADDRESS_TEXT_MAX 320u
#define ENDPOINT_ADDRESS_HOST_MAX 253u /* RFC 1035 */
#define ENDPOINT_ADDRESS_PATH_MAX 107u /* sockaddr_un without the NUL */

enum endpoint_transport { ENDPOINT_TCP, ENDPOINT_IPC };

struct endpoint_address {
    char text[ENDPOINT_ADDRESS_TEXT_MAX + 1]; /* as given */
    enum endpoint_transport transport;
    char host[ENDPOINT_ADDRESS_HOST_MAX + 1]; /* tcp: without brackets; "*" if bound to all */
    uint16_t port;                            /* tcp; 0 only if bound to any */
    bool is_literal;                          /* tcp: the host is an IPv4 or IPv6 address */
    char path[ENDPOINT_ADDRESS_PATH_MAX + 1]; /* ipc; a first '@' is the abstract namespace */
};

/* `is_bind`: the endpoint is to be bound, so `*` may stand for host and port. */
int endpoint_address_parse(const char *text, bool is_bind, struct endpoint_address *ret,
                           struct error *err);

#endif
