/* SPDX-License-Identifier: MPL-2.0 */
/*
 * capability - says in the segment what can be measured in this process, and why what cannot.
 *
 * Thread: with the registry's lock held, or before the first socket is tracked.
 */
#ifndef TAP_CAPABILITY_H
#define TAP_CAPABILITY_H

#include "segment/segment_layout.h"

/* The segment's header, where it is said from now on. Borrows it. */
void capability_start(struct segment_header *header);

/* The state only gets worse: what was missed once is missing in the sums. */
void capability_set(enum segment_capability_id id, enum segment_capability_state state,
                    const char *reason);

/* ON, or OFF where there is a reason. */
void capability_set_on_unless(enum segment_capability_id id, const char *reason);

#endif
