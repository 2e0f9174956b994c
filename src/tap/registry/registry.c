/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: open addressing with linear probing, never rehashed, so that a reader needs no lock:
 * a slot keeps its handle from open to close. A freed slot becomes a tombstone, and free again
 * where the slot after it is free, so that tombstones do not add up. A reader looks for a handle
 * that its own program holds open; whatever other threads open and close meanwhile, the slots
 * between the handle's hash and its place are never free.
 */
#include "tap/registry/registry.h"

#include "base/clock.h"
#include "queues/socket_handle.h"
#include "tap/ground/tables.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#define KEY_FREE      ((uintptr_t)0) /* the key of (void *)-1 */
#define KEY_TOMBSTONE ((uintptr_t)2) /* the key of (void *)1 */

#define LARGEST_PAGE SEGMENT_LARGEST_PAGE
#define N_MARK_SLOTS (LARGEST_PAGE / sizeof(struct registry_slot))

struct registry_slot registry_slots[REGISTRY_N_SLOTS + N_MARK_SLOTS]
    __attribute__((aligned(LARGEST_PAGE)));

static_assert(REGISTRY_N_SLOTS * sizeof(struct registry_slot) % LARGEST_PAGE == 0, "mark's page");

static struct lock lock;
static struct segment_table *table;
static struct registry_callbacks callbacks;
uint64_t registry_nowhere[SEGMENT_LANE_WORDS_MAX];
static struct registry_context contexts[REGISTRY_MAX_CONTEXTS];
static struct registry_socket *sockets;
static uint32_t n_sockets_used;    /* entries beyond were never used */
static uint32_t first_free_socket; /* index + 1 */
static uint32_t next_serial;

TABLES_ROW(sockets, REGISTRY_MAX_SOCKETS);

static struct registry_slot *slot_after(uint32_t hash, uint32_t n)
{
    return &registry_slots[(hash + n) % REGISTRY_N_SLOTS];
}

struct registry_slot *registry_find_further(const void *handle)
{
    uint32_t hash = registry_hash(handle);
    uintptr_t wanted = registry_key(handle);
    for (uint32_t i = 0; i < REGISTRY_MAX_PROBES; i++) {
        struct registry_slot *slot = slot_after(hash, i);
        uintptr_t key = __atomic_load_n(&slot->key, __ATOMIC_ACQUIRE);
        if (key == wanted)
            return slot;
        if (key == KEY_FREE)
            return NULL;
    }
    return NULL;
}

void registry_lock(struct guard *guard)
{
    guard_lock(guard, &lock);
}

void registry_unlock(const struct guard *guard)
{
    guard_unlock(guard, &lock);
}

void registry_lock_inside(void)
{
    lock_acquire(&lock);
}

void registry_unlock_inside(void)
{
    lock_release(&lock);
}

void registry_start(struct segment_table *new_table, const struct registry_callbacks *given)
{
    table = new_table;
    callbacks = *given;
}

static uint32_t take_segment_context(void)
{
    for (uint32_t i = 0; i < SEGMENT_MAX_CONTEXTS; i++) {
        if (table->header->contexts[i].is_open)
            continue;
        segment_word_set(&table->header->contexts[i].is_open, 1);
        if (i >= table->header->n_contexts)
            __atomic_store_n(&table->header->n_contexts, i + 1, __ATOMIC_RELEASE);
        return i;
    }
    return REGISTRY_NO_INDEX;
}

struct registry_context *registry_find_context(const void *handle)
{
    if (!handle)
        return NULL;
    for (uint32_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        if (contexts[i].handle == handle)
            return &contexts[i];
    }
    return NULL;
}

void registry_remove_context(struct registry_context *context)
{
    for (uint32_t i = 0; i < n_sockets_used; i++) {
        if (!sockets[i].is_used || sockets[i].context != context)
            continue;
        registry_close_socket(&sockets[i]);
        registry_free_socket(&sockets[i]);
    }
    if (context->segment_index != REGISTRY_NO_INDEX)
        segment_word_set(&table->header->contexts[context->segment_index].is_open, 0);
    *context = (struct registry_context){.segment_index = REGISTRY_NO_INDEX};
}

