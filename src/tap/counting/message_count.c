/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/message_count.h"

#include "tap/counting/api_errors.h"

/* Words of a shared socket have several writers. */
static int note_size(const struct registry_slot *slot, enum segment_lane_word number,
                     uint32_t *below, int rc)
{
    const struct registry_socket *socket = slot->socket;
    uint64_t *word = &(socket->is_shared ? socket->words : slot->words)[number];
    uint64_t size = (uint64_t)rc, seen = segment_word_get(word);
    while ((seen == SEGMENT_UNKNOWN || seen < size) &&
           !__atomic_compare_exchange_n(word, &seen, size, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
    }
    if (*below <= (uint32_t)rc)
        *below = (uint32_t)rc + 1;
    return rc;
}

int message_unusual_sent(struct registry_slot *slot, int rc)
{
    if (rc >= 0)
        return note_size(slot, SEGMENT_LARGEST_SENT, &slot->call.sent_below, rc);
    api_errors_count(slot);
    return rc;
}

int message_unusual_received(struct registry_slot *slot, int rc)
{
    if (rc >= 0)
        return note_size(slot, SEGMENT_LARGEST_RECEIVED, &slot->received_below, rc);
    api_errors_count(slot);
    return rc;
}
