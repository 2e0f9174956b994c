/* SPDX-License-Identifier: MPL-2.0 */
/* agent_collectors - the one table of collectors. */
#ifndef AGENT_AGENT_COLLECTORS_H
#define AGENT_AGENT_COLLECTORS_H

#include "agent/agent_options.h"
#include "agent/agent_sections.h"
#include "collectors/probe/probe_pool.h"
#include "collectors/runner.h"
#include "collectors/self.h"

/* Collectors that others ask; their states are the runner's. */
struct agent_asked {
    struct collector library, policy, details;
};

/* What a collector may need to know when it is made. */
struct agent_setup {
    const struct agent_options *options;
    struct probe_pool *pool;
    struct peek_link *peek;            /* NULL: none */
    struct peers_watch *peers;         /* NULL: none */
    struct agent_handovers *handovers; /* of the configuration's sections */
    const struct self_source *sources; /* of the agent's own parts, for the self collector */
    size_t n_sources;
    struct agent_asked *asked; /* filled in as they are made */
};

/* Makes every collector and gives it to the runner. A collector that cannot be made fails. */
int agent_collectors_add(struct runner *runner, const struct agent_setup *setup, struct error *err);

#endif
