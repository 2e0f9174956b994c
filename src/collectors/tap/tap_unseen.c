/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_unseen.h"

#include "collectors/tap/tap_types.h"
#include "segment/segment_layout.h"

static bool hides_sent(const struct tap_unseen *self)
{
    unsigned traits = tap_type_traits(self->type);
    return !self->is_queue_depth_known || (traits & TAP_TYPE_SENDS_SUBSCRIPTIONS) ||
           (self->is_attached && (traits & TAP_TYPE_PUBLISHES));
}

static bool hides_received(const struct tap_unseen *self)
{
    return !self->is_queue_depth_known || (tap_type_traits(self->type) & TAP_TYPE_PUBLISHES);
}

bool tap_unseen_hides(const struct tap_unseen *self, unsigned word)
{
    if (!self->is_proxied && !self->is_attached)
        return false;
    switch (word) {
    case SEGMENT_SENT_MESSAGES:
        return hides_sent(self);
    case SEGMENT_RECEIVED_MESSAGES:
        return hides_received(self);
    case SEGMENT_SENT_BYTES:
    case SEGMENT_RECEIVED_BYTES:
    case SEGMENT_SEND_BLOCKED_NS:
    case SEGMENT_SEND_BLOCKED_NO_PEER_NS:
    case SEGMENT_RECEIVE_BLOCKED_NS:
    case SEGMENT_DROPPED_HWM:
    case SEGMENT_DROPPED_UNROUTABLE:
        return true;
    case SEGMENT_SEND_AT_HWM_NS:
        return false;
    default:
        return self->is_attached;
    }
}
