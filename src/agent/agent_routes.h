/* SPDX-License-Identifier: MPL-2.0 */
/* agent_routes - the one table of what the server answers. */
#ifndef AGENT_AGENT_ROUTES_H
#define AGENT_AGENT_ROUTES_H

#include "agent/agent_config.h"
#include "agent/agent_live.h"
#include "agent/agent_metrics.h"
#include "agent/agent_open_sockets.h"
#include "base/error.h"
#include "http/http_pages.h"
#include "http/http_route.h"

#define AGENT_MAX_ROUTES 256u

struct agent_routes {
    struct agent_metrics metrics;
    struct agent_open_sockets open_sockets;
    struct agent_live live;
    struct http_route rows[AGENT_MAX_ROUTES];
    size_t n;
    struct http_page *pages; /* with their words replaced */
    size_t n_pages;
};

/* What the pages are about; borrowed. */
struct peek_link;
struct peers_watch;

struct agent_route_parts {
    struct runner *runner;
    struct agent_config *config;
    struct collector *policy; /* NULL: there is none */
    struct problem_watch *problems;
    struct live *live;
    const char *telemetry_path;
    bool has_created;          /* OpenMetrics has the _created lines */
    const char *directory;     /* of the segments */
    struct peek_link *peek;    /* NULL: programs without a tap are not seen */
    struct peers_watch *peers; /* NULL: who is at the other ends is not known */
};

/* Fills in the table. Errors: -EINVAL `telemetry_path` is no path or taken; -ENOMEM. */
int agent_routes_init(struct agent_routes *self, const struct agent_route_parts *parts,
                      struct error *err);
void agent_routes_finish(struct agent_routes *self);

#endif
