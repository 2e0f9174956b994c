/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_proxied - what is not known of sockets that were inside zmq_proxy.
 *
 * No hook sees what moves there. Messages are counted from queues' accounts; what the accounts do
 * not tell is left out wherever such a socket is part of the sum, for the sum would lack it.
 */
#ifndef COLLECTORS_TAP_TAP_PROXIED_H
#define COLLECTORS_TAP_TAP_PROXIED_H

#include <stdbool.h>
#include <stdint.h>

/* Whether counter `word` of sockets of `type`, proxied, is not known. */
bool tap_proxied_hides(uint32_t type, unsigned word, bool is_queue_depth_known);

#endif
