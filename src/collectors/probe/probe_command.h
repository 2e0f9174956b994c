/* SPDX-License-Identifier: MPL-2.0 */
/* probe_command - a command to an actor about one endpoint. */
#ifndef COLLECTORS_PROBE_PROBE_COMMAND_H
#define COLLECTORS_PROBE_PROBE_COMMAND_H

#include "config/exporter_config.h"

struct probe_endpoint;

enum probe_command_kind {
    PROBE_COMMAND_ADD,      /* takes the endpoint */
    PROBE_COMMAND_REMOVE,   /* destroys it */
    PROBE_COMMAND_RETARGET, /* the same probe in a new configuration */
};

struct probe_command {
    struct probe_command *next;
    enum probe_command_kind kind;
    struct probe_endpoint *endpoint;
    struct exporter_config *config; /* RETARGET: a reference that it takes */
    const struct probe_definition *definition;
};

#endif
