/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_checks.h"

#include "collectors/policy/policy_collector.h"

#include <stdio.h>

#define HTML "text/html; charset=utf-8"

static char paths[POLICY_CHECKS_MAX][64];
static size_t numbers[POLICY_CHECKS_MAX];

static void show_index(void *state, const struct http_request *request,
                       struct http_response *response)
{
    struct string_buffer page = {0};
    (void)state;
    (void)request;
    policy_page_write_index(&page);
    http_response_take(response, HTML, &page);
}

static void show_check(void *state, const struct http_request *request,
                       struct http_response *response)
{
    struct string_buffer page = {0};
    const size_t *number = state;
    (void)request;
    policy_page_write(&policy_checks[*number], true, &page);
    http_response_take(response, HTML, &page);
}

size_t agent_checks_n(void)
{
    return policy_n_checks + 1;
}

/* Called once, before the server runs. */
void agent_checks_route(size_t i, struct http_route *ret_route)
{
    *ret_route = (struct http_route){"/checks/", HTTP_GET, HTTP_QUICK, show_index, NULL};
    if (i == policy_n_checks)
        return;
    numbers[i] = i;
    (void)snprintf(paths[i], sizeof(paths[i]), "/checks/%s", policy_checks[i].name);
    *ret_route = (struct http_route){paths[i], HTTP_GET, HTTP_QUICK, show_check, &numbers[i]};
}

static bool read_request(const struct http_request *request, struct policy_report *ret_report)
{
    const char *format = http_request_query(request, "format");
    const char *least = http_request_query(request, "fail_on");
    const char *colours = http_request_query(request, "colours");
    *ret_report = (struct policy_report){.format = POLICY_TEXT,
                                         .program = http_request_query(request, "program"),
                                         .has_colours = colours && *colours == '1',
                                         .version = AGENT_VERSION,
                                         .if_none = POLICY_REPORT_IF_NONE};
    return (!format || policy_format_parse(format, &ret_report->format)) &&
           (!least || advisory_severity_parse(least, &ret_report->least));
}

void agent_audit_handle(void *state, const struct http_request *request,
                        struct http_response *response)
{
    static const char *const types[] = {"text/plain; charset=utf-8", "application/json",
                                        "application/sarif+json"};
    struct policy_report report;
    if (!read_request(request, &report)) {
        http_response_text(response, 400,
                           "format is text, json or sarif; fail_on is low, medium, high or "
                           "critical\n");
        return;
    }
    struct string_buffer text = {0};
    int r = policy_collector_report(state, &report, &text);
    if (r < 0) {
        string_buffer_finish(&text);
        http_response_text(response, 503, "the segment directory cannot be read\n");
        return;
    }
    http_response_header(response, AGENT_AUDIT_HEADER, r ? AGENT_AUDIT_SOME : AGENT_AUDIT_NONE);
    http_response_take(response, types[report.format], &text);
}
