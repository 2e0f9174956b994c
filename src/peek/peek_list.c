/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: the contexts' vectors give the addresses, then each socket is read in two ranges: its
 * head and the part around its tag. A socket that is the one of the last pass keeps what was
 * learned of it; its options and its endpoint's text are read again now and then.
 */
#include "peek/peek_process.h"
#include "queues/pipe_accounts.h"
#include "queues/pipe_bytes.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK         64u
#define HEAD_BYTES    32u
#define MIDDLE_BYTES  384u
#define TEXT_INTERVAL 16u /* passes after which an endpoint's text is read again */
#define OPTIONS_AFTER 4u  /* passes: options */
#define MAX_VECTOR    ((uintptr_t)1 << 20)

struct reading {
    struct peek_layout *layout;
    unsigned char head[HEAD_BYTES], middle[MIDDLE_BYTES];
};

/* One at a time: the reader has one thread. */
static struct reading readings[BLOCK];
static struct pipe_memory_range ranges[2 * BLOCK];

static bool read_vector(struct peek_process *self, const struct peek_context *context,
                        uintptr_t **ret_items, size_t *ret_n)
{
    uintptr_t words[3]; /* the tag, and the vector */
    struct pipe_memory *memory = &self->target.memory;
    if (!pipe_memory_read_one(memory, context->address + context->sockets - PIPE_POINTER, words,
                              sizeof(words)) ||
        (uint32_t)words[0] != UINT32_C(0xabadcafe) || words[2] < words[1] ||
        words[2] - words[1] > MAX_VECTOR)
        return false;
    size_t n = (words[2] - words[1]) / PIPE_POINTER;
    if (n > PEEK_MAX_SOCKETS) {
        self->n_left_out += (uint32_t)(n - PEEK_MAX_SOCKETS);
        n = PEEK_MAX_SOCKETS;
    }
    *ret_n = n;
    *ret_items = malloc((n + 1) * sizeof(uintptr_t));
    return *ret_items &&
           (n == 0 || pipe_memory_read_one(memory, words[1], *ret_items, n * sizeof(uintptr_t)));
}

static struct peek_layout *find_layout(struct peek_process *self,
                                       const struct peek_context *context,
                                       const unsigned char *head, uintptr_t socket)
{
    for (size_t i = 0; i < self->n_layouts; i++) {
        struct peek_layout *layout = &self->layouts[i];
        if (peek_classes_type(&layout->classes, pipe_pointer_at(head, 0)) >= 0 &&
            pipe_pointer_at(head, PEEK_SOCKET_CONTEXT) == context->address &&
            peek_layout_add_socket(layout, &self->target, context, socket))
            return layout;
    }
    return NULL;
}

static size_t middle_size(const struct peek_layout *layout)
{
    uint32_t end = layout->endpoint ? layout->endpoint + PEEK_STRING_BYTES
                                    : layout->pipes.pipes + 3 * PIPE_POINTER;
    return end - layout->tag < MIDDLE_BYTES ? end - layout->tag : MIDDLE_BYTES;
}

static struct pipe_memory_range range_of(uintptr_t address, void *to, size_t size)
{
    return (struct pipe_memory_range){.address = address, .to = to, .size = (uint32_t)size};
}

static void read_block(struct peek_process *self, const struct peek_context *context,
                       const uintptr_t *addresses, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ranges[i] = range_of(addresses[i], readings[i].head, HEAD_BYTES);
    pipe_memory_read(&self->target.memory, ranges, n);
    size_t n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        struct reading *reading = &readings[i];
        reading->layout = ranges[i].is_read
                              ? find_layout(self, context, reading->head, addresses[i])
                              : NULL;
    }
    for (size_t i = 0; i < n; i++) {
        struct reading *reading = &readings[i];
        if (!reading->layout)
            continue;
        ranges[n_ranges++] = range_of(addresses[i] + reading->layout->tag, reading->middle,
                                      middle_size(reading->layout));
    }
    pipe_memory_read(&self->target.memory, ranges, n_ranges);
    n_ranges = 0;
    for (size_t i = 0; i < n; i++) {
        if (!readings[i].layout)
            continue;
        if (!ranges[n_ranges++].is_read)
            readings[i].layout = NULL;
    }
}

