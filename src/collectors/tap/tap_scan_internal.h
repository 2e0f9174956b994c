/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_scan_internal - which files are in the directory: the part of tap_scan in tap_scan_list.c.
 *
 * The directory is listed where it has changed, or something in it may have without a trace. A new
 * file is opened to see what it is. What is no segment, or none yet, is a candidate: a few of each
 * user's are remembered, so that they are not opened again and can be removed; the others are only
 * counted, and looked at again while they may still become segments.
 *
 * Thread: one. Errors: -errno of listing; what was known stays.
 */
#ifndef COLLECTORS_TAP_TAP_SCAN_INTERNAL_H
#define COLLECTORS_TAP_TAP_SCAN_INTERNAL_H

#include "collectors/tap/tap_scan.h"

/* Brings the scan's processes up to date; those that are new are not read yet. */
int tap_scan_list(struct tap_scan *scan, uint64_t now_ns);

/* Whether the name still means the file that the process's account was read from. A file made
 * again has the name of the one that was lost. */
bool tap_scan_is_same_file(const struct tap_scan *scan, const struct tap_process *process);

/* Whether a candidate is shorter than any segment: a file that is being made, or, if it stays so,
 * rubbish. */
bool tap_scan_is_short(const struct tap_scan *scan, struct tap_process *process, uint64_t now_ns);

#endif