struct registry_context *registry_add_context(void *handle, struct library *library)
{
    struct registry_context *ended = registry_find_context(handle);
    if (ended)
        registry_remove_context(ended);
    for (uint32_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        struct registry_context *context = &contexts[i];
        if (context->handle)
            continue;
        *context = (struct registry_context){.handle = handle,
                                             .library = library,
                                             .index = i,
                                             .serial = ++next_serial,
                                             .segment_index = REGISTRY_NO_INDEX};
        return context;
    }
    return NULL;
}

bool registry_has_started_context(void)
{
    for (uint32_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        if (contexts[i].handle && contexts[i].has_started)
            return true;
    }
    return false;
}

/* What the segment tells of the context: set when its first socket is made, and at each one. */
static void describe_context(struct registry_context *context)
{
    if (context->is_attached) /* it may have other sockets */
        return;
    if (context->segment_index == REGISTRY_NO_INDEX)
        context->segment_index = take_segment_context();
    if (context->segment_index == REGISTRY_NO_INDEX)
        return;
    struct segment_context *shown = &table->header->contexts[context->segment_index];
    segment_word_set(&shown->n_sockets, context->n_sockets);
    segment_word_set(&shown->max_sockets,
                     (uint64_t)context->limit); /* what is set later is not in force */
    segment_word_set(&shown->io_threads, (uint64_t)context->n_io_threads);
}

static struct registry_slot *take_slot(const void *handle)
{
    uint32_t hash = registry_hash(handle);
    for (uint32_t i = 0; i < REGISTRY_MAX_PROBES; i++) {
        struct registry_slot *slot = slot_after(hash, i);
        if (slot->key == KEY_FREE || slot->key == KEY_TOMBSTONE)
            return slot;
    }
    return NULL;
}

static void free_slot(struct registry_slot *slot)
{
    uint32_t i = (uint32_t)(slot - registry_slots);
    bool is_last = slot_after(i, 1)->key == KEY_FREE;
    __atomic_store_n(&slot->key, is_last ? KEY_FREE : KEY_TOMBSTONE, __ATOMIC_RELEASE);
    while (is_last) {
        i = (i + REGISTRY_N_SLOTS - 1) % REGISTRY_N_SLOTS;
        if (registry_slots[i].key != KEY_TOMBSTONE)
            break;
        __atomic_store_n(&registry_slots[i].key, KEY_FREE, __ATOMIC_RELEASE);
    }
}

static struct registry_socket *take_socket(void)
{
    if (first_free_socket) {
        struct registry_socket *socket = &sockets[first_free_socket - 1];
        first_free_socket = socket->next_free;
        return socket;
    }
    return n_sockets_used < REGISTRY_MAX_SOCKETS ? &sockets[n_sockets_used++] : NULL;
}

static void free_socket(struct registry_socket *socket)
{
    socket->is_used = false;
    socket->next_free = first_free_socket;
    first_free_socket = (uint32_t)(socket - sockets) + 1;
}

static void describe_lane(struct registry_socket *socket)
{
    uint64_t *words = segment_table_words(table, socket->lane);
    segment_word_set(&words[SEGMENT_SERIAL], socket->serial);
    segment_word_set(&words[SEGMENT_OPENED_NS], clock_realtime_ns());
    segment_word_set(&words[SEGMENT_HANDLE], socket_handle_of((uintptr_t)socket->handle));
    if (socket->library->index < SEGMENT_MAX_LIBRARIES)
        segment_word_set(&words[SEGMENT_LIBRARY], socket->library->index);
    if (socket->context->segment_index != REGISTRY_NO_INDEX)
        segment_word_set(&words[SEGMENT_CONTEXT], socket->context->segment_index);
    socket->words = words;
    socket->n_sent_before = segment_word_get(&words[SEGMENT_SENT_MESSAGES]);
    socket->n_received_before = segment_word_get(&words[SEGMENT_RECEIVED_MESSAGES]);
}