/* They change rarely; where the limits do, it may be another socket. */
static void take_options(struct peek_process *self, struct peek_socket *socket,
                         const struct reading *reading, bool is_new)
{
    uint32_t send_hwm = pipe_u32_at(reading->head, PEEK_SOCKET_OPTIONS);
    uint32_t receive_hwm = pipe_u32_at(reading->head, PEEK_SOCKET_OPTIONS + 4);
    bool is_due = is_new || send_hwm != socket->send_hwm || receive_hwm != socket->receive_hwm ||
                  (self->n_passes + socket->serial) % OPTIONS_AFTER == 0;
    socket->send_hwm = send_hwm;
    socket->receive_hwm = receive_hwm;
    if (is_due)
        (void)peek_options_read(&self->target, socket->address, socket->type, &socket->options);
}

static void take_endpoint(struct peek_process *self, struct peek_socket *socket,
                          const struct reading *reading)
{
    const struct peek_layout *layout = reading->layout;
    if (layout->endpoint == 0 || layout->endpoint + PEEK_STRING_BYTES - layout->tag > MIDDLE_BYTES)
        return;
    const unsigned char *string = reading->middle + (layout->endpoint - layout->tag);
    memcpy(socket->string, string, sizeof(socket->string));
    uintptr_t text = pipe_pointer_at(string, 0);
    uint64_t length = pipe_pointer_at(string, PIPE_POINTER);
    bool is_due = (self->n_passes + socket->serial) % TEXT_INTERVAL == 0;
    const unsigned char *inner = string + 2 * PIPE_POINTER; /* holds a short one's text */
    if (text == socket->text && length == socket->text_length && !is_due &&
        memcmp(socket->text_inner, inner, sizeof(socket->text_inner)) == 0)
        return;
    char found[PEEK_RECORD_ENDPOINT];
    uintptr_t vtable; /* is another one as soon as the socket's destructor runs */
    if (!peek_layout_read_string(&self->target, socket->address + layout->endpoint, found,
                                 sizeof(found)) ||
        !pipe_memory_read_one(&self->target.memory, socket->address, &vtable, sizeof(vtable)) ||
        vtable != socket->vtable)
        return;
    memcpy(socket->endpoint, found, sizeof(found));
    socket->text = text;
    socket->text_length = length;
    memcpy(socket->text_inner, inner, sizeof(socket->text_inner));
}

static int compare_addresses(const void *a, const void *b)
{
    const struct peek_socket *one = a, *other = b;
    return one->address < other->address ? -1 : one->address > other->address;
}

/* Of two at one address, the one that is listed comes first. */
static int compare_sockets(const void *a, const void *b)
{
    const struct peek_socket *one = a, *other = b;
    if (one->address != other->address)
        return one->address < other->address ? -1 : 1;
    return one->n_absent < other->n_absent ? -1 : one->n_absent > other->n_absent;
}

/* The same address may be another socket's by now, with the same number: one that was closed is
 * never open again. */
static struct peek_socket *recall(struct peek_process *self, uintptr_t address,
                                  const struct reading *reading, const struct peek_context *context)
{
    struct peek_socket *former = NULL;
    if (self->n_sockets > 0)
        former = bsearch(&(struct peek_socket){.address = address}, self->sockets, self->n_sockets,
                         sizeof(*former), compare_addresses);
    bool is_same = former && former->serial != 0 &&
                   former->vtable == pipe_pointer_at(reading->head, 0) &&
                   former->owner == pipe_u32_at(reading->head, PEEK_SOCKET_OWNER) &&
                   former->context == context->address &&
                   (!former->is_closed || pipe_u32_at(reading->middle, 0) == PEEK_SOCKET_CLOSED);
    return is_same ? former : NULL;
}

