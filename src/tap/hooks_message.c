/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: this is the message path. On a socket that the tap knows, a hook costs one look at the
 * table, the call, and one addition for bytes and one for a whole message: no lock, no allocation,
 * no system call, no clock. The words have one writer, the thread that uses the socket, as libzmq
 * asks of a program anyway.
 *
 * zmq_recv and the two of the iovec are done here as libzmq does them (zmq.cpp, the same from
 * 4.2.5 to 4.3.5), of the functions on zmq_msg_t: only so the more flag of each frame is seen
 * without another call on the socket, and only so it is known how many frames of an iovec went.
 */
#include "tap/hooks.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void count_sent(uint64_t *words, size_t size, int flags)
{
    segment_word_add(&words[SEGMENT_SENT_BYTES], size);
    if (!(flags & ZMQ_SNDMORE))
        segment_word_add(&words[SEGMENT_SENT_MESSAGES], 1);
}

static void count_received(uint64_t *words, size_t size, int more)
{
    segment_word_add(&words[SEGMENT_RECEIVED_BYTES], size);
    if (!more)
        segment_word_add(&words[SEGMENT_RECEIVED_MESSAGES], 1);
}

/* Both are given the result to return, so that their callers end in a jump. */
static __attribute__((noinline, cold)) int send_failed(const struct registry_slot *slot, int rc)
{
    if (errno == EAGAIN)
        segment_word_add(&slot->words[SEGMENT_SEND_WOULD_BLOCK], 1);
    return rc;
}

static __attribute__((noinline, cold)) int receive_failed(const struct registry_slot *slot, int rc)
{
    if (errno == EAGAIN)
        segment_word_add(&slot->words[SEGMENT_RECEIVE_WOULD_BLOCK], 1);
    return rc;
}

static int send_on(const struct registry_slot *slot, struct tap_message *message, void *handle,
                   int flags)
{
    int rc = slot->msg_send(message, handle, flags);
    if (HOOK_UNLIKELY(rc < 0))
        return send_failed(slot, rc);
    count_sent(slot->words, (size_t)rc, flags);
    return rc;
}

static int receive_on(const struct registry_slot *slot, struct tap_message *message, void *handle,
                      int flags)
{
    int rc = slot->msg_recv(message, handle, flags);
    if (HOOK_UNLIKELY(rc < 0))
        return receive_failed(slot, rc);
    count_received(slot->words, (size_t)rc, slot->msg_more(message));
    return rc;
}

static __attribute__((noinline, cold)) int send_unknown(void *handle, const void *buffer,
                                                        size_t size, int flags, const void *caller)
{
    return HOOK_PASS(caller, send, -1, handle, buffer, size, flags);
}

int zmq_send(void *handle, const void *buffer, size_t size, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot))
        return send_unknown(handle, buffer, size, flags, HOOK_CALLER);
    int rc = slot->send(handle, buffer, size, flags);
    if (HOOK_UNLIKELY(rc < 0))
        return send_failed(slot, rc);
    count_sent(slot->words, size, flags);
    return rc;
}

int zmq_send_const(void *handle, const void *buffer, size_t size, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot))
        return HOOK_PASS(HOOK_CALLER, send_const, -1, handle, buffer, size, flags);
    int rc = slot->library->send_const(handle, buffer, size, flags);
    if (HOOK_UNLIKELY(rc < 0))
        return send_failed(slot, rc);
    count_sent(slot->words, size, flags);
    return rc;
}

static __attribute__((noinline, cold)) int send_unknown_message(zmq_msg_t *message, void *handle,
                                                                int flags, const void *caller)
{
    return HOOK_PASS(caller, msg_send, -1, (struct tap_message *)message, handle, flags);
}

int zmq_msg_send(zmq_msg_t *message, void *handle, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot))
        return send_unknown_message(message, handle, flags, HOOK_CALLER);
    return send_on(slot, (struct tap_message *)message, handle, flags);
}

