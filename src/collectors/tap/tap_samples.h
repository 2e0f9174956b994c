/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_samples - the page's part of the tap collector, from the sums of a scrape.
 *
 * What a family shows and when it is absent is in the tables of the .c file. Nothing is
 * allocated or rendered here but what samples keep: label texts belong to the groups, and the
 * rest of a label set is a literal.
 */
#ifndef COLLECTORS_TAP_TAP_SAMPLES_H
#define COLLECTORS_TAP_TAP_SAMPLES_H

#include "collectors/tap/tap_groups.h"

/* `epoch_ns` is when the clock of the group's times was 0, in nanoseconds since the Unix epoch. */
void tap_samples_add_group(struct samples *out, const struct tap_group *group, uint64_t epoch_ns);
void tap_samples_add_program(struct samples *out, const struct tap_program *program,
                             uint64_t epoch_ns);

/* What the collector `details` has: nothing of it is among the above. */
void tap_samples_add_group_details(struct samples *out, const struct tap_group *group,
                                   uint64_t epoch_ns);
void tap_samples_add_program_details(struct samples *out, const struct tap_program *program);

#endif