static bool take_socket(struct peek_process *self, size_t i_context, uintptr_t address,
                        const struct reading *reading, struct peek_socket *ret)
{
    const struct peek_context *context = &self->contexts[i_context];
    if (!reading->layout)
        return false;
    uint32_t tag = pipe_u32_at(reading->middle, 0);
    if (tag != PEEK_SOCKET_LIVE && tag != PEEK_SOCKET_CLOSED)
        return false;
    struct peek_socket *former = recall(self, address, reading, context);
    if (former) {
        *ret = *former;
        former->serial = 0; /* its memory is the new one's */
        former->followed = (struct followed){0};
    } else {
        *ret = (struct peek_socket){.address = address, .serial = ++self->n_serials};
    }
    ret->n_absent = 0;
    ret->vtable = pipe_pointer_at(reading->head, 0);
    ret->owner = pipe_u32_at(reading->head, PEEK_SOCKET_OWNER);
    ret->context = context->address;
    ret->i_context = (uint32_t)i_context;
    ret->n_io_threads = self->n_io_threads[i_context] < 0 ? 0 : self->n_io_threads[i_context];
    ret->layout = reading->layout;
    ret->type = peek_classes_type(&reading->layout->classes, ret->vtable);
    ret->is_closed = tag == PEEK_SOCKET_CLOSED;
    take_options(self, ret, reading, !former);
    take_endpoint(self, ret, reading);
    return true;
}

struct list {
    struct peek_socket *items;
    size_t n, capacity;
};

static bool reserve(struct list *list, size_t n)
{
    if (list->n + n <= list->capacity)
        return true;
    struct peek_socket *items = reallocarray(list->items, list->n + n, sizeof(*items));
    if (!items)
        return false;
    list->items = items;
    list->capacity = list->n + n;
    return true;
}

static void list_context(struct peek_process *self, size_t i_context, struct list *list)
{
    uintptr_t *addresses = NULL;
    size_t n = 0;
    if (!read_vector(self, &self->contexts[i_context], &addresses, &n) || !reserve(list, n)) {
        free(addresses);
        return;
    }
    if (list->n + n > PEEK_MAX_SOCKETS) {
        self->n_left_out += (uint32_t)(list->n + n - PEEK_MAX_SOCKETS);
        n = PEEK_MAX_SOCKETS - list->n;
    }
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t n_block = n - i < BLOCK ? n - i : BLOCK;
        read_block(self, &self->contexts[i_context], addresses + i, n_block);
        for (size_t j = 0; j < n_block; j++) {
            bool is_taken = take_socket(self, i_context, addresses[i + j], &readings[j],
                                        &list->items[list->n]);
            list->n += is_taken;
            self->n_invalid += !is_taken;
        }
    }
    free(addresses);
}

/* Former sockets that were not matched; those that were have given their serial away. */
static void keep_absent(struct peek_process *self, struct list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_sockets; i++)
        n += self->sockets[i].serial != 0;
    if (n > PEEK_MAX_SOCKETS || !reserve(list, n))
        return;
    for (size_t i = 0; i < self->n_sockets; i++) {
        struct peek_socket *socket = &self->sockets[i];
        if (socket->serial == 0 || socket->n_absent >= PEEK_MAX_ABSENT)
            continue;
        socket->n_absent++;
        socket->is_valid = false;
        list->items[list->n++] = *socket;
        socket->followed = (struct followed){0};
    }
}

static void drop_twins(struct list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0 && list->items[i].address == list->items[i - 1].address)
            followed_finish(&list->items[i].followed);
        else
            list->items[n++] = list->items[i];
    }
    list->n = n;
}

void peek_process_list(struct peek_process *self)
{
    struct list list = {NULL, 0, 0};
    self->n_left_out = self->n_invalid = 0;
    for (size_t i = 0; i < self->n_contexts; i++)
        list_context(self, i, &list);
    keep_absent(self, &list);
    for (size_t i = 0; i < self->n_sockets; i++)
        followed_finish(&self->sockets[i].followed);
    free(self->sockets);
    if (list.n)
        qsort(list.items, list.n, sizeof(*list.items), compare_sockets);
    drop_twins(&list);
    self->sockets = list.items;
    self->n_sockets = list.n;
}
