/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_layout.h"

#include "queues/mailbox.h"
#include "queues/pipe_bytes.h"

#include <pthread.h>
#include <string.h>

/* In a pipe, from the pointer to its peer (pipe.hpp, 4.2.2 to master). */
#define IN_QUEUE_BEFORE       64u
#define OUT_QUEUE_BEFORE      56u
#define IS_WRITABLE_BEFORE    47u
#define HWM_BEFORE            44u
#define LWM_BEFORE            40u
#define N_READ_BEFORE         24u
#define N_WRITTEN_BEFORE      16u
#define N_READ_BY_PEER_BEFORE 8u
#define SINK_AFTER            8u
#define STATE_AFTER           16u
#define MAX_STATE             5u

/* In a mailbox: the queue of commands, an object of its own; in that its chunks (mailbox.hpp,
 * ypipe.hpp, yqueue.hpp). The number of a command that binds (command.hpp). */
#define MAILBOX_PIPE  PIPE_POINTER
#define MAILBOX_QUEUE (2 * PIPE_POINTER)
#define COMMAND_BIND  4u
#define COMMAND_PIPE  (2 * PIPE_POINTER)

/* In a conflating queue: two messages, a pointer to each, a mutex with its attributes, then the
 * flag (dbuffer.hpp, mutex.hpp). */
#define MESSAGE_BYTES  64u
#define QUEUE_POINTERS (PIPE_POINTER + 2 * MESSAGE_BYTES)
#define ROUND_UP(size) (((uint32_t)(size) + 7u) & ~7u)
#define MUTEX_BYTES    ROUND_UP(sizeof(pthread_mutex_t) + sizeof(pthread_mutexattr_t))
#define HAS_MESSAGE    (QUEUE_POINTERS + 2 * PIPE_POINTER + MUTEX_BYTES)

#define MAX_STRING        4096u
#define ENDPOINT_DISTANCE 256u /* at most, after the vector of pipes */
#define CONTEXT_REST      512u
#define MAX_IO_THREADS    1024u

static uintptr_t first_word(struct peek_target *target, uintptr_t object)
{
    uintptr_t word = 0;
    if (object == 0 || object % PIPE_POINTER != 0 ||
        !peek_target_read(target, object, &word, sizeof(word)))
        return 0;
    return word;
}

static bool is_mailbox(const struct peek_layout *self, struct peek_target *target,
                       uintptr_t mailbox)
{
    uintptr_t vtable = first_word(target, mailbox);
    return vtable != 0 && (vtable == self->classes.vtables[PEEK_CLASS_MAILBOX] ||
                           vtable == self->classes.vtables[PEEK_CLASS_SAFE_MAILBOX]);
}

/* Reads as much of an object of unknown size as is there. */
static size_t read_object(struct peek_target *target, uintptr_t object, unsigned char *to,
                          size_t size)
{
    while (size > 0 && !peek_target_read(target, object, to, size)) {
        size_t last = (object + size) % PEEK_PAGE;
        size_t cut = last ? last : PEEK_PAGE;
        size = size > cut ? size - cut : 0;
    }
    return size;
}

static bool is_tag(const unsigned char *bytes, uint32_t offset)
{
    uint32_t tag = pipe_u32_at(bytes, offset);
    return tag == PEEK_SOCKET_LIVE || tag == PEEK_SOCKET_CLOSED;
}

/* A tag, then the mailbox, then the vector of pipes. */
static bool find_tag(struct peek_layout *self, struct peek_target *target,
                     const unsigned char *bytes, size_t size)
{
    for (uint32_t i = PEEK_SOCKET_OPTIONS; i + 5 * PIPE_POINTER <= size; i += PIPE_POINTER) {
        if (!is_tag(bytes, i) ||
            !is_mailbox(self, target, pipe_pointer_at(bytes, i + PIPE_POINTER)))
            continue;
        self->tag = i;
        self->pipes.mailbox.mailbox = i + PIPE_POINTER;
        self->pipes.pipes = i + 2 * PIPE_POINTER;
        return true;
    }
    return false;
}

