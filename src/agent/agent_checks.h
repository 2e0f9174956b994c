/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_checks - the policy checks on the web: a page for each, and the report of `audit`.
 *
 * /checks/ lists them, /checks/NAME says what a check looks for, why, and how to fix or exempt it.
 * /api/v1/audit?format=text|json|sarif&fail_on=SEVERITY&program=PATTERN&colours=1 is the report;
 * the header AGENT_AUDIT_HEADER says whether there are violations of that severity or worse.
 */
#ifndef AGENT_AGENT_CHECKS_H
#define AGENT_AGENT_CHECKS_H

#include "http/http_route.h"

#define AGENT_AUDIT_PATH   "/api/v1/audit"
#define AGENT_AUDIT_HEADER "X-Zmq-Violations"
#define AGENT_AUDIT_SOME   "some"
#define AGENT_AUDIT_NONE   "none"

/* How many routes there are, and each of them. */
size_t agent_checks_n(void);
void agent_checks_route(size_t i, struct http_route *ret_route);

/* An http_handler, HTTP_SLOW; `state` is the policy collector's struct collector. */
void agent_audit_handle(void *state, const struct http_request *request,
                        struct http_response *response);

#endif
