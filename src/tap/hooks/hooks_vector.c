/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: zmq_send_const and the two functions of the iovec are done here as libzmq does them
 * (zmq.cpp, the same from 4.2.5 to 4.3.5), of the functions on zmq_msg_t: so that it is known how
 * many frames of an iovec went before one failed, and that each goes where the socket's own
 * messages go.
 */
#include "tap/hooks/hooks.h"

#include <stdlib.h>
#include <string.h>

static void close_keeping_errno(const struct library *library, struct tap_message *message)
{
    int error = errno;
    library->msg_close(message);
    errno = error;
}

int zmq_send_const(void *handle, const void *buffer, size_t size, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot)
        return HOOK_PASS_SOCKET(handle, HOOK_CALLER, send_const, -1, handle, buffer, size, flags);
    const struct library *library = slot->socket->library;
    struct tap_message message;
    if (library->msg_init_data(&message, (void *)(uintptr_t)buffer, size, NULL, NULL) != 0)
        return -1;
    int rc = hooks_msg_send(&message, handle, flags, HOOK_CALLER);
    if (rc < 0)
        close_keeping_errno(library, &message);
    return rc;
}

int zmq_sendiov(void *handle, struct iovec *frames, size_t n, int flags)
{
    const struct registry_slot *slot = registry_find(handle);
    if (!slot || n == 0 || !frames)
        return HOOK_PASS_SOCKET(handle, HOOK_CALLER, sendiov, -1, handle, frames, n, flags);

    const struct library *library = slot->socket->library;
    int rc = 0;
    for (size_t i = 0; i < n && rc >= 0; i++) {
        struct tap_message message;
        if (library->msg_init_size(&message, frames[i].iov_len) != 0)
            return -1;
        if (frames[i].iov_len > 0)
            memcpy(library->msg_data(&message), frames[i].iov_base, frames[i].iov_len);
        if (i == n - 1)
            flags &= ~ZMQ_SNDMORE;
        rc = hooks_msg_send(&message, handle, flags, HOOK_CALLER);
        if (rc < 0)
            close_keeping_errno(library, &message);
    }
    return rc;
}

/* The program frees the frames with free(3), as with libzmq. Returns the more flag, or -1. */
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
    if (!slot || !n || *n == 0 || !frames)
        return HOOK_PASS_SOCKET(handle, HOOK_CALLER, recviov, -1, handle, frames, n, flags);

    const struct library *library = slot->socket->library;
    size_t room = *n;
    int more = 1;
    *n = 0;
    while (more && *n < room) {
        struct tap_message message;
        library->msg_init(&message);
        int rc = hooks_msg_receive(&message, handle, flags, HOOK_CALLER);
        more = rc < 0 ? -1 : take_frame(library, &message, &frames[*n]);
        close_keeping_errno(library, &message);
        if (more < 0)
            return -1;
        ++*n;
    }
    return (int)*n;
}
