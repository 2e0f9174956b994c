/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_types.h"

#include <stddef.h>

#define S TAP_TYPE_SENDS
#define R TAP_TYPE_RECEIVES
#define H TAP_TYPE_HANDSHAKES
#define E TAP_TYPE_ENDS

/* As in zmq.h, draft types included; by number. XPUB receives and XSUB sends subscriptions. */
static const struct {
    const char *name;
    unsigned traits;
} types[] = {
    {"PAIR", S | R | H | E},
    {"PUB", S | H | E | TAP_TYPE_PUBLISHES},
    {"SUB", R | H},
    {"REQ", S | R | H | E},
    {"REP", S | R | H | E | TAP_TYPE_ROUTES},
    {"DEALER", S | R | H | E},
    {"ROUTER", S | R | H | E | TAP_TYPE_ROUTES},
    {"PULL", R | H},
    {"PUSH", S | H | E},
    {"XPUB", S | R | H | E | TAP_TYPE_PUBLISHES},
    {"XSUB", S | R | H | TAP_TYPE_SENDS_SUBSCRIPTIONS},
    {"STREAM", S | R},
    {"SERVER", S | R | H | TAP_TYPE_SHARED},
    {"CLIENT", S | R | H | TAP_TYPE_SHARED},
    {"RADIO", S | H | TAP_TYPE_SHARED},
    {"DISH", R | H | TAP_TYPE_SHARED},
    {"GATHER", R | H | TAP_TYPE_SHARED},
    {"SCATTER", S | H | TAP_TYPE_SHARED},
    {"DGRAM", S | R},
    {"PEER", S | R | H | TAP_TYPE_SHARED},
    {"CHANNEL", S | R | H | TAP_TYPE_SHARED},
};

#define N_TYPES (sizeof(types) / sizeof(*types))

const char *tap_type_name(uint32_t type)
{
    return type < N_TYPES ? types[type].name : "unknown";
}

unsigned tap_type_traits(uint32_t type)
{
    return type < N_TYPES ? types[type].traits : S | R | H;
}
