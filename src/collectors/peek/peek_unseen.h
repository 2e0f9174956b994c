/* SPDX-License-Identifier: MPL-2.0 */
/* peek_unseen - processes with a context that neither a tap nor the reader sees, by program. */
#ifndef COLLECTORS_PEEK_PEEK_UNSEEN_H
#define COLLECTORS_PEEK_PEEK_UNSEEN_H

#include "collectors/peek/peek_model.h"
#include "metrics/samples.h"

#define PEEK_UNSEEN_MAX_PROGRAMS 64u /* the others are one, "(other)" */

/* Errors: -ENOMEM. */
int peek_unseen_write(const struct peek_model *model, struct samples *out);

#endif
