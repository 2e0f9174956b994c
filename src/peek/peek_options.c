/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: what is read of a socket is three stretches of its options, which leave out the texts and
 * keys of SOCKS, PLAIN, CURVE and GSSAPI: a short text lies within its std::string.
 */
#include "peek/peek_options.h"

#include "peek/peek_layout.h"
#include "peek/peek_target.h"
#include "queues/pipe_bytes.h"

#include <string.h>

/* From the options' begin (options.hpp, 64 bit). */
struct layout {
    uint32_t type;       /* an int, since 4.3.0 an int8_t */
    uint32_t maxmsgsize; /* what is before it differs from release to release, but for linger */
    uint32_t socks;      /* std::string socks_proxy_address */
    uint32_t keepalive;  /* tcp_keepalive */
};

static const struct layout layouts[] = {
    {.type = 308, .maxmsgsize = 344, .socks = 376, .keepalive = 472}, /* 4.3.4 to master */
    {.type = 304, .maxmsgsize = 336, .socks = 368, .keepalive = 464}, /* 4.3.2, 4.3.3 */
    {.type = 304, .maxmsgsize = 336, .socks = 368, .keepalive = 400}, /* 4.2.5 to 4.3.1 */
};

/* In the first stretch, from `type` to the head of the SOCKS proxy's text. */
#define LINGER_AFTER    4u /* after type */
#define RCVTIMEO_AFTER  8u /* after maxmsgsize, as those that follow */
#define SNDTIMEO_AFTER  12u
#define IPV6_AFTER      16u
#define IMMEDIATE_AFTER 20u
#define FLAGS_AFTER     24u /* filter, invert_matching, recv_routing_id, raw_socket, raw_notify */
#define N_FLAGS         5u

/* In the second, from `keepalive` to the head of the ZAP domain's text. */
#define ACCEPT_FILTERS 16u /* std::vector */
#define ID_FILTERS     40u /* three std::set: users, groups, processes */
#define N_ID_FILTERS   3u
#define SET_BYTES      48u
#define MECHANISM      184u
#define AS_SERVER      188u
#define ZAP_DOMAIN     192u

/* In the third, from the kind of GSSAPI's name to the head of the bound device's text. */
#define NAME_KINDS    448u /* from keepalive */
#define GSS_PLAINTEXT 8u   /* in the stretch */
#define CONFLATE      16u
#define HANDSHAKE_IVL 20u
#define CONNECTED     24u
#define HEARTBEAT_IVL 28u
#define USE_FD        36u
#define BOUND_DEVICE  40u

#define TEXT_HEAD     16u /* a pointer, a length */
#define TEXT_INSIDE   15u /* bytes that lie within a std::string */
#define MAX_TEXT      65536u
#define MAX_MECHANISM 3u
#define MAX_NAME_KIND 2u

#define FIRST_BYTES  (376u - 308u + TEXT_HEAD)
#define SECOND_BYTES (ZAP_DOMAIN + TEXT_HEAD)
#define THIRD_BYTES  (BOUND_DEVICE + TEXT_HEAD)

struct stretches {
    uintptr_t begin; /* of the options */
    const struct layout *layout;
    unsigned char first[FIRST_BYTES], second[SECOND_BYTES], third[THIRD_BYTES];
};

const struct peek_options peek_options_unknown = {
    PIPE_UNKNOWN, PIPE_UNKNOWN, PIPE_UNKNOWN, PIPE_UNKNOWN, PIPE_UNKNOWN, PIPE_UNKNOWN,
    PIPE_UNKNOWN, PIPE_UNKNOWN, PIPE_UNKNOWN, PIPE_UNKNOWN, PIPE_UNKNOWN};

static bool read_stretches(struct peek_target *target, struct stretches *self)
{
    const struct layout *layout = self->layout;
    uintptr_t keepalive = self->begin + layout->keepalive;
    struct pipe_memory_range ranges[] = {
        {self->begin + layout->type, self->first, layout->socks + TEXT_HEAD - layout->type, false},
        {keepalive, self->second, SECOND_BYTES, false},
        {keepalive + NAME_KINDS, self->third, THIRD_BYTES, false},
    };
    pipe_memory_read(&target->memory, ranges, sizeof(ranges) / sizeof(*ranges));
    return ranges[0].is_read && ranges[1].is_read && ranges[2].is_read;
}

static int32_t int_at(const unsigned char *bytes, uint32_t offset)
{
    return (int32_t)pipe_u32_at(bytes, offset);
}

