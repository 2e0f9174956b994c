/* SPDX-License-Identifier: MPL-2.0 */
/*
 * registry - the sockets and contexts of the program that the tap knows.
 *
 * A socket is found by its handle in a table of fixed size, without a lock: all that the message
 * path needs is in one place, the *slot*: the words to count in, the functions to call, and what
 * a call keeps. What is needed less often is in the *socket* behind it, which outlives the handle
 * until the last event of its monitor has come.
 *
 * The registry knows no other part: it is given the functions of a slot (registry_start), and what
 * a part keeps for a socket is in an array of the part's own, by the socket's index.
 *
 * Thread:  registry_find and the words of a slot: the thread that uses the socket. All else with
 *          the registry's lock (registry_lock), which is held for a few lines at a time and never
 *          around a call into libzmq, the dynamic linker or the file system.
 * Limits:  SEGMENT_MAX_LANES sockets, REGISTRY_MAX_CONTEXTS contexts. What is beyond is passed
 *          through and counted in header.untracked_sockets.
 */
#ifndef TAP_REGISTRY_H
#define TAP_REGISTRY_H

#include "segment/segment_table.h"
#include "tap/ground/guard.h"
#include "tap/ground/library.h"

#define REGISTRY_N_SLOTS      16384u /* a power of two, twice the sockets */
#define REGISTRY_MAX_PROBES   128u
#define REGISTRY_MAX_SOCKETS  SEGMENT_MAX_LANES
#define REGISTRY_MAX_CONTEXTS 256u
#define REGISTRY_NO_INDEX     UINT32_MAX

struct registry_context {
    void *handle; /* NULL: the entry is free */
    struct library *library;
    uint32_t index;         /* of this entry */
    uint32_t serial;        /* unlike that of the entry's earlier contexts */
    uint32_t segment_index; /* in header.contexts, or REGISTRY_NO_INDEX */
    uint32_t n_sockets;     /* of the program, open */
    int max_sockets;        /* as the program set it */
    int n_io_threads;       /* when the first socket was made: later changes have no effect */
    int limit;              /* the same when the first socket was made: libzmq keeps to that */
    bool is_limited;        /* max_sockets is the tap's to answer, and not libzmq's: see limits.h */
    bool has_headroom;      /* libzmq was given a higher limit, the tap keeps to the program's */
    bool has_untracked;     /* so n_sockets is not all */
    bool has_started;       /* a socket was made */
    bool is_attached;       /* known by its attached sockets alone: no hook sees it */
    bool is_ending;         /* shut down or being terminated */
};

struct registry_slot;

struct registry_socket {
    struct registry_slot *slot; /* NULL once the program has closed it */
    void *handle;               /* valid while slot is */
    struct registry_context *context;
    struct library *library;
    uint64_t *words; /* of its lane; the slot's are these, unless it is_shared or is_attached */
    uint32_t index;  /* of this entry */
    uint32_t serial;
    uint32_t lane;
    int type;
    uint32_t next_free;
    uint64_t n_sent_before, n_received_before; /* in the lane, when the socket got it */
    bool is_used;
    bool is_placed;   /* in the group of its first endpoint */
    bool is_attached; /* no hook sees it: see zmqtap.h */
    bool is_shared;   /* several threads may use it: see message_shared.h */
};

/* What the program has set on a socket, with success. */
struct registry_option {
    int number;
    const void *value;
    size_t size;
};

/* What a hook on the message path calls: libzmq's own parameters, and the slot. */
typedef int registry_send_hook(void *handle, const void *buffer, size_t size, int flags,
                               struct registry_slot *slot);
typedef int registry_msg_send_hook(struct tap_message *message, void *handle, int flags,
                                   struct registry_slot *slot);

/* How the next frame is to be sent; all zero in the middle of a message, where none waits. */
struct registry_frame {
    int wait_flags;       /* ZMQ_DONTWAIT where it could wait, which it then does under a clock */
    uint32_t whole_below; /* a call with flags below sends a whole message */
};

/* The first cache line is what a send needs, with the next one for the call's arguments and for a
 * receive; the third is for publishers and routers. A slot that was never used is all zero. */
struct registry_slot {
    uintptr_t key;
    uint64_t *words;
    /* What a hook does for this socket. */
    registry_send_hook *send_hook;
    registry_msg_send_hook *msg_send_hook;
    /* libzmq's own, or the tap's. */
    int (*send)(void *, const void *, size_t, int);
    int (*msg_send)(struct tap_message *, void *, int);
    struct registry_frame frame;
    struct registry_frame first_frame; /* of a message */

    /* The send that is being done. */
    struct {
        union {
            const void *content;
            struct tap_message *message;
            const int *pipe_state; /* see route.c */
        };
        size_t size;
        int flags;
        uint32_t sent_below; /* not of the call: larger frames, and failures, are unusual */
    } call;
    int (*recv)(void *, void *, size_t, int);
    int (*msg_recv)(struct tap_message *, void *, int);
    const unsigned char *more_flag; /* of the frame received last: 0 where it ends its message */
    struct registry_socket *socket;
    bool is_receiving;       /* a thread of the program is in a receive */
    uint32_t received_below; /* larger frames, and failures, are unusual: see message_count.h */

    uint32_t n_until_measured;    /* frames until publish_measure_room is called; see publish.h */
    const uintptr_t *current_out; /* this and the next: see route.h */
    bool is_within;               /* a ROUTER's message, of which the id is sent */
    unsigned char small_kind;
    uint32_t message_kind;
    uint32_t pipe_state;
} __attribute__((aligned(256)));

/* One of a slot's functions, which the tap's thread may change at any time (watched.c). The machine
 * reads an aligned pointer whole; as an atomic load it would cost an instruction more, so it is one
 * for ThreadSanitizer alone. */
