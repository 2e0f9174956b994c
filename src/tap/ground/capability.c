/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/capability.h"

#include "segment/segment_table.h"

#include <string.h>

static struct segment_header *header;

void capability_start(struct segment_header *new_header)
{
    header = new_header;
}

void capability_set(enum segment_capability_id id, enum segment_capability_state state,
                    const char *reason)
{
    struct segment_capability *shown = &header->capabilities[id];
    struct segment_capability now = {.state = state};
    if (__atomic_load_n(&shown->state, __ATOMIC_RELAXED) > SEGMENT_CAPABILITY_ON)
        return;
    strncpy(now.reason, reason, sizeof(now.reason) - 1);
    segment_words_copy(shown, &now, sizeof(now));
}

void capability_set_on_unless(enum segment_capability_id id, const char *reason)
{
    capability_set(id, reason ? SEGMENT_CAPABILITY_OFF : SEGMENT_CAPABILITY_ON,
                   reason ? reason : "");
}
