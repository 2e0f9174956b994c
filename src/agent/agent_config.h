/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_config - the configuration file: loaded at the start and at each reload.
 *
 * A file that cannot be read or is not valid changes nothing: what was in use stays, the metrics
 * and the answer say so.
 *
 * Thread:  any.   Blocks: reload, until the probes follow.
 * Errors:  -errno with `err` set.
 */
#ifndef AGENT_AGENT_CONFIG_H
#define AGENT_AGENT_CONFIG_H

#include "agent/agent_options.h"
#include "agent/agent_sections.h"
#include "collectors/probe/probe_pool.h"
#include "collectors/self.h"
#include "http/http_route.h"

#include <pthread.h>

struct agent_config {
    pthread_mutex_t lock; /* over one reload */
    const char *path;     /* NULL: no file */
    struct probe_pool *pool;
    struct agent_handovers handovers;
    bool is_current;    /* the last attempt succeeded; atomic, as scrapes read it */
    uint64_t loaded_ns; /* atomic */
};

/* Starts the probes. A file that is not valid is an error here. */
int agent_config_init(struct agent_config *self, const struct agent_options *options,
                      struct error *err);
void agent_config_finish(struct agent_config *self);

/* Reads the file again and logs the result. */
int agent_config_reload(struct agent_config *self, struct error *err);

/* An http_handler for POST /-/reload; `state` is the struct agent_config. */
void agent_config_handle(void *state, const struct http_request *request,
                         struct http_response *response);

/* The metrics of reloading. Borrows `self`. */
struct self_source agent_config_source(struct agent_config *self);

#endif
