/* SPDX-License-Identifier: MPL-2.0 */
/* probe_query - the parameters of a /probe request, and why it is refused. */
#ifndef COLLECTORS_PROBE_PROBE_QUERY_H
#define COLLECTORS_PROBE_PROBE_QUERY_H

#include <stdint.h>

struct probe_query {
    const char *target;   /* tcp://host:port, ipc://path, or host:port */
    const char *module;   /* NULL: "greeting" if there is one, else whatever answers, by greeting */
    uint64_t deadline_ns; /* monotonic */
};

#define PROBE_E_QUERY  1 /* the query is wrong: `err` says what */
#define PROBE_E_TARGET 2 /* no pattern of `probe_targets` allows the target */
#define PROBE_E_BUSY   3 /* `probe_requests` are running */

#endif
