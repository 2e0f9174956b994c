/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_sections - the sections of the configuration that belong to collectors, read and checked.
 *
 * What a section says is handed over to its collector as a whole, when all of the configuration is
 * good; before that nothing of it is in force.
 */
#ifndef AGENT_AGENT_SECTIONS_H
#define AGENT_AGENT_SECTIONS_H

#include "base/handover.h"
#include "collectors/library/library_tables.h"
#include "collectors/peek/peek_settings.h"
#include "collectors/policy/policy_settings.h"
#include "config/exporter_config.h"

struct agent_sections {
    struct library_tables *tables;
    struct policy_settings *policy;
    struct peek_settings *peek;
};

/* Where the collectors take them from. */
struct agent_handovers {
    struct handover tables, policy, peek;
};

/* Errors: negative errno with `err` set; nothing is left to finish. */
int agent_sections_load(const struct exporter_config *config, struct agent_sections *ret_sections,
                        struct error *err);
void agent_sections_finish(struct agent_sections *self);

/* Empties `self`. */
void agent_sections_give(struct agent_sections *self, struct agent_handovers *handovers);
void agent_handovers_finish(struct agent_handovers *self);

#endif
