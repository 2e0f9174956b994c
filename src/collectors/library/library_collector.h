/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library_collector - which libzmq the host's processes run, and how old it is.
 *
 * Every process counts, tapped or not. A tapped one told its exact version; of any other the
 * version is read from the name of the mapped file, which for old releases is a range.
 */
#ifndef COLLECTORS_LIBRARY_LIBRARY_COLLECTOR_H
#define COLLECTORS_LIBRARY_LIBRARY_COLLECTOR_H

#include "collectors/collector.h"

/* Opens `procfs` ("/proc"); `segments` is the tap's directory, NULL for none, borrowed.
 * Errors: -errno if `procfs` is no readable directory; -ENOMEM. */
int library_collector_new(const char *procfs, const char *segments, struct collector *ret_collector,
                          struct error *err);

#endif
