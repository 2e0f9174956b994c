/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_identity - who this process is, for the header of its segment.
 *
 * Part of the tap: libc only, leaves errno as it was, closes what it opens. What /proc does not
 * tell stays zero or empty; a start of 0 makes the agent go by the heartbeat's age.
 */
#ifndef SEGMENT_SEGMENT_IDENTITY_H
#define SEGMENT_SEGMENT_IDENTITY_H

#include "segment/segment_layout.h"

#define SEGMENT_PROGRAM_VARIABLE        "ZMQ_EXPORTER_PROGRAM"
#define SEGMENT_FORMER_PROGRAM_VARIABLE "ZMQ_EXPORTER_SERVICE" /* where the other is not set */

/* Memory that the caller has to spare: too much for the stack of a program's thread. */
struct segment_identity_scratch {
    char executable[4096];
    char text[4096];
};

/* Fills in pid, start, namespaces, boot, creation, version, command and program. */
void segment_identity_fill(struct segment_header *header, struct segment_identity_scratch *scratch);

#endif
