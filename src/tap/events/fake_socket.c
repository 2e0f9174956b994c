/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/fake_socket.h"

#include "tap/events/event_frame.h"
#include "tap/events/events.h"
#include "tap/ground/tables.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define MAX_TEXT 512 /* of an address; longer ones are cut */

/* The event that is being sent. */
struct event_parts {
    uint32_t n_frames;
    uint64_t kind, n_values, value;
    bool is_oversized;
    bool has_local;
    struct tap_message local; /* of version 2: its local address */
};

struct fake_socket {
    bool is_open;
    uint32_t next_free; /* index + 1 */
    struct registry_socket *socket;
    uint32_t serial; /* of the socket */
    const struct library *library;
    void *target;
    uint64_t mask;
    int version;
    struct event_parts parts;
};

/* All zero for ever: only the addresses count. */
char fake_socket_addresses[FAKE_SOCKET_MAX * sizeof(void *) + FAKE_SOCKET_SIZE]
    __attribute__((aligned(8)));

static struct fake_socket *fakes;
static struct fake_socket *monitors[REGISTRY_MAX_SOCKETS]; /* by socket */
static uint32_t n_used;                                    /* fakes beyond were never used */
static uint32_t first_free;                                /* index + 1 */
static _Thread_local struct fake_socket_request *current;

TABLES_ROW(fakes, FAKE_SOCKET_MAX);

static struct fake_socket *fake_at(const void *handle)
{
    size_t i = ((uintptr_t)handle - (uintptr_t)fake_socket_addresses) / sizeof(void *);
    return &fakes[i];
}

static void *address_of(const struct fake_socket *self)
{
    return &fake_socket_addresses[(size_t)(self - fakes) * sizeof(void *)];
}

bool fake_socket_has_monitor(const struct registry_socket *socket)
{
    return monitors[socket->index] != NULL;
}

void fake_socket_reset(struct registry_socket *socket)
{
    monitors[socket->index] = NULL;
}

void fake_socket_begin(struct fake_socket_request *request)
{
    current = request;
}

void fake_socket_end(void)
{
    current = NULL;
}

static void note_call(enum fake_socket_call call)
{
    if (current)
        current->calls |= call;
}

bool fake_socket_is_wanted(const void *context)
{
    return current && current->context == context && !(current->calls & FAKE_SOCKET_MADE);
}

static struct fake_socket *take_fake(void)
{
    if (first_free) {
        struct fake_socket *self = &fakes[first_free - 1];
        first_free = self->next_free;
        return self;
    }
    return n_used < FAKE_SOCKET_MAX ? &fakes[n_used++] : NULL;
}

/* The socket that it is the monitor of, with the registry's lock; NULL where that is over. */
static struct registry_socket *socket_of(const struct fake_socket *self)
{
    struct registry_socket *socket = self->socket;
    return socket && socket->is_used && socket->serial == self->serial ? socket : NULL;
}

static struct fake_socket *open_fake(const struct fake_socket_request *request, void *target)
{
    struct guard guard;
    registry_lock(&guard);
    struct fake_socket *self = take_fake();
    if (self)
        *self = (struct fake_socket){.is_open = true,
                                     .socket = request->socket,
                                     .library = request->library,
                                     .target = target,
                                     .mask = request->mask,
                                     .version = request->version};
    if (self && request->socket) {
        self->serial = request->socket->serial;
        monitors[request->socket->index] = self;
        events_note_monitor(request->socket);
    }
    registry_unlock(&guard);
    return self;
}

void *fake_socket_make(void)
{
    const struct library *library = current->library;
    void *target = NULL;
    note_call(FAKE_SOCKET_MADE);
    if (current->has_target) {
        target = library->socket(current->context, current->type);
        if (!target)
            return NULL;
    }
    struct fake_socket *self = open_fake(current, target);
    if (self)
        return address_of(self);
    if (!target)
        errno = EMFILE;
    return target; /* the program has its monitor, the tap has none */
}

static int fail_closed(void)
{
    errno = ENOTSOCK;
    return -1;
}

int fake_socket_setsockopt(void *handle, int option, const void *value, size_t size)
{
    const struct fake_socket *self = fake_at(handle);
    note_call(FAKE_SOCKET_OPTION_SET);
    if (!self->is_open)
        return fail_closed();
    return self->target ? self->library->setsockopt(self->target, option, value, size) : 0;
}

int fake_socket_bind(void *handle, const char *address)
{
    const struct fake_socket *self = fake_at(handle);
    note_call(FAKE_SOCKET_BOUND);
    if (!self->is_open)
        return fail_closed();
    return self->target ? self->library->bind(self->target, address) : 0;
}

/* The monitored socket's entry stays until here, if the program has closed it. */
static void free_fake(struct fake_socket *self)
{
    struct guard guard;
    if (!registry_is_own()) { /* a child that has not begun yet: fake_socket_forked will see it */
        self->is_open = false;
        return;
    }
    registry_lock(&guard);
    struct registry_socket *socket = socket_of(self);
    if (socket && monitors[socket->index] == self) {
        monitors[socket->index] = NULL;
        if (!socket->slot)
            registry_free_socket(socket);
    }
    self->is_open = false;
    self->next_free = first_free;
    first_free = (uint32_t)(self - fakes) + 1;
    registry_unlock(&guard);
}

