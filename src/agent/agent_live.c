/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_live.h"

#include "agent/agent_problems.h"
#include "metrics/json_writer.h"
#include "metrics/labels.h"

#include <errno.h>
#include <stdlib.h>

void agent_live_handle(void *state, const struct http_request *request,
                       struct http_response *response)
{
    const struct agent_live *self = state;
    struct string_buffer json = {0};
    string_buffer_append_text(&json, "{\"version\":");
    json_writer_text(&json, AGENT_VERSION);
    string_buffer_append(&json, ",", 1);
    int r = agent_problems_append(self->problems, &json);
    string_buffer_append(&json, ",", 1);
    if (r == 0)
        r = live_append_changes(self->live, http_request_query(request, "since"), &json);
    if (r < 0) {
        string_buffer_finish(&json);
        http_response_text(response, 503, agent_problems_reason(r));
        return;
    }
    string_buffer_append_text(&json, "}\n");
    http_response_take(response, "application/json", &json);
}

/* "7,8,9": how many; what is no number ends it. */
static size_t read_ids(const char *text, uint32_t ids[LIVE_IDS_MAX])
{
    size_t n = 0;
    while (n < LIVE_IDS_MAX && *text >= '0' && *text <= '9') {
        char *end;
        ids[n++] = (uint32_t)strtoul(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    return n;
}

/* The labels in the order of a page. */
static uint32_t find_group(struct live *live, const struct http_request *request)
{
    static const char *const names[] = {"program", "type", "address", "socket"};
    struct string_buffer labels = {0};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *value = http_request_query(request, names[i]);
        if (value && (*value || i < 3))
            labels_append(&labels, names[i], value);
    }
    uint32_t id = labels.has_failed ? 0 : live_find(live, labels.data, labels.size);
    string_buffer_finish(&labels);
    return id;
}

void agent_history_handle(void *state, const struct http_request *request,
                          struct http_response *response)
{
    const struct agent_live *self = state;
    const char *rows = http_request_query(request, "rows");
    const char *since = http_request_query(request, "since");
    uint32_t ids[LIVE_IDS_MAX];
    size_t n = 0;
    if (rows)
        n = read_ids(rows, ids);
    else if ((ids[0] = find_group(self->live, request)) != 0)
        n = 1;
    struct string_buffer json = {0};
    string_buffer_append(&json, "{", 1);
    live_append_history(self->live, ids, n, since ? strtoull(since, NULL, 10) : 0, &json);
    string_buffer_append_text(&json, "}\n");
    http_response_take(response, "application/json", &json);
}
