/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/events/hub_state.h"

#include "tap/events/event_frame.h"
#include "tap/events/events.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define MAX_TEXT 1024 /* of an address; longer ones are cut */

static void close_frames(struct hub_frames *event)
{
    for (size_t i = 0; i < event->n; i++)
        event->library->msg_close(&event->frames[i]);
    event->n = 0;
}

/* One message, all its frames; those beyond the last place are dropped. 0, or -1 with errno. */
static int receive(const struct hub *hub, struct hub_frames *ret_event)
{
    const struct library *library = hub->library;
    int more = 1;
    ret_event->library = library;
    ret_event->n = 0;
    while (more) {
        struct tap_message *frame = &ret_event->frames[ret_event->n];
        library->msg_init(frame);
        if (library->msg_recv(frame, hub->consumer, ZMQ_DONTWAIT) < 0) {
            int error = errno;
            library->msg_close(frame);
            close_frames(ret_event);
            errno = error;
            return -1;
        }
        more = library->msg_more(frame);
        if (ret_event->n < HUB_MAX_FRAMES - 1)
            ret_event->n++;
        else
            library->msg_close(frame);
    }
    return 0;
}

static bool copy_frame(struct hub_frames *event, size_t i, void *ret_bytes, size_t size)
{
    if (i >= event->n || event->library->msg_size(&event->frames[i]) != size)
        return false;
    memcpy(ret_bytes, event->library->msg_data(&event->frames[i]), size);
    return true;
}

static bool copy_text(struct hub_frames *event, size_t i, char ret_text[static MAX_TEXT])
{
    if (i >= event->n)
        return false;
    size_t size = event->library->msg_size(&event->frames[i]);
    size = size < MAX_TEXT ? size : MAX_TEXT - 1;
    memcpy(ret_text, event->library->msg_data(&event->frames[i]), size);
    ret_text[size] = '\0';
    return true;
}

struct text {
    char address[MAX_TEXT];
    char other_address[MAX_TEXT];
};

/* [id][kind, value][address] */
static bool decode_1(struct hub_frames *frames, struct text *text, struct event *ret_event)
{
    uint64_t kind, value;
    if (frames->n < 2 || !event_frame_decode(frames->library, &frames->frames[1], &kind, &value) ||
        !copy_text(frames, 2, text->address))
        return false;
    *ret_event = (struct event){.kind = kind, .value = value, .address = text->address};
    return true;
}

/* [id][kind][n][value] x n [local][remote], numbers of 64 bits */
static bool decode_2(struct hub_frames *frames, struct text *text, struct event *ret_event)
{
    uint64_t kind, n, value = 0;
    if (!copy_frame(frames, 1, &kind, sizeof(kind)) || !copy_frame(frames, 2, &n, sizeof(n)) ||
        n > HUB_MAX_FRAMES)
        return false;
    if (n > 0 && !copy_frame(frames, 3, &value, sizeof(value)))
        return false;
    if (!copy_text(frames, 3 + n, text->address) || !copy_text(frames, 4 + n, text->other_address))
        return false;
    *ret_event = (struct event){.kind = kind,
                                .value = value,
                                .address = text->address,
                                .other_address = text->other_address};
    return true;
}

static struct registry_socket *find_socket(struct hub_frames *frames)
{
    struct hub_id id;
    if (!copy_frame(frames, 0, &id, sizeof(id)) || id.tag != HUB_ID_TAG)
        return NULL;
    struct registry_socket *socket = hub_socket_at(id.index);
    bool is_its = socket && hub_entry_of(socket)->ticket == id.ticket && id.ticket != 0;
    return is_its ? socket : NULL;
}

static void process_event(struct hub *hub, struct hub_frames *frames)
{
    struct text text;
    struct event event;
    struct registry_socket *socket = find_socket(frames);
    if (!socket)
        return;
    struct hub_entry *entry = hub_entry_of(socket);
    if (!(entry->version == 1 ? decode_1 : decode_2)(frames, &text, &event))
        return;

    registry_lock_inside();
    events_count(socket, &event);
    registry_unlock_inside();

    if (entry->forwarder.socket && (entry->forwarder.mask & event.kind))
        hub_forwarder_send(&entry->forwarder, frames);
    if (event.kind == ZMQ_EVENT_MONITOR_STOPPED)
        hub_finish_entry(hub, socket);
}

bool hub_read(struct hub *hub, size_t n)
{
    struct hub_frames frames;
    for (size_t i = 0; i < n; i++) {
        if (!hub->consumer)
            return false;
        if (receive(hub, &frames) < 0) {
            if (errno == ETERM) /* ended past our hooks, and waits for this socket of ours */
                hub_close(hub);
            return false;
        }
        process_event(hub, &frames);
        close_frames(&frames);
    }
    return true;
}