static void point_at_lane(const struct registry_socket *socket)
{
    bool is_counted_elsewhere = socket->is_shared || socket->is_attached;
    socket->slot->words = is_counted_elsewhere ? registry_nowhere : socket->words;
}

/* Nothing is left of the socket that had the slot before but what another thread may be about to
 * follow, which found it there: pointers change from one that is good to another. */
static void forget_last_socket(struct registry_slot *slot)
{
    slot->frame = slot->first_frame = (struct registry_frame){0};
    memset(&slot->call, 0, sizeof(slot->call));
    slot->is_receiving = false;
    slot->received_below = 0;
    slot->n_until_measured = 0;
    slot->is_within = false;
    slot->message_kind = slot->small_kind = 0;
    slot->pipe_state = 0;
}

static void fill_slot(struct registry_slot *slot, struct registry_socket *socket)
{
    library_end_direct();
    forget_last_socket(slot);
    slot->socket = socket;
    socket->slot = slot;
    point_at_lane(socket);
    callbacks.begin(slot);
    __atomic_store_n(&slot->key, registry_key(socket->handle), __ATOMIC_RELEASE);
}

/* Types of libzmq's draft interface, which several threads may use at once: their numbers are
 * missing in a zmq.h of a build without drafts. */
static bool is_shared_type(int type)
{
    enum { SERVER = 12, SCATTER = 17, PEER = 19, CHANNEL = 20 };
    return (type >= SERVER && type <= SCATTER) || type == PEER || type == CHANNEL;
}

static struct registry_socket *open_socket(struct registry_context *context, void *handle, int type,
                                           bool is_attached)
{
    context->n_sockets++;
    describe_context(context);
    uint32_t group = segment_table_group(table, (uint32_t)type, "", NULL);
    struct registry_slot *slot = take_slot(handle);
    struct registry_socket *socket = slot ? take_socket() : NULL;
    uint32_t lane;
    if (socket && segment_table_take_lane(table, group, &lane) < 0) {
        free_socket(socket);
        socket = NULL;
    }
    if (!socket) {
        context->n_sockets--;
        context->has_untracked = true;
        segment_word_add(&table->header->untracked_sockets, 1);
        return NULL;
    }
    *socket = (struct registry_socket){
        .handle = handle,
        .context = context,
        .library = context->library,
        .index = (uint32_t)(socket - sockets),
        .serial = ++next_serial,
        .lane = lane,
        .type = type,
        .is_used = true,
        .is_attached = is_attached,
        /* Of an attached one the pipes count, whatever thread they are of. */
        .is_shared = !is_attached && is_shared_type(type),
    };
    describe_lane(socket);
    fill_slot(slot, socket);
    return socket;
}

struct registry_socket *registry_open_socket(struct registry_context *context, void *handle,
                                             int type)
{
    return open_socket(context, handle, type, false);
}

struct registry_socket *registry_attach_socket(struct registry_context *context, void *handle,
                                               int type)
{
    return open_socket(context, handle, type, true);
}

static const struct segment_group *group_of(const struct registry_socket *socket)
{
    return &table->groups[table->lane_groups[socket->lane]];
}

/* Gauges that libzmq cannot be asked for again; they move with the socket to its new lane. */
static void carry_gauges(const uint64_t *from, uint64_t *to)
{
    static const enum segment_lane_word carried[] = {
        SEGMENT_OPENED_NS,       SEGMENT_LARGEST_SENT, SEGMENT_LARGEST_RECEIVED,
        SEGMENT_API_ERROR_KINDS, SEGMENT_RECEIVER,
    };
    for (size_t i = 0; i < sizeof(carried) / sizeof(*carried); i++)
        segment_word_set(&to[carried[i]], segment_word_get(&from[carried[i]]));
}

/* The handle's lane moves, what was counted stays; so the group's sum never decreases. */
static void move_socket(struct registry_socket *socket, const char *endpoint, const char *name)
{
    uint32_t lane;
    uint32_t group = segment_table_group(table, (uint32_t)socket->type, endpoint, name);
    if (segment_table_take_lane(table, group, &lane) < 0)
        return;
    uint32_t old = socket->lane;
    const uint64_t *words = socket->words;
    socket->lane = lane;
    describe_lane(socket);
    carry_gauges(words, socket->words);
    segment_word_add(&socket->words[SEGMENT_ATTACHED], socket->is_attached);
    point_at_lane(socket);
    segment_table_release_lane(table, old);
}

