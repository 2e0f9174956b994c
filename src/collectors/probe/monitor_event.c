/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/monitor_event.h"

#include <string.h>

bool monitor_event_decode(const void *frame, size_t size, struct monitor_event *ret)
{
    if (size != MONITOR_EVENT_SIZE)
        return false;
    memcpy(&ret->event, frame, sizeof(ret->event));
    memcpy(&ret->value, (const char *)frame + sizeof(ret->event), sizeof(ret->value));
    return true;
}