#ifdef __SANITIZE_THREAD__
#define registry_function(slot, name) __atomic_load_n(&(slot)->name, __ATOMIC_RELAXED)
#else
#define registry_function(slot, name) ((slot)->name)
#endif

static_assert(offsetof(struct registry_slot, call) == 64, "one cache line");
static_assert(offsetof(struct registry_slot, n_until_measured) == 128, "and one more");

/* They and the mark after them are zero again in a child process, whatever made it, unless it
 * shares its parent's memory (MADV_WIPEONFORK): there no handle is known, so nothing is added to
 * words that the parent counts in. */
extern struct registry_slot registry_slots[] __attribute__((visibility("hidden")));

#define REGISTRY_MARK (&registry_slots[REGISTRY_N_SLOTS].key)
enum registry_mark { REGISTRY_UNCLAIMED = 0, REGISTRY_CLAIMED = 1, REGISTRY_BEING_CLAIMED = 2 };

/* Whether what is known was entered by this process, and not by the parent of it. Before Linux 4.14
 * a child of a raw clone(2) cannot tell. */
static inline bool registry_is_own(void)
{
    return __atomic_load_n(REGISTRY_MARK, __ATOMIC_ACQUIRE) == REGISTRY_CLAIMED;
}

/* Between the two what a parent has left is forgotten. False, and nothing to end: another thread
 * has done it. */
bool registry_begin_claim(void);
void registry_end_claim(void);

/* In the handler of a fork: whether the child has claimed it before. */
bool registry_is_claimed_by_child(void);

/* Around fork(2): a signal handler may fork in the middle of a call, into which the child returns;
 * so what slots keep for a call is copied before, for registry_forked. */
void registry_begin_fork(void);
void registry_end_fork(void);

/* So that neither a free slot nor one that was freed is found by any pointer. */
static inline uintptr_t registry_key(const void *handle)
{
    return (uintptr_t)handle + 1;
}

/* Sockets that are made one after another lie at a stride, and with most factors there are strides
 * whose multiples all fall near a few slots, so that half of the sockets would find none. With this
 * one there is no such stride up to 16 KiB (tap_registry_hash_test.c looks at each). */
static inline uint32_t registry_hash(const void *handle)
{
    return ((uint32_t)(uintptr_t)handle * UINT32_C(0x11655fbd)) >> (32 - 14);
}

struct registry_slot *registry_find_further(const void *handle);

/* The slot where the handle is looked for first, or NULL if it is not there. */
static inline struct registry_slot *registry_find_first(const void *handle)
{
    struct registry_slot *slot = &registry_slots[registry_hash(handle)];
    bool is_there;
#if defined(__x86_64__) /* loads are in order there: one instruction, not two */
    __asm__("cmpq %2, %1" : "=@cce"(is_there) : "m"(slot->key), "r"(registry_key(handle)));
#else
    is_there = __atomic_load_n(&slot->key, __ATOMIC_ACQUIRE) == registry_key(handle);
#endif
    return __builtin_expect(is_there, 1) ? slot : NULL;
}

/* The slot of a socket, or NULL for a handle that is not the tap's business. */
static inline struct registry_slot *registry_find(const void *handle)
{
    return registry_find_further(handle);
}

void registry_lock(struct guard *guard);
void registry_unlock(const struct guard *guard);

/* The same where the thread is in a guard already, or is the tap's own. */
void registry_lock_inside(void);
void registry_unlock_inside(void);

/* Called with the registry's lock held. */
struct registry_callbacks {
    /* A socket has the entry: the slot's functions and its `more_flag` are to be set, and what an
     * earlier socket left in the entry is to be forgotten. */
    void (*begin)(struct registry_slot *slot);
    /* The entry is about to be free. */
    void (*end)(struct registry_socket *socket);
};

/* Once, before the first socket is opened. `table` is what lanes are taken from. */
void registry_start(struct segment_table *table, const struct registry_callbacks *callbacks);

/* Words that are never read, for what is not to be counted. */
extern uint64_t registry_nowhere[] __attribute__((visibility("hidden")));

/* Contexts. _add returns NULL when there are too many; what had the handle before has ended.
 * _remove frees what sockets are left. */
struct registry_context *registry_add_context(void *handle, struct library *library);
struct registry_context *registry_find_context(const void *handle);
void registry_remove_context(struct registry_context *context);

/* Whether any context has sockets or had: the tap's thread lives as long. */
bool registry_has_started_context(void);

/* Enters a new socket in the group of its type without endpoint. NULL when a limit is met. */
struct registry_socket *registry_open_socket(struct registry_context *context, void *handle,
                                             int type);

/* The same of one that the program attaches. */
struct registry_socket *registry_attach_socket(struct registry_context *context, void *handle,
                                               int type);

/* Gives a socket a name, which moves it to the group of its endpoint and name. */
void registry_name_socket(struct registry_socket *socket, const char *name);

/* Moves a socket to the group of its first endpoint. A socket moves so once. */
void registry_place_socket(struct registry_socket *socket, const char *endpoint);

/* The program closes it: the handle is forgotten and the lane is free for the next one. Its
 * events are still counted, until _free. */
void registry_close_socket(struct registry_socket *socket);
void registry_free_socket(struct registry_socket *socket);

/* The entry `index`, used or not; NULL beyond the last that ever was. */
struct registry_socket *registry_socket_at(uint32_t index);

/* Calls `visit` for each open socket. */
void registry_each_socket(void (*visit)(struct registry_socket *socket, void *data), void *data);

/* In a forked child: forgets everything, as if nothing had been opened. */
void registry_forked(void);

#endif
