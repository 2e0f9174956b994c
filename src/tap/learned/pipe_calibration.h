/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_calibration - finds where a copy of libzmq stores the accounts of its pipes.
 *
 * On private inproc sockets with telling option values, proved on a second pair. No offsets are
 * shipped.
 *
 * Thread: that makes a library's first socket, before it is tracked.
 */
#ifndef TAP_PIPE_CALIBRATION_H
#define TAP_PIPE_CALIBRATION_H

#include "queues/pipe_layout.h"
#include "tap/ground/library.h"

/* Finds the layout of `library`; a few milliseconds, inproc only. On failure is_known is false and
 * `reason` says why in a few words. errno is preserved. */
void pipe_layout_calibrate(const struct library *library, struct pipe_layout *ret_layout);

#endif
