/* SPDX-License-Identifier: MPL-2.0 */
/*
 * mailbox_calibration - finds where a socket's mailbox lies, and how its commands bind a pipe.
 *
 * Thread and errors: as pipe_calibration.
 */
#ifndef TAP_MAILBOX_CALIBRATION_H
#define TAP_MAILBOX_CALIBRATION_H

#include "queues/pipe_layout.h"
#include "tap/learned/pipe_lab.h"

/* On failure all is zero. `layout` knows the vector of pipes. */
void mailbox_calibrate(struct pipe_lab *lab, const struct pipe_layout *layout,
                       struct mailbox_layout *ret_layout);

#endif
