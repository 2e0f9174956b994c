/* SPDX-License-Identifier: MPL-2.0 */
/*
 * hub_state - what the parts of hub share. For hub*.c only.
 *
 * A *hub* is what the tap has in one context; a *ticket* names one monitor of one socket in the
 * routing id of its events, so that what an earlier monitor or socket left behind is known.
 *
 * Thread: the hubs' lock is held.
 */
#ifndef TAP_HUB_STATE_H
#define TAP_HUB_STATE_H

#include "tap/events/monitor_request.h"
#include "tap/registry/registry.h"

struct hub_parcel {
    struct hub_parcel *next;
    size_t size;
    bool has_more;
    unsigned char bytes[];
};

/* The program's own monitor. Until its consumer connects, events wait in line. */
struct hub_forwarder {
    void *socket; /* NULL: the program has no monitor */
    const struct library *library;
    uint64_t mask;
    struct hub_parcel *first, *last;
    size_t n_parcels;
};

struct hub_entry {
    uint32_t ticket; /* 0: no monitor of ours */
    int version;
    bool is_closing; /* the program has closed the socket, the last event is to come */
    struct hub_forwarder forwarder;
};

struct hub {
    struct registry_context *context;
    const struct library *library;
    void *consumer;      /* NULL: none yet, or no more */
    uint32_t n_attached; /* monitors */
    uint32_t n_closing;  /* of these, of sockets that the program has closed */
    bool is_over;        /* no monitor is attached any more */
};

#define HUB_MAX_FRAMES 8

struct hub_frames {
    const struct library *library;
    struct tap_message frames[HUB_MAX_FRAMES];
    size_t n;
};

/* Frames of a routing id. */
struct hub_id {
    unsigned char tag; /* libzmq keeps ids that begin with zero for itself */
    unsigned char unused[3];
    uint32_t index;
    uint32_t ticket;
};
#define HUB_ID_TAG 'z'

extern struct lock hub_lock;
extern struct hub hubs[REGISTRY_MAX_CONTEXTS]; /* by context */
extern bool hub_has_any;                       /* else no copy of libzmq calls itself */
extern struct hub_entry *hub_entries;          /* by socket */
extern uint32_t hub_n_forwarders;

struct hub *hub_of(const struct registry_context *context);
struct hub_entry *hub_entry_of(const struct registry_socket *socket);

void hub_set_ticket(struct hub_entry *entry, uint32_t ticket);

/* NULL beyond the last that ever was. */
struct registry_socket *hub_socket_at(uint32_t index);

/* The entry's monitor has sent its last event: forwarder and entry are free. */
void hub_finish_entry(struct hub *hub, struct registry_socket *socket);

/* Closes the consumer: no event of the context's sockets is read any more. */
void hub_close(struct hub *hub);

/* Reads at most `n` events. False when there is none left. */
bool hub_read(struct hub *hub, size_t n);

int hub_forwarder_open(struct hub_forwarder *self, struct registry_context *context,
                       const struct monitor_request *request);
void hub_forwarder_send(struct hub_forwarder *self, struct hub_frames *event);
void hub_forwarder_flush(struct hub_forwarder *self);
/* Tells the program's consumer that the monitor has stopped, as libzmq does, and closes. */
void hub_forwarder_stop(struct hub_forwarder *self, int version);
void hub_forwarder_close(struct hub_forwarder *self);
/* Frees the queued events, but not the socket, which is the parent process's. */
void hub_forwarder_forget(struct hub_forwarder *self);

#endif