static bool is_text(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

bool peek_layout_read_string(struct peek_target *target, uintptr_t address, char *ret_text,
                             size_t size)
{
    unsigned char bytes[PEEK_STRING_BYTES];
    if (!peek_target_read(target, address, bytes, sizeof(bytes)))
        return false;
    uintptr_t text = pipe_pointer_at(bytes, 0), length = pipe_pointer_at(bytes, PIPE_POINTER);
    bool is_inside = text == address + 2 * PIPE_POINTER;
    if ((is_inside && length >= 2 * PIPE_POINTER) || length > MAX_STRING || text == 0 ||
        (!is_inside && (length == 0 || length > pipe_pointer_at(bytes, 2 * PIPE_POINTER))))
        return false;
    size_t n = length < size - 1 ? length : size - 1;
    if (n > 0 && !peek_target_read(target, text, ret_text, n))
        return false;
    ret_text[n] = '\0';
    return strlen(ret_text) == n && is_text(ret_text);
}

/* The first string after the pipes that is empty or an endpoint. */
static void find_endpoint(struct peek_layout *self, struct peek_target *target, uintptr_t socket)
{
    char text[64];
    uint32_t first = self->pipes.pipes + 3 * PIPE_POINTER;
    for (uint32_t i = first; i < first + ENDPOINT_DISTANCE && self->endpoint == 0;
         i += PIPE_POINTER) {
        if (peek_layout_read_string(target, socket + i, text, sizeof(text)) &&
            (*text == '\0' || strstr(text, "://")))
            self->endpoint = i;
    }
}

/* The mailbox's parts are where they are if its queue is of the class that it must be. */
static void find_mailbox(struct peek_layout *self, struct peek_target *target, uintptr_t socket)
{
    struct mailbox_layout *layout = &self->pipes.mailbox;
    uintptr_t mailbox, queue;
    if (!peek_target_read(target, socket + layout->mailbox, &mailbox, sizeof(mailbox)) ||
        first_word(target, mailbox) != self->classes.vtables[PEEK_CLASS_MAILBOX] ||
        !peek_target_read(target, mailbox + MAILBOX_PIPE, &queue, sizeof(queue)) || queue == 0 ||
        queue != self->classes.vtables[PEEK_CLASS_COMMAND_QUEUE])
        return;
    layout->vtable = self->classes.vtables[PEEK_CLASS_MAILBOX];
    layout->queue = MAILBOX_QUEUE;
    layout->bind = COMMAND_BIND;
    layout->pipe = COMMAND_PIPE;
}

bool peek_layout_add_socket(struct peek_layout *self, struct peek_target *target,
                            const struct peek_context *context, uintptr_t socket)
{
    unsigned char bytes[PEEK_SOCKET_BYTES];
    if (self->has_socket)
        return true;
    size_t size = read_object(target, socket, bytes, sizeof(bytes));
    if (size < PEEK_SOCKET_OPTIONS ||
        pipe_pointer_at(bytes, PEEK_SOCKET_CONTEXT) != context->address ||
        !find_tag(self, target, bytes, size))
        return false;
    self->pipes.context = PEEK_SOCKET_CONTEXT;
    self->pipes.owner = PEEK_SOCKET_OWNER;
    find_endpoint(self, target, socket);
    find_mailbox(self, target, socket);
    self->has_socket = true;
    return true;
}

/*
 * Pipes
 */
static bool is_queue(const struct peek_layout *self, struct peek_target *target, uintptr_t queue)
{
    uintptr_t vtable = first_word(target, queue);
    return vtable != 0 && (vtable == self->classes.vtables[PEEK_CLASS_PLAIN_QUEUE] ||
                           vtable == self->classes.vtables[PEEK_CLASS_CONFLATING_QUEUE]);
}

/* Both ends hold what they must at the places that follow from the peer's. */
static bool agrees(const struct peek_layout *self, struct peek_target *target,
                   const unsigned char *pipe, const unsigned char *peer, uint32_t offset)
{
    uintptr_t in = pipe_pointer_at(pipe, offset - IN_QUEUE_BEFORE);
    uintptr_t out = pipe_pointer_at(pipe, offset - OUT_QUEUE_BEFORE);
    return in == pipe_pointer_at(peer, offset - OUT_QUEUE_BEFORE) &&
           out == pipe_pointer_at(peer, offset - IN_QUEUE_BEFORE) && is_queue(self, target, in) &&
           is_queue(self, target, out) && pipe[offset - IS_WRITABLE_BEFORE] <= 1 &&
           pipe_u32_at(pipe, offset + STATE_AFTER) <= MAX_STATE &&
           pipe_u32_at(peer, offset + STATE_AFTER) <= MAX_STATE &&
           pipe_u64_at(pipe, offset - N_READ_BY_PEER_BEFORE) <=
               pipe_u64_at(pipe, offset - N_WRITTEN_BEFORE);
}

static uint32_t find_peer(const struct peek_layout *self, struct peek_target *target,
                          uintptr_t address)
{
    unsigned char pipe[PIPE_BYTES], peer[PIPE_BYTES];
    if (first_word(target, address) != self->classes.vtables[PEEK_CLASS_PIPE] ||
        !peek_target_read(target, address, pipe, sizeof(pipe)))
        return 0;
    for (uint32_t i = IN_QUEUE_BEFORE; i + STATE_AFTER + 4 <= PIPE_BYTES; i += PIPE_POINTER) {
        uintptr_t other = pipe_pointer_at(pipe, i);
        if (other == address || first_word(target, other) != pipe_pointer_at(pipe, 0) ||
            !peek_target_read(target, other, peer, sizeof(peer)) ||
            pipe_pointer_at(peer, i) != address || !agrees(self, target, pipe, peer, i))
            continue;
        return i;
    }
    return 0;
}

bool peek_layout_add_pipe(struct peek_layout *self, struct peek_target *target, uintptr_t pipe)
{
    struct pipe_layout *layout = &self->pipes;
    if (layout->is_known)
        return true;
    uint32_t peer = find_peer(self, target, pipe);
    if (peer == 0)
        return false;
    layout->peer = peer;
    layout->in_queue = peer - IN_QUEUE_BEFORE;
    layout->out_queue = peer - OUT_QUEUE_BEFORE;
    layout->is_writable = peer - IS_WRITABLE_BEFORE;
    layout->hwm = peer - HWM_BEFORE;
    layout->lwm = peer - LWM_BEFORE;
    layout->n_read = peer - N_READ_BEFORE;
    layout->n_written = peer - N_WRITTEN_BEFORE;
    layout->n_read_by_peer = peer - N_READ_BY_PEER_BEFORE;
    layout->sink = peer + SINK_AFTER;
    layout->state = peer + STATE_AFTER;
    layout->pipe_size = layout->state + 4;
    layout->pipe_vtable = self->classes.vtables[PEEK_CLASS_PIPE];
    layout->conflating_vtable = self->classes.vtables[PEEK_CLASS_CONFLATING_QUEUE];
    layout->has_message = HAS_MESSAGE;
    layout->is_known = true;
    return true;
}

/*
 * Contexts
 */
static int count_in_vector(const struct peek_layout *self, struct peek_target *target,
                           uintptr_t begin, uintptr_t end)
{
    uintptr_t n = (end - begin) / PIPE_POINTER, thread;
    if (end <= begin || (end - begin) % PIPE_POINTER != 0 || n > MAX_IO_THREADS)
        return -1;
    if (!peek_target_read(target, begin, &thread, sizeof(thread)) ||
        first_word(target, thread) != self->classes.vtables[PEEK_CLASS_IO_THREAD])
        return -1;
    return (int)n;
}

int peek_layout_count_io_threads(const struct peek_layout *self, struct peek_target *target,
                                 const struct peek_context *context)
{
    unsigned char bytes[CONTEXT_REST];
    size_t size = read_object(target, context->address + context->sockets, bytes, sizeof(bytes));
    for (uint32_t i = 3 * PIPE_POINTER; i + 3 * PIPE_POINTER <= size; i += PIPE_POINTER) {
        int n = count_in_vector(self, target, pipe_pointer_at(bytes, i),
                                pipe_pointer_at(bytes, i + PIPE_POINTER));
        if (n > 0)
            return n;
    }
    return -1;
}