void registry_place_socket(struct registry_socket *socket, const char *endpoint)
{
    socket->is_placed = true;
    move_socket(socket, endpoint, group_of(socket)->name);
}

void registry_name_socket(struct registry_socket *socket, const char *name)
{
    move_socket(socket, group_of(socket)->endpoint, name);
}

void registry_close_socket(struct registry_socket *socket)
{
    if (!socket->slot)
        return;
    free_slot(socket->slot);
    socket->slot = NULL;
    segment_table_release_lane(table, socket->lane);
    socket->context->n_sockets--;
    describe_context(socket->context);
}

void registry_free_socket(struct registry_socket *socket)
{
    callbacks.end(socket);
    free_socket(socket);
}

struct registry_socket *registry_socket_at(uint32_t index)
{
    return index < n_sockets_used ? &sockets[index] : NULL;
}

void registry_each_socket(void (*visit)(struct registry_socket *socket, void *data), void *data)
{
    for (uint32_t i = 0; i < n_sockets_used; i++) {
        if (sockets[i].is_used && sockets[i].slot)
            visit(&sockets[i], data);
    }
}

/*
 * Processes
 */
static bool is_wiped_in_children;
static bool has_copies;                   /* of the fork that is under way */
static struct registry_slot *slot_copies; /* by the socket's index */

TABLES_ROW(slot_copies, REGISTRY_MAX_SOCKETS);

/* Children inherit it. */
static void protect(void)
{
    if (!is_wiped_in_children)
        is_wiped_in_children = madvise(registry_slots, sizeof(registry_slots), MADV_WIPEONFORK) ==
                               0;
}

bool registry_begin_claim(void)
{
    uintptr_t seen = REGISTRY_UNCLAIMED;
    if (__atomic_compare_exchange_n(REGISTRY_MARK, &seen, REGISTRY_BEING_CLAIMED, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return true;
    while (__atomic_load_n(REGISTRY_MARK, __ATOMIC_ACQUIRE) == REGISTRY_BEING_CLAIMED)
        sched_yield();
    return false;
}

void registry_end_claim(void)
{
    int error = errno;
    protect();
    __atomic_store_n(REGISTRY_MARK, REGISTRY_CLAIMED, __ATOMIC_RELEASE);
    errno = error;
}

bool registry_is_claimed_by_child(void)
{
    return is_wiped_in_children && registry_is_own();
}

void registry_begin_fork(void)
{
    for (uint32_t i = 0; i < n_sockets_used; i++) {
        const struct registry_slot *slot = sockets[i].slot;
        if (sockets[i].is_used && slot)
            slot_copies[i] = *slot;
    }
    has_copies = true;
}

void registry_end_fork(void)
{
    has_copies = false;
}

/* A call that was under way when the process was forked goes on, and counts nowhere. */
static void disarm(struct registry_slot *slot, const struct registry_slot *before)
{
    if (before)
        *slot = *before;
    slot->words = registry_nowhere;
    slot->key = is_wiped_in_children ? KEY_FREE : KEY_TOMBSTONE;
}

void registry_forked(void)
{
    for (uint32_t i = 0; i < n_sockets_used; i++) {
        if (sockets[i].is_used && sockets[i].slot)
            disarm(sockets[i].slot, has_copies ? &slot_copies[i] : NULL);
    }
    lock = LOCK_INIT;
    for (uint32_t i = 0; i < REGISTRY_MAX_CONTEXTS; i++) {
        contexts[i].segment_index = REGISTRY_NO_INDEX;
        /* One without a socket yet has no thread that the child would lack, and is the child's. */
        if (contexts[i].has_started || contexts[i].is_attached)
            contexts[i] = (struct registry_context){.segment_index = REGISTRY_NO_INDEX};
    }
    n_sockets_used = 0;
    first_free_socket = 0;
}