/* In libzmq this one calls zmq_msg_send by its exported name; here it does not come twice. */
int zmq_sendmsg(void *handle, zmq_msg_t *message, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot))
        return send_unknown_message(message, handle, flags, HOOK_CALLER);
    return send_on(slot, (struct tap_message *)message, handle, flags);
}

static __attribute__((noinline, cold)) int receive_unknown_message(zmq_msg_t *message, void *handle,
                                                                   int flags, const void *caller)
{
    return HOOK_PASS(caller, msg_recv, -1, (struct tap_message *)message, handle, flags);
}

int zmq_msg_recv(zmq_msg_t *message, void *handle, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot))
        return receive_unknown_message(message, handle, flags, HOOK_CALLER);
    return receive_on(slot, (struct tap_message *)message, handle, flags);
}

int zmq_recvmsg(void *handle, zmq_msg_t *message, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot))
        return receive_unknown_message(message, handle, flags, HOOK_CALLER);
    return receive_on(slot, (struct tap_message *)message, handle, flags);
}

static void close_keeping_errno(const struct library *library, struct tap_message *message)
{
    int error = errno;
    library->msg_close(message);
    errno = error;
}

static __attribute__((noinline, cold)) int receive_unknown(void *handle, void *buffer, size_t size,
                                                           int flags, const void *caller)
{
    return HOOK_PASS(caller, recv, -1, handle, buffer, size, flags);
}

/* The canary would cost more than the rest of the hook; nothing is written into the message here
 * but by libzmq, which is given its whole size. */
__attribute__((no_stack_protector)) int zmq_recv(void *handle, void *buffer, size_t size, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot))
        return receive_unknown(handle, buffer, size, flags, HOOK_CALLER);

    const struct library *library = slot->library;
    struct tap_message message;
    library->msg_init(&message);
    int rc = receive_on(slot, &message, handle, flags);
    if (HOOK_LIKELY(rc >= 0)) {
        size_t n = (size_t)rc < size ? (size_t)rc : size;
        if (n > 0)
            memcpy(buffer, library->msg_data(&message), n);
        library->msg_close(&message);
        return rc;
    }
    close_keeping_errno(library, &message);
    return rc;
}

int zmq_sendiov(void *handle, struct iovec *frames, size_t n, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot || n == 0 || !frames))
        return HOOK_PASS(HOOK_CALLER, sendiov, -1, handle, frames, n, flags);

    const struct library *library = slot->library;
    int rc = 0;
    for (size_t i = 0; i < n && rc >= 0; i++) {
        struct tap_message message;
        if (library->msg_init_size(&message, frames[i].iov_len) != 0)
            return -1;
        if (frames[i].iov_len > 0)
            memcpy(library->msg_data(&message), frames[i].iov_base, frames[i].iov_len);
        if (i == n - 1)
            flags &= ~ZMQ_SNDMORE;
        rc = send_on(slot, &message, handle, flags);
        if (rc < 0)
            close_keeping_errno(library, &message);
    }
    return rc;
}

/* The program frees the frames with free(3), as with libzmq. */
static int take_frame(const struct library *library, struct tap_message *message,
                      struct iovec *frame)
{
    frame->iov_len = library->msg_size(message);
    frame->iov_base = malloc(frame->iov_len);
    if (!frame->iov_base) {
        errno = ENOMEM;
        return -1;
    }
    memcpy(frame->iov_base, library->msg_data(message), frame->iov_len);
    return library->msg_more(message);
}

int zmq_recviov(void *handle, struct iovec *frames, size_t *n, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (HOOK_UNLIKELY(!slot || !n || *n == 0 || !frames))
        return HOOK_PASS(HOOK_CALLER, recviov, -1, handle, frames, n, flags);

    const struct library *library = slot->library;
    size_t room = *n;
    int more = 1;
    *n = 0;
    while (more && *n < room) {
        struct tap_message message;
        library->msg_init(&message);
        int rc = receive_on(slot, &message, handle, flags);
        more = rc < 0 ? -1 : take_frame(library, &message, &frames[*n]);
        close_keeping_errno(library, &message);
        if (more < 0)
            return -1;
        ++*n;
    }
    return (int)*n;
}