/* The head of the std::string at `address`. */
static bool is_text(const unsigned char *head, uintptr_t address)
{
    uintptr_t text = pipe_pointer_at(head, 0);
    uint64_t length = pipe_u64_at(head, PIPE_POINTER);
    if (text == address + TEXT_HEAD)
        return length <= TEXT_INSIDE;
    return text != 0 && length > 0 && length <= MAX_TEXT;
}

/* A std::set without members points to itself; one with members does not. */
static bool is_set(const unsigned char *bytes, uintptr_t address)
{
    uintptr_t header = address + PIPE_POINTER, root = pipe_pointer_at(bytes, 16);
    uintptr_t left = pipe_pointer_at(bytes, 24), right = pipe_pointer_at(bytes, 32);
    if (pipe_u64_at(bytes, 40) == 0)
        return root == 0 && left == header && right == header;
    return root != 0 && left != 0 && right != 0 && left != header && right != header;
}

static bool are_flags(const unsigned char *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (bytes[i] > 1)
            return false;
    }
    return true;
}

static bool is_first(const struct stretches *self, int type)
{
    const struct layout *layout = self->layout;
    const unsigned char *more = self->first + (layout->maxmsgsize - layout->type);
    return self->first[0] == type && more[IPV6_AFTER] <= 1 &&
           (uint32_t)int_at(more, IMMEDIATE_AFTER) <= 1 && are_flags(more + FLAGS_AFTER, N_FLAGS) &&
           is_text(self->first + (layout->socks - layout->type), self->begin + layout->socks);
}

static bool is_second(const struct stretches *self)
{
    const unsigned char *bytes = self->second;
    uintptr_t address = self->begin + self->layout->keepalive;
    bool are_sets = true;
    for (uint32_t i = 0; i < N_ID_FILTERS; i++)
        are_sets &= is_set(bytes + ID_FILTERS + i * SET_BYTES,
                           address + ID_FILTERS + i * SET_BYTES);
    return are_sets && int_at(bytes, 0) >= -1 && int_at(bytes, 0) <= 1 &&
           pipe_pointer_at(bytes, ACCEPT_FILTERS) <= pipe_pointer_at(bytes, ACCEPT_FILTERS + 8) &&
           pipe_u32_at(bytes, MECHANISM) <= MAX_MECHANISM && pipe_u32_at(bytes, AS_SERVER) <= 1 &&
           is_text(bytes + ZAP_DOMAIN, address + ZAP_DOMAIN);
}

static bool is_third(const struct stretches *self)
{
    const unsigned char *bytes = self->third;
    uintptr_t address = self->begin + self->layout->keepalive + NAME_KINDS;
    return pipe_u32_at(bytes, 0) <= MAX_NAME_KIND && pipe_u32_at(bytes, 4) <= MAX_NAME_KIND &&
           bytes[GSS_PLAINTEXT] <= 1 && bytes[CONFLATE] <= 1 && bytes[CONNECTED] <= 1 &&
           int_at(bytes, HANDSHAKE_IVL) >= 0 && int_at(bytes, HEARTBEAT_IVL) >= 0 &&
           int_at(bytes, USE_FD) >= -1 && is_text(bytes + BOUND_DEVICE, address + BOUND_DEVICE);
}

static uint64_t signed_at(const unsigned char *bytes, uint32_t offset)
{
    return (uint64_t)(int64_t)int_at(bytes, offset);
}

static struct peek_options options_of(const struct stretches *self)
{
    const unsigned char *more = self->first + (self->layout->maxmsgsize - self->layout->type);
    return (struct peek_options){
        .linger = signed_at(self->first, LINGER_AFTER),
        .maxmsgsize = pipe_u64_at(more, 0),
        .rcvtimeo = signed_at(more, RCVTIMEO_AFTER),
        .sndtimeo = signed_at(more, SNDTIMEO_AFTER),
        .immediate = pipe_u32_at(more, IMMEDIATE_AFTER),
        .tcp_keepalive = signed_at(self->second, 0),
        .mechanism = pipe_u32_at(self->second, MECHANISM),
        .is_server = pipe_u32_at(self->second, AS_SERVER),
        .conflate = self->third[CONFLATE],
        .handshake_ivl = signed_at(self->third, HANDSHAKE_IVL),
        .heartbeat_ivl = signed_at(self->third, HEARTBEAT_IVL),
    };
}

bool peek_options_read(struct peek_target *target, uintptr_t socket, int type,
                       struct peek_options *ret_options)
{
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        struct stretches stretches = {.begin = socket + PEEK_SOCKET_OPTIONS, .layout = &layouts[i]};
        if (read_stretches(target, &stretches) && is_first(&stretches, type) &&
            is_second(&stretches) && is_third(&stretches)) {
            *ret_options = options_of(&stretches);
            return true;
        }
    }
    *ret_options = peek_options_unknown;
    return false;
}
