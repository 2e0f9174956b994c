/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_unseen - what is not known of sockets whose messages pass no hook.
 *
 * Those inside zmq_proxy, and those that a program attaches itself (zmqtap.h). Their messages are
 * counted from queues' accounts; what the accounts do not tell is left out wherever such a socket
 * is part of the sum, for the sum would lack it. segment_counters.h says what that is.
 */
#ifndef COLLECTORS_TAP_TAP_UNSEEN_H
#define COLLECTORS_TAP_TAP_UNSEEN_H

#include <stdbool.h>
#include <stdint.h>

/* Of some sockets together. */
struct tap_unseen {
    uint32_t type;
    bool is_proxied, is_attached; /* one of them was */
    bool is_queue_depth_known;
};

/* Whether counter `word` is not known of them. */
bool tap_unseen_hides(const struct tap_unseen *self, unsigned word);

#endif
