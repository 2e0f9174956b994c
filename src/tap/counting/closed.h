/* SPDX-License-Identifier: MPL-2.0 */
/*
 * closed - calls with a socket that another thread has closed since their hook found it.
 *
 * The call is passed to libzmq, which mostly fails it with ENOTSOCK; the tap counts nothing.
 *
 * Thread: any.
 */
#ifndef TAP_CLOSED_H
#define TAP_CLOSED_H

#include "tap/ground/library.h"

int closed_send(void *handle, const void *buffer, size_t size, int flags);
int closed_msg_send(struct tap_message *message, void *handle, int flags);
int closed_receive(void *handle, void *buffer, size_t size, int flags);
int closed_msg_receive(struct tap_message *message, void *handle, int flags);

#endif
