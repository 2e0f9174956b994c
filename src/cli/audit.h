/* SPDX-License-Identifier: MPL-2.0 */
/* audit - what the ways of `zmq_exporter audit` share. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "agent/agent_sections.h"
#include "base/error.h"
#include "cli/exporter_client.h"
#include "collectors/policy/policy_report.h"

/* What was asked for. */
struct audit {
    struct policy_report report;
    const char *directory;         /* of the segments; NULL: the preset */
    struct exporter_client client; /* without a URL: this host */
    const char *config_file, *library;
    const char *format, *fail_on;
    unsigned seconds; /* a program is given at most */
};

/* Each prints the report and returns how many violations it shows, or a negative errno with `err`
 * set. */

/* Of an exporter's page. */
int audit_url(const struct audit *self, struct error *err);

/* Of a program that is started for it. */
int audit_command(const struct audit *self, const struct agent_sections *sections, char **argv,
                  struct error *err);

/* The findings in `directory`. `libraries` NULL: of libraries, those of its processes. */
int audit_look(const char *directory, const struct agent_sections *sections,
               const struct collector *libraries, struct policy_findings *ret_findings,
               struct error *err);

int audit_print(const struct audit *self, const struct policy_findings *findings,
                struct error *err);

#endif
