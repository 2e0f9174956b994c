/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_problems.h"

#include "base/clock.h"
#include "problems/problem.h"
#include "problems/problem_watch.h"

#include <errno.h>
#include <inttypes.h>

const char *agent_problems_reason(int r)
{
    return r == -ENOMEM      ? "out of memory\n"
           : r == -ECANCELED ? "the exporter is stopping\n"
                             : "the segment directory cannot be read\n";
}

int agent_problems_append(struct problem_watch *watch, struct string_buffer *json)
{
    struct problem_look *look = NULL;
    int r = problem_watch_share(watch, &look);
    if (r < 0)
        return r;
    const struct problem_view *view = &look->view;
    string_buffer_append_format(json, "\"time\":%" PRIu64 ".%03u,\"recent_seconds\":%" PRIu64 ",",
                                view->now_ns / CLOCK_NS_PER_SECOND,
                                (unsigned)(view->now_ns % CLOCK_NS_PER_SECOND / CLOCK_NS_PER_MS),
                                view->recent_ns / CLOCK_NS_PER_SECOND);
    problems_append_json(json, &look->problems, view);
    problem_watch_release(watch, look);
    return 0;
}

void agent_problems_handle(void *state, const struct http_request *request,
                           struct http_response *response)
{
    (void)request;
    struct string_buffer json = {0};
    string_buffer_append(&json, "{", 1);
    int r = agent_problems_append(state, &json);
    if (r < 0) {
        string_buffer_finish(&json);
        http_response_text(response, 503, agent_problems_reason(r));
        return;
    }
    string_buffer_append_text(&json, "}\n");
    http_response_take(response, "application/json", &json);
}
