/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_proxied.h"

#include "collectors/tap/tap_types.h"
#include "segment/segment_layout.h"

bool tap_proxied_hides(uint32_t type, unsigned word, bool is_queue_depth_known)
{
    switch (word) {
    case SEGMENT_SENT_MESSAGES:
        return !is_queue_depth_known || (tap_type_traits(type) & TAP_TYPE_SENDS_SUBSCRIPTIONS);
    case SEGMENT_RECEIVED_MESSAGES:
        return !is_queue_depth_known || (tap_type_traits(type) & TAP_TYPE_PUBLISHES);
    case SEGMENT_SENT_BYTES:
    case SEGMENT_RECEIVED_BYTES:
    case SEGMENT_SEND_BLOCKED_NS:
    case SEGMENT_SEND_BLOCKED_NO_PEER_NS:
    case SEGMENT_RECEIVE_BLOCKED_NS:
    case SEGMENT_DROPPED_HWM:
    case SEGMENT_DROPPED_UNROUTABLE:
        return true;
    default:
        return false;
    }
}
