/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/hooks/message.h"

#include "tap/registry.h"

#include <string.h>

/*
 * Receives for a library whose more flag is not found: the flag is taken from the message. zmq_recv
 * is done as libzmq does it (zmq.cpp, the same from 4.2.5 to 4.3.5), for it leaves no message.
 */
static int receive_asking(struct tap_message *message, void *handle, int flags)
{
    struct registry_socket *socket = registry_find(handle)->socket;
    int rc = socket->library->msg_recv(message, handle, flags);
    if (rc >= 0)
        socket->more_flag = socket->library->msg_more(message) != 0;
    return rc;
}

static int receive_buffer_asking(void *handle, void *buffer, size_t size, int flags)
{
    const struct library *library = registry_find(handle)->socket->library;
    struct tap_message message;
    library->msg_init(&message);
    int rc = receive_asking(&message, handle, flags);
    int error = errno;
    size_t n = rc > 0 ? (size_t)rc : 0;
    if (n > 0 && size > 0)
        memcpy(buffer, library->msg_data(&message), n < size ? n : size);
    library->msg_close(&message);
    errno = error;
    return rc;
}

void message_fill_slot(struct registry_slot *slot)
{
    struct registry_socket *socket = slot->socket;
    const struct library *library = socket->library;
    slot->send = library->send;
    slot->msg_send = library->msg_send;
    if (library->more_flag) {
        slot->recv = library->recv;
        slot->msg_recv = library->msg_recv;
        slot->more_flag = (const unsigned char *)socket->handle + library->more_flag;
    } else {
        slot->recv = receive_buffer_asking;
        slot->msg_recv = receive_asking;
        slot->more_flag = &socket->more_flag;
    }
}
