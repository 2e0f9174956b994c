/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_problems.h"

#include "base/clock.h"
#include "problems/problem.h"
#include "problems/problem_watch.h"

#include <errno.h>
#include <inttypes.h>

void agent_problems_handle(void *state, const struct http_request *request,
                           struct http_response *response)
{
    (void)request;
    struct problem_view view;
    struct problems problems = {0};
    int r = problem_watch_take(state, &view);
    if (r < 0) {
        http_response_text(response, 503,
                           r == -ENOMEM ? "out of memory\n"
                                        : "the segment directory cannot be read\n");
        return;
    }
    struct string_buffer json = {0};
    string_buffer_append_format(&json, "{\"time\":%" PRIu64 ".%03u,\"recent_seconds\":%" PRIu64 ",",
                                view.now_ns / CLOCK_NS_PER_SECOND,
                                (unsigned)(view.now_ns % CLOCK_NS_PER_SECOND / CLOCK_NS_PER_MS),
                                view.recent_ns / CLOCK_NS_PER_SECOND);
    if (problems_find(&view, &problems) < 0)
        json.has_failed = true;
    problems_append_json(&json, &problems, &view);
    string_buffer_append_text(&json, "}\n");
    problems_finish(&problems);
    problem_view_finish(&view);
    http_response_take(response, "application/json", &json);
}
