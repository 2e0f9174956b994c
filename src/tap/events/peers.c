/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/peers.h"

#include "base/fnv.h"
#include "tap/ground/tables.h"

#include <stdlib.h>
#include <string.h>

struct address {
    uint64_t hash;
    uint32_t next; /* index + 1; of the same socket, or free */
    uint16_t port; /* of tcp, 0: none */
    bool is_dropped;
    uint8_t n_recent;
    uint32_t n_open;            /* connections */
    uint32_t n_peers;           /* of these with a handshake */
    uint32_t n_failed;          /* of these told as failed, their end not yet */
    int recent[PEERS_N_RECENT]; /* descriptors of the latest still in the handshake */
};

static struct address *addresses;
static uint32_t n_used; /* entries beyond were never used */
static uint32_t first_free;

TABLES_ROW(addresses, PEERS_MAX_ADDRESSES);

static uint64_t hash_text(const char *text)
{
    return fnv_bytes_64(FNV_BASIS_64, text, strlen(text));
}

static uint16_t port_of(const char *address)
{
    const char *colon = strncmp(address, "tcp://", 6) == 0 ? strrchr(address + 6, ':') : NULL;
    return colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
}

/* A bound wildcard: its connections have the addresses of the interfaces they came by. */
static bool is_wildcard(const char *address)
{
    return strncmp(address, "tcp://0.0.0.0:", 14) == 0 || strncmp(address, "tcp://*:", 8) == 0 ||
           strncmp(address, "tcp://[::]:", 11) == 0;
}

static struct address *find_address(const struct peers *self, const char *text)
{
    uint64_t hash = hash_text(text);
    for (uint32_t i = self->first; i; i = addresses[i - 1].next) {
        if (addresses[i - 1].hash == hash)
            return &addresses[i - 1];
    }
    return NULL;
}

static struct address *take_address(void)
{
    if (first_free) {
        struct address *address = &addresses[first_free - 1];
        first_free = address->next;
        return address;
    }
    return n_used < PEERS_MAX_ADDRESSES ? &addresses[n_used++] : NULL;
}

static struct address *find_or_append_address(struct peers *self, const char *text)
{
    struct address *address = find_address(self, text);
    if (address)
        return address;
    address = take_address();
    if (!address) {
        self->is_unknown = true;
        return NULL;
    }
    *address = (struct address){
        .hash = hash_text(text), .port = port_of(text), .next = self->first};
    self->first = (uint32_t)(address - addresses) + 1;
    return address;
}

static void push_recent(struct address *address, int fd)
{
    if (address->n_recent == PEERS_N_RECENT) {
        memmove(address->recent, address->recent + 1, sizeof(int) * (PEERS_N_RECENT - 1));
        address->n_recent--;
    }
    address->recent[address->n_recent++] = fd;
}

static bool remove_recent(struct address *address, int fd)
{
    for (uint8_t i = 0; i < address->n_recent; i++) {
        if (address->recent[i] != fd)
            continue;
        address->n_recent--;
        memmove(&address->recent[i], &address->recent[i + 1],
                sizeof(int) * (size_t)(address->n_recent - i));
        return true;
    }
    return false;
}

void peers_opened(struct peers *self, const char *text, int fd)
{
    struct address *address = find_or_append_address(self, text);
    if (!address || address->is_dropped)
        return;
    address->n_open++;
    push_recent(address, fd);
}

void peers_succeeded(struct peers *self, const char *text)
{
    struct address *address = find_address(self, text);
    if (!address || address->is_dropped || address->n_peers >= address->n_open)
        return;
    address->n_peers++;
    if (address->n_recent > 0)
        address->n_recent--;
}

bool peers_failed(struct peers *self, const char *text)
{
    struct address *address = find_address(self, text);
    if (!address || address->is_dropped)
        return true;
    if (address->n_peers + address->n_failed >= address->n_open)
        return false;
    address->n_failed++;
    return true;
}

enum peers_end peers_ended(struct peers *self, const char *text, int fd)
{
    struct address *address = find_address(self, text);
    if (!address || address->is_dropped || address->n_open == 0)
        return PEERS_END_NORMAL;
    bool was_in_handshake = remove_recent(address, fd);
    address->n_open--;
    if (address->n_failed > 0) {
        address->n_failed--;
        return PEERS_END_NORMAL;
    }
    if (was_in_handshake && address->n_peers <= address->n_open)
        return PEERS_END_REFUSED;
    if (address->n_peers > 0)
        address->n_peers--;
    return PEERS_END_NORMAL;
}

static void drop_address(struct address *address)
{
    address->is_dropped = true;
    address->n_open = address->n_peers = address->n_failed = 0;
    address->n_recent = 0;
}

void peers_drop(struct peers *self, const char *text)
{
    uint16_t port = is_wildcard(text) ? port_of(text) : 0;
    uint64_t hash = hash_text(text);
    for (uint32_t i = self->first; i; i = addresses[i - 1].next) {
        struct address *address = &addresses[i - 1];
        if (address->hash == hash || (port && address->port == port))
            drop_address(address);
    }
}

void peers_expect_connection(struct peers *self, const char *text)
{
    struct address *address = find_or_append_address(self, text);
    if (address)
        address->is_dropped = false;
}

bool peers_knows(const struct peers *self, const char *text)
{
    return find_address(self, text) != NULL;
}

void peers_expect_others(struct peers *self, const char *text)
{
    uint16_t port = is_wildcard(text) ? port_of(text) : 0;
    uint64_t hash = hash_text(text);
    for (uint32_t i = self->first; i; i = addresses[i - 1].next) {
        struct address *address = &addresses[i - 1];
        if (address->hash == hash || (port && address->port == port))
            address->is_dropped = false;
    }
}

int64_t peers_count(const struct peers *self)
{
    int64_t n = 0;
    if (self->is_unknown)
        return -1;
    for (uint32_t i = self->first; i; i = addresses[i - 1].next) {
        const struct address *address = &addresses[i - 1];
        n += self->is_without_handshake ? address->n_open : address->n_peers;
    }
    return n;
}

bool peers_has_connection(const struct peers *self)
{
    for (uint32_t i = self->first; i; i = addresses[i - 1].next) {
        if (addresses[i - 1].n_open > 0)
            return true;
    }
    return self->is_unknown;
}

void peers_finish(struct peers *self)
{
    uint32_t next;
    for (uint32_t i = self->first; i; i = next) {
        next = addresses[i - 1].next;
        addresses[i - 1].next = first_free;
        first_free = i;
    }
    *self = (struct peers){0};
}

void peers_forked(void)
{
    n_used = 0;
    first_free = 0;
}
