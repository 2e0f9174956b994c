/* SPDX-License-Identifier: MPL-2.0 */
/* event_frame - the first frame of an event of version 1: kind in 16 bits and value in 32, without
 * padding (socket_base.cpp, monitor_event, 4.2.5 to 4.3.5). */
#ifndef TAP_EVENT_FRAME_H
#define TAP_EVENT_FRAME_H

#include "tap/ground/library.h"

#include <string.h>

/* False, and nothing set: the frame is of another size. */
static inline bool event_frame_decode(const struct library *library, struct tap_message *frame,
                                      uint64_t *ret_kind, uint64_t *ret_value)
{
    uint16_t kind;
    uint32_t value;
    if (library->msg_size(frame) != sizeof(kind) + sizeof(value))
        return false;
    const unsigned char *bytes = library->msg_data(frame);
    memcpy(&kind, bytes, sizeof(kind));
    memcpy(&value, bytes + sizeof(kind), sizeof(value));
    *ret_kind = kind;
    *ret_value = value;
    return true;
}

#endif
