/* SPDX-License-Identifier: MPL-2.0 */
/* monitor_request - what the program asks for with zmq_socket_monitor or its versioned form. */
#ifndef TAP_MONITOR_REQUEST_H
#define TAP_MONITOR_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct monitor_request {
    const char *address; /* NULL ends its monitor */
    uint64_t events;
    int version;
    int type;
    bool is_versioned;
};

#endif
