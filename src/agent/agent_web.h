/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_web - where the server listens and by which rules: the flags --web.*.
 *
 * The web configuration is read at start, where a bad one is an error, and when it changes, where
 * it is logged and counted and the former one stays.
 */
#ifndef AGENT_AGENT_WEB_H
#define AGENT_AGENT_WEB_H

#include "agent/agent_options.h"
#include "collectors/self.h"
#include "http/http_server.h"

struct agent_web {
    struct web_live *live;
    struct http_stats stats;
    double since_seconds; /* that they count */
    struct http_listen adopted[HTTP_MAX_LISTENERS];
    size_t n_adopted;
};

/* The service manager's sockets, if the flags say so. First of all: see systemd_take_sockets().
 * `self` is zeroed. */
int agent_web_adopt(struct agent_web *self, const struct agent_options *options, struct error *err);

int agent_web_init(struct agent_web *self, const struct agent_options *options, struct error *err);

/* After the server is gone. */
void agent_web_finish(struct agent_web *self);

/* Adds its own metrics to the page. Borrows `self`. */
struct self_source agent_web_source(struct agent_web *self);

/* The listening sockets of the flags, or those that were adopted. */
int agent_web_listen(struct agent_web *self, const struct agent_options *options,
                     struct http_server *server, struct error *err);

#endif
