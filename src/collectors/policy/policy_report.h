/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_report - findings for people, for programs and for code scanners.
 *
 * text   by program and socket, worst first, each with the remedy
 * json   {"violations": [...], "checks": [...], ...}
 * sarif  SARIF 2.1.0, whose locations are logical: program, type and endpoint
 */
#ifndef COLLECTORS_POLICY_POLICY_REPORT_H
#define COLLECTORS_POLICY_POLICY_REPORT_H

#include "base/string_buffer.h"
#include "collectors/policy/policy_findings.h"

enum policy_format { POLICY_TEXT, POLICY_JSON, POLICY_SARIF };

/* Which findings are shown, and how. */
struct policy_report {
    enum policy_format format;
    enum advisory_severity least; /* severity that is a violation; others are not shown */
    const char *program;          /* pattern as fnmatch(3); NULL: all */
    bool has_colours;
    const char *version; /* of the exporter */
    const char *if_none; /* the text where no socket was looked at */
};

#define POLICY_REPORT_IF_NONE                                                                      \
    "No socket of a program is seen; `zmq_exporter run -- PROGRAM` starts one with the tap."

bool policy_format_parse(const char *name, enum policy_format *ret_format);

/* Appends the report; returns how many findings it shows. A failed append is in `out`. */
size_t policy_report_write(const struct policy_report *self, const struct policy_findings *findings,
                           struct string_buffer *out);

/* The page of a check: what, why, how to fix and how to exempt. As text, or as HTML. */
void policy_page_write(const struct policy_check *check, bool is_html, struct string_buffer *out);
void policy_page_write_index(struct string_buffer *out);

#endif
