/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_runbooks - what to do about each alert, on the web.
 *
 * /runbooks/ lists them, /runbooks/NAME?program=...&address=... is one with the labels of the alert
 * filled in. The pages are made of alerts/runbooks when the exporter is built: a place is a byte 1,
 * a letter for the label and one for the form that what is around it needs: plain text, a part of a
 * URL, a host with its port, a word of a shell, a string in double quotes inside a word of a
 * shell, or one of PromQL alone. A label that is not given is shown by its name in capitals.
 * `scheme` is no label of an alert, but http or https, as the page was asked for.
 *
 * Labels are the choice of whoever named a program or its address: none can end its place.
 */
#ifndef AGENT_AGENT_RUNBOOKS_H
#define AGENT_AGENT_RUNBOOKS_H

#include "base/string_buffer.h"
#include "http/http_route.h"

#include <stddef.h>

#define AGENT_RUNBOOKS_MAX 64u

struct agent_runbook {
    const char *path, *name;
    const char *html; /* with places */
};

extern const struct agent_runbook agent_runbooks[];
extern const size_t agent_n_runbooks;
extern const char *const agent_runbook_labels[];
extern const size_t agent_runbook_n_labels;

/* Appends the page; `value` says what a label is, NULL: not known. */
typedef const char *agent_runbook_value(const char *label, const void *data);
void agent_runbook_write(const struct agent_runbook *self, agent_runbook_value *value,
                         const void *data, struct string_buffer *out);

/* How many routes there are, and each of them. */
size_t agent_runbooks_n(void);
void agent_runbooks_route(size_t i, struct http_route *ret_route);

#endif