int fake_socket_close(void *handle)
{
    struct fake_socket *self = fake_at(handle);
    note_call(FAKE_SOCKET_CLOSED);
    if (!self->is_open)
        return fail_closed();
    int error = errno;
    void *target = self->target;
    const struct library *library = self->library;
    if (self->parts.has_local)
        library->msg_close(&self->parts.local);
    free_fake(self);
    errno = error;
    return target ? library->close(target) : 0;
}

static void copy_number(const struct library *library, struct tap_message *message, uint64_t *ret)
{
    if (library->msg_size(message) == sizeof(*ret))
        memcpy(ret, library->msg_data(message), sizeof(*ret));
}

static void copy_text(const struct library *library, struct tap_message *message,
                      char ret_text[static MAX_TEXT])
{
    size_t size = library->msg_size(message);
    size = size < MAX_TEXT ? size : MAX_TEXT - 1;
    memcpy(ret_text, library->msg_data(message), size);
    ret_text[size] = '\0';
}

/* The end of a monitor that the tap or the program replaces is no event of the socket. */
static void count_event(const struct fake_socket *self, const char *address,
                        const char *other_address)
{
    const struct event_parts *parts = &self->parts;
    const struct event event = {.kind = parts->kind,
                                .value = parts->value,
                                .address = address,
                                .other_address = other_address,
                                .is_oversized = parts->is_oversized};
    struct guard guard;
    bool is_replaced = parts->kind == ZMQ_EVENT_MONITOR_STOPPED && current;
    if (parts->kind == 0 || is_replaced || !registry_is_own())
        return;
    registry_lock(&guard);
    struct registry_socket *socket = socket_of(self);
    if (socket)
        events_count(socket, &event);
    registry_unlock(&guard);
}

/* [kind, value][address] */
static void take_frame_1(struct fake_socket *self, struct tap_message *message, bool is_last)
{
    struct event_parts *parts = &self->parts;
    if (parts->n_frames == 0)
        event_frame_decode(self->library, message, &parts->kind, &parts->value);
    if (is_last) {
        char address[MAX_TEXT];
        copy_text(self->library, message, address);
        count_event(self, address, NULL);
    }
}

static void count_event_2(struct fake_socket *self, struct tap_message *remote)
{
    char address[MAX_TEXT] = "", other_address[MAX_TEXT];
    if (self->parts.has_local)
        copy_text(self->library, &self->parts.local, address);
    copy_text(self->library, remote, other_address);
    count_event(self, address, other_address);
}

/* [kind][n][value] x n [local][remote], numbers of 64 bits */
static void take_frame_2(struct fake_socket *self, struct tap_message *message, bool is_last)
{
    const struct library *library = self->library;
    struct event_parts *parts = &self->parts;
    uint32_t i = parts->n_frames;
    if (is_last) {
        count_event_2(self, message);
    } else if (i == 0) {
        copy_number(library, message, &parts->kind);
    } else if (i == 1) {
        copy_number(library, message, &parts->n_values);
    } else if (i == 2 && parts->n_values > 0) {
        copy_number(library, message, &parts->value);
    } else if (i == 2 + parts->n_values) {
        library->msg_init(&parts->local);
        parts->has_local = true;
        library->msg_copy(&parts->local, message);
    }
}

static void take_frame(struct fake_socket *self, struct tap_message *message, bool is_last)
{
    if (self->version == 1)
        take_frame_1(self, message, is_last);
    else
        take_frame_2(self, message, is_last);
    self->parts.n_frames++;
    if (current)
        current->n_frames++;
}

static void end_event(struct fake_socket *self)
{
    if (self->parts.has_local)
        self->library->msg_close(&self->parts.local);
    self->parts = (struct event_parts){0};
}

/* As zmq_msg_send does where it succeeds. */
static int swallow(const struct library *library, struct tap_message *message)
{
    int size = (int)library->msg_size(message);
    library->msg_close(message);
    library->msg_init(message);
    return size;
}

int fake_socket_msg_send(struct tap_message *message, void *handle, int flags)
{
    struct fake_socket *self = fake_at(handle);
    bool is_last = !(flags & ZMQ_SNDMORE);
    int error = errno;
    if (!self->is_open)
        return fail_closed();
    if (self->parts.n_frames == 0)
        self->parts.is_oversized = error == EMSGSIZE;
    take_frame(self, message, is_last);
    bool is_told = self->parts.is_oversized && self->parts.kind == ZMQ_EVENT_DISCONNECTED;
    bool is_wanted = self->target && (self->mask & self->parts.kind);
    if (is_last)
        end_event(self);
    int rc = 0;
    if (!is_wanted)
        rc = swallow(self->library, message);
    errno = is_told && is_last ? 0 : error; /* so that it is not found again at the next event */
    return is_wanted ? self->library->msg_send(message, self->target, flags) : rc;
}

/* Another thread may have been in the middle of anything. */
void fake_socket_forked(void)
{
    current = NULL;
    first_free = 0;
    for (uint32_t i = 0; i < n_used; i++) {
        struct fake_socket *self = &fakes[i];
        self->socket = NULL;
        self->parts = (struct event_parts){0};
        if (self->is_open)
            continue;
        self->next_free = first_free;
        first_free = i + 1;
    }
}
