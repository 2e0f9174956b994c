/* SPDX-License-Identifier: MPL-2.0 */
/*
 * layouts - what was learned of each loaded copy of libzmq.
 *
 * Thread: layouts_add: one at a time. layouts_of: any.
 */
#ifndef TAP_LAYOUTS_H
#define TAP_LAYOUTS_H

#include "queues/pipe_accounts.h"
#include "tap/ground/library.h"

/* Learns the layout of a library, the first time. NULL if there are too many. */
const struct pipe_layout *layouts_add(const struct library *library);

/* NULL if it was not added. */
const struct pipe_layout *layouts_of(const struct library *library);

#endif
