/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_sections.h"

#include "collectors/policy/policy_settings_read.h"

int agent_sections_load(const struct exporter_config *config, struct agent_sections *ret_sections,
                        struct error *err)
{
    struct agent_sections self = {0};
    int r = library_tables_load(config->library, &self.tables, err);
    if (r == 0)
        r = policy_settings_read(config->policy, &self.policy, err);
    if (r == 0)
        r = peek_settings_read(config->peek, &self.peek, err);
    if (r < 0)
        agent_sections_finish(&self);
    else
        *ret_sections = self;
    return r;
}

void agent_sections_finish(struct agent_sections *self)
{
    library_tables_destroy(&self->tables);
    policy_settings_destroy(&self->policy);
    peek_settings_destroy(&self->peek);
}

void agent_sections_give(struct agent_sections *self, struct agent_handovers *handovers)
{
    struct agent_sections former = {.tables = handover_give(&handovers->tables, self->tables),
                                    .policy = handover_give(&handovers->policy, self->policy),
                                    .peek = handover_give(&handovers->peek, self->peek)};
    agent_sections_finish(&former);
    *self = (struct agent_sections){0};
}

void agent_handovers_finish(struct agent_handovers *self)
{
    struct agent_sections left = {.tables = handover_take(&self->tables),
                                  .policy = handover_take(&self->policy),
                                  .peek = handover_take(&self->peek)};
    agent_sections_finish(&left);
}
