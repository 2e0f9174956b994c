/* SPDX-License-Identifier: MPL-2.0 */
/* audit - what the ways of `zmq_exporter audit` share. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "agent/agent_sections.h"
#include "base/error.h"
#include "cli/exporter_client.h"
#include "collectors/peek/peek_link.h"
#include "collectors/policy/policy_report.h"

/* What was asked for. */
struct audit {
    struct policy_report report;
    const char *directory;         /* of the segments; NULL: the preset */
    struct exporter_client client; /* without a URL: this host */
    const char *config_file, *library;
    const char *format, *fail_on;
    unsigned seconds; /* a program is given at most */
    bool has_no_peek; /* programs without the tap are not looked at */
    bool is_directory_preset;
};

/* Where facts come from; all borrowed. */
struct audit_sources {
    const char *directory;
    bool is_directory_optional; /* where it is not there, nobody is tapped */
    const struct agent_sections *sections;
    const struct collector *libraries; /* NULL: of libraries, those of the tapped processes */
    struct peek_link *peek;            /* NULL: tapped programs alone */
};

/* Each prints the report and returns how many violations it shows, or a negative errno with `err`
 * set. */

/* Of an exporter's page. */
int audit_url(const struct audit *self, struct error *err);

/* Of a program that is started for it. */
int audit_command(const struct audit *self, const struct agent_sections *sections, char **argv,
                  struct error *err);

int audit_look(const struct audit_sources *from, struct policy_findings *ret_findings,
               struct error *err);

int audit_print(const struct audit *self, const struct policy_findings *findings,
                struct error *err);

#endif
