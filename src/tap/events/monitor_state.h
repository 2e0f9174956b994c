/* SPDX-License-Identifier: MPL-2.0 */
/*
 * monitor_state - what the parts of monitor share. For monitor*.c only.
 *
 * A *hub* is what the tap has in one context; a *ticket* names one monitor of one socket in the
 * routing id of its events, so that what an earlier monitor or socket left behind is known.
 *
 * Thread: the monitors' lock is held.
 */
#ifndef TAP_MONITOR_STATE_H
#define TAP_MONITOR_STATE_H

#include "tap/events/monitor.h"

struct monitor_parcel {
    struct monitor_parcel *next;
    size_t size;
    bool has_more;
    unsigned char bytes[];
};

/* The program's own monitor. Until its consumer connects, events wait in line. */
struct monitor_forwarder {
    void *socket; /* NULL: the program has no monitor */
    const struct library *library;
    int fd;
    uint64_t mask;
    struct monitor_parcel *first, *last;
    size_t n_parcels;
};

struct monitor_entry {
    uint32_t ticket; /* 0: no monitor of ours */
    int version;
    bool is_closing; /* the program has closed the socket, the last event is to come */
    struct monitor_forwarder forwarder;
};

struct monitor_hub {
    struct registry_context *context;
    const struct library *library;
    void *consumer; /* NULL: none yet, or no more */
    int fd;
    uint32_t n_attached; /* monitors */
    uint32_t n_closing;  /* of these, of sockets that the program has closed */
    bool is_over;        /* no monitor is attached any more */
    bool is_waited;      /* a thread of the program reads it: the tap's thread does not */
};

#define MONITOR_MAX_FRAMES 8

struct monitor_frames {
    const struct library *library;
    struct tap_message frames[MONITOR_MAX_FRAMES];
    size_t n;
};

/* Frames of a routing id. */
struct monitor_id {
    unsigned char tag; /* libzmq keeps ids that begin with zero for itself */
    unsigned char unused[3];
    uint32_t index;
    uint32_t ticket;
};
#define MONITOR_ID_TAG 'z'

extern struct lock monitor_lock;
extern struct monitor_hub monitor_hubs[REGISTRY_MAX_CONTEXTS];     /* by context */
extern struct monitor_entry monitor_entries[REGISTRY_MAX_SOCKETS]; /* by socket */
extern uint32_t monitor_n_pending; /* forwarders with events in line */

struct monitor_hub *monitor_hub_of(const struct registry_context *context);
struct monitor_entry *monitor_entry_of(const struct registry_socket *socket);

/* The entry's monitor has told its last: forwarder and entry are free. */
void monitor_finish_entry(struct monitor_hub *hub, struct registry_socket *socket);

/* Closes the consumer; the context's sockets are past telling. */
void monitor_close_hub(struct monitor_hub *hub);

/* Reads at most `n` events. False when there is none left. */
bool monitor_read(struct monitor_hub *hub, size_t n);

int monitor_forwarder_open(struct monitor_forwarder *self, struct registry_context *context,
                           const struct monitor_request *request);
void monitor_forwarder_send(struct monitor_forwarder *self, struct monitor_frames *event);
void monitor_forwarder_flush(struct monitor_forwarder *self);
/* Tells the program's consumer that the monitor has stopped, as libzmq does, and closes. */
void monitor_forwarder_stop(struct monitor_forwarder *self, int version);
void monitor_forwarder_close(struct monitor_forwarder *self);
/* Frees what is in line, and leaves the socket: it is the parent process's. */
void monitor_forwarder_forget(struct monitor_forwarder *self);

#endif
