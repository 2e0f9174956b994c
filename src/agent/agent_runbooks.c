/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_runbooks.h"

#include "http/http_route.h"

#include <ctype.h>
#include <string.h>

#define HTML  "text/html; charset=utf-8"
#define PLACE '\1'

enum form { FORM_TEXT, FORM_URL, FORM_HOST, FORM_WORD, FORM_STRING, FORM_QUERY };

/* Controls would move the cursor of the terminal that a command is pasted into. */
static void append_html(struct string_buffer *out, char c)
{
    if (c == '<')
        string_buffer_append_text(out, "&lt;");
    else if (c == '>')
        string_buffer_append_text(out, "&gt;");
    else if (c == '&')
        string_buffer_append_text(out, "&amp;");
    else if ((unsigned char)c < ' ' || c == 127)
        string_buffer_append(out, " ", 1);
    else
        string_buffer_append(out, &c, 1);
}

static bool is_plain(char c)
{
    return isascii((unsigned char)c) && (isalnum((unsigned char)c) || strchr("-._~", c));
}

static void append_in_form(struct string_buffer *out, char c, enum form form)
{
    bool is_quoted = form == FORM_WORD || form == FORM_STRING;
    if (form == FORM_HOST && !is_plain(c) && !strchr(":[]", c))
        return;
    if (form == FORM_URL && !is_plain(c)) {
        string_buffer_append_format(out, "%%%02X", (unsigned)(unsigned char)c);
        return;
    }
    if (is_quoted && c == '\'') {
        string_buffer_append_text(out, "'\\''");
        return;
    }
    if ((form == FORM_STRING || form == FORM_QUERY) && (c == '"' || c == '\\'))
        string_buffer_append(out, "\\", 1);
    append_html(out, c);
}

static void append_label(struct string_buffer *out, const char *label, const char *value,
                         enum form form)
{
    if (form == FORM_WORD)
        string_buffer_append(out, "'", 1);
    for (const char *at = value ? value : label; *at; at++) {
        if (value)
            append_in_form(out, *at, form);
        else
            string_buffer_append(out, &(char){(char)toupper((unsigned char)*at)}, 1);
    }
    if (form == FORM_WORD)
        string_buffer_append(out, "'", 1);
}

static void write_head(struct string_buffer *out, const char *title)
{
    string_buffer_append_format(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>%s - zmq_exporter</title>"
        "</head>\n<body>\n",
        title);
}

void agent_runbook_write(const struct agent_runbook *self, agent_runbook_value *value,
                         const void *data, struct string_buffer *out)
{
    const char *at = self->html;
    write_head(out, self->name);
    while (*at) {
        size_t n = strcspn(at, (const char[]){PLACE, '\0'});
        string_buffer_append(out, at, n);
        at += n;
        if (*at != PLACE)
            continue;
        const char *label = agent_runbook_labels[at[1] - 'a'];
        append_label(out, label, value(label, data), (enum form)(at[2] - 'a'));
        at += 3;
    }
    string_buffer_append_text(out, "\n<p><a href=\"./\">All runbooks</a></p>\n</body></html>\n");
}

static const char *ask_request(const char *label, const void *data)
{
    if (strcmp(label, "scheme") == 0)
        return http_request_uses_tls(data) ? "https" : "http";
    return http_request_query(data, label);
}

static void show_index(void *state, const struct http_request *request,
                       struct http_response *response)
{
    struct string_buffer page = {0};
    (void)state;
    (void)request;
    write_head(&page, "Runbooks");
    string_buffer_append_text(&page, "<h1>Runbooks</h1>\n<ul>\n");
    for (size_t i = 0; i < agent_n_runbooks; i++)
        string_buffer_append_format(&page, "<li><a href=\"%s\">%s</a></li>\n",
                                    agent_runbooks[i].name, agent_runbooks[i].name);
    string_buffer_append_text(&page, "</ul>\n</body></html>\n");
    http_response_take(response, HTML, &page);
}

static void show_runbook(void *state, const struct http_request *request,
                         struct http_response *response)
{
    struct string_buffer page = {0};
    const size_t *number = state;
    agent_runbook_write(&agent_runbooks[*number], ask_request, request, &page);
    http_response_take(response, HTML, &page);
}

size_t agent_runbooks_n(void)
{
    return agent_n_runbooks + 1;
}

/* Called once, before the server runs. */
void agent_runbooks_route(size_t i, struct http_route *ret_route)
{
    static size_t numbers[AGENT_RUNBOOKS_MAX];
    *ret_route = (struct http_route){"/runbooks/", HTTP_GET, HTTP_QUICK, show_index, NULL};
    if (i == agent_n_runbooks || i >= AGENT_RUNBOOKS_MAX)
        return;
    numbers[i] = i;
    *ret_route = (struct http_route){agent_runbooks[i].path, HTTP_GET, HTTP_QUICK, show_runbook,
                                     &numbers[i]};
}
