/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_calibration - learns where a copy of libzmq keeps its pipes' accounts.
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

/* Learns the layout of `library`; a few milliseconds, inproc only. On failure is_known is false
 * and `reason` says why in a few words. Never fails otherwise; leaves errno as it was. */
void pipe_layout_calibrate(const struct library *library, struct pipe_layout *ret_layout);

#endif
