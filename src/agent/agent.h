/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent - the exporter's life: collectors, server, signals.
 *
 * SIGTERM and SIGINT end it cleanly; SIGHUP reloads what can be reloaded.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/agent_options.h"
#include "base/error.h"

/* Runs until a signal ends it: 0. A negative errno with `err` filled: it could not start. */
int agent_run(const struct agent_options *options, struct error *err);

#endif
