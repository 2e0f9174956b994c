/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/policy/policy_settings.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

void policy_settings_destroy(struct policy_settings **self_p)
{
    struct policy_settings *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < self->n_exemptions; i++) {
        free(self->exemptions[i].check);
        free(self->exemptions[i].program);
        free(self->exemptions[i].type);
        free(self->exemptions[i].endpoint);
    }
    free(self->exemptions);
    free(self);
}

static bool fits(const char *pattern, const char *text)
{
    return !pattern || fnmatch(pattern, text, 0) == 0;
}

bool policy_settings_exempt(const struct policy_settings *self, const char *check,
                            const char *program, const char *type, const char *endpoint)
{
    for (size_t i = 0; i < self->n_exemptions; i++) {
        const struct policy_exemption *exemption = &self->exemptions[i];
        if ((!exemption->check || strcmp(exemption->check, check) == 0) &&
            fits(exemption->program, program) && fits(exemption->type, type) &&
            fits(exemption->endpoint, endpoint))
            return true;
    }
    return false;
}
