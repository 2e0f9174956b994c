/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_problems - what is wrong on this host right now, as JSON, worst first.
 *
 *     {"time": 1700000000.123, "recent_seconds": 60,
 *      "problems": [{"kind": "receiver_stuck", "severity": "critical", "sockets": 1,
 *                    "program": "ledger", "type": "PULL", "address": "ipc://orders", "pid": 4711,
 *                    "text": "stopped receiving 8 min ago; 80 messages wait; orders is blocked by
 *                             it",
 *                    "seconds": 480.5, "value": 80, "runbook": "ZeroMQReceiverStuck",
 *                    "blocked": [{"program": "orders", "type": "PUSH", …, "pid": 4712}]}, …],
 *      "is_complete": true}
 *
 * `time` is when it was looked, which may have been for somebody else a moment before
 * (PROBLEM_LOOK_AGE_NS). `sockets` are how many of the process are alike. `seconds` is how long it
 * lasts, left out where that is not known. problems/problem.h has the kinds.
 */
#ifndef AGENT_AGENT_PROBLEMS_H
#define AGENT_AGENT_PROBLEMS_H

#include "http/http_route.h"
#include "problems/problem_watch.h"

#define AGENT_PROBLEMS_PATH "/api/v1/problems"

/* Appends the members above, without the object's braces. Errors: those of problem_watch_share. */
int agent_problems_append(struct problem_watch *watch, struct string_buffer *json);

/* An error of it in words. */
const char *agent_problems_reason(int r);

/* An http_handler, HTTP_SLOW; `state` is a struct problem_watch. */
void agent_problems_handle(void *state, const struct http_request *request,
                           struct http_response *response);

#endif
