/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/hub_state.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MAX_PARCELS 1000000

static int set_int(const struct library *library, void *socket, int option, int value)
{
    return library->setsockopt(socket, option, &value, sizeof(value));
}

/* Without a limit: the tap's thread does not wait for the program as libzmq's would. */
int hub_forwarder_open(struct hub_forwarder *self, struct registry_context *context,
                       const struct monitor_request *request)
{
    const struct library *library = context->library;
    void *socket = library->socket(context->handle, request->type);
    if (!socket)
        return -1;
    set_int(library, socket, ZMQ_LINGER, 0);
    set_int(library, socket, ZMQ_SNDHWM, 0);
    if (library->bind(socket, request->address) != 0) {
        int error = errno;
        library->close(socket);
        errno = error;
        return -1;
    }
    *self = (struct hub_forwarder){.socket = socket, .library = library, .mask = request->events};
    __atomic_add_fetch(&hub_n_forwarders, 1, __ATOMIC_RELAXED);
    return 0;
}

static void append_parcel(struct hub_forwarder *self, const void *bytes, size_t size, bool has_more)
{
    struct hub_parcel *parcel = malloc(sizeof(*parcel) + size);
    if (!parcel)
        return;
    *parcel = (struct hub_parcel){.size = size, .has_more = has_more};
    memcpy(parcel->bytes, bytes, size);
    if (self->last)
        self->last->next = parcel;
    else
        self->first = parcel;
    self->last = parcel;
    self->n_parcels++;
}

static int send_bytes(const struct hub_forwarder *self, const void *bytes, size_t size,
                      bool has_more)
{
    return self->library->send(self->socket, bytes, size,
                               ZMQ_DONTWAIT | (has_more ? ZMQ_SNDMORE : 0));
}

static void drop_first(struct hub_forwarder *self)
{
    struct hub_parcel *parcel = self->first;
    self->first = parcel->next;
    if (!self->first)
        self->last = NULL;
    self->n_parcels--;
    free(parcel);
}

/* Asking for the events makes libzmq take note of a consumer that has connected. */
void hub_forwarder_flush(struct hub_forwarder *self)
{
    int events;
    size_t size = sizeof(events);
    if (self->library->getsockopt(self->socket, ZMQ_EVENTS, &events, &size) != 0)
        return;
    while (self->first) {
        const struct hub_parcel *parcel = self->first;
        if (send_bytes(self, parcel->bytes, parcel->size, parcel->has_more) < 0 && errno == EAGAIN)
            return;
        drop_first(self);
    }
}

static void send_or_append_parcel(struct hub_forwarder *self, const void *bytes, size_t size,
                                  bool has_more)
{
    if (!self->first && (send_bytes(self, bytes, size, has_more) >= 0 || errno != EAGAIN))
        return;
    append_parcel(self, bytes, size, has_more);
}

/* All frames but the first, which is our routing id. */
void hub_forwarder_send(struct hub_forwarder *self, struct hub_frames *event)
{
    const struct library *library = event->library;
    if (self->n_parcels > MAX_PARCELS)
        return;
    if (self->first)
        hub_forwarder_flush(self);
    for (size_t i = 1; i < event->n; i++) {
        struct tap_message *frame = &event->frames[i];
        send_or_append_parcel(self, library->msg_data(frame), library->msg_size(frame),
                              i + 1 < event->n);
    }
}

static void send_stopped(struct hub_forwarder *self, int version)
{
    if (version == 1) {
        unsigned char frame[6] = {0};
        uint16_t kind = ZMQ_EVENT_MONITOR_STOPPED;
        memcpy(frame, &kind, sizeof(kind));
        send_or_append_parcel(self, frame, sizeof(frame), true);
    } else {
        const uint64_t frames[] = {ZMQ_EVENT_MONITOR_STOPPED, 1, 0}; /* kind, values, value */
        for (size_t i = 0; i < 3; i++)
            send_or_append_parcel(self, &frames[i], sizeof(frames[i]), true);
        send_or_append_parcel(self, "", 0, true);
    }
    send_or_append_parcel(self, "", 0, false);
}

void hub_forwarder_stop(struct hub_forwarder *self, int version)
{
    if (self->mask & ZMQ_EVENT_MONITOR_STOPPED) {
        if (self->first)
            hub_forwarder_flush(self);
        send_stopped(self, version);
    }
    hub_forwarder_close(self);
}

/* Events that were not read are lost, as when libzmq closes a monitor. */
void hub_forwarder_close(struct hub_forwarder *self)
{
    if (!self->socket)
        return;
    self->library->close(self->socket);
    __atomic_sub_fetch(&hub_n_forwarders, 1, __ATOMIC_RELAXED);
    hub_forwarder_forget(self);
}

void hub_forwarder_forget(struct hub_forwarder *self)
{
    while (self->first)
        drop_first(self);
    *self = (struct hub_forwarder){0};
}
