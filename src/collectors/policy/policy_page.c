/* SPDX-License-Identifier: MPL-2.0 */
/* policy_page - the page of a check, from its row of the table. */
#include "collectors/policy/policy_report.h"

#include <string.h>

static void append_html(struct string_buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            string_buffer_append_text(out, "&lt;");
        else if (*text == '>')
            string_buffer_append_text(out, "&gt;");
        else if (*text == '&')
            string_buffer_append_text(out, "&amp;");
        else
            string_buffer_append(out, text, 1);
    }
}

static void write_html_head(struct string_buffer *out, const char *title)
{
    string_buffer_append_format(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>%s - zmq_exporter</title>"
        "</head>\n<body>\n<h1>%s</h1>\n",
        title, title);
}

static void write_part(struct string_buffer *out, bool is_html, const char *title, const char *text,
                       bool is_code)
{
    if (!is_html) {
        string_buffer_append_format(out, "\n%s\n%s\n", title, text);
        return;
    }
    string_buffer_append_format(out, "<h2>%s</h2>\n<%s>", title, is_code ? "pre" : "p");
    append_html(out, text);
    string_buffer_append_format(out, "</%s>\n", is_code ? "pre" : "p");
}

static void write_exemption(const struct policy_check *check, bool is_html,
                            struct string_buffer *out)
{
    struct string_buffer text = {0};
    string_buffer_append_format(
        &text,
        "policy:\n"
        "  exemptions:\n"
        "    - {check: %s, program: NAME, reason: WHY}   # also: type, "
        "address\n"
        "  checks:\n"
        "    %s: {enabled: false}                        # or severity: low",
        check->name, check->name);
    if (text.data)
        write_part(out, is_html, "How to exempt, in the configuration", text.data, true);
    out->has_failed |= text.has_failed;
    string_buffer_finish(&text);
}

void policy_page_write(const struct policy_check *check, bool is_html, struct string_buffer *out)
{
    if (is_html)
        write_html_head(out, check->name);
    else
        string_buffer_append_format(out, "%s (%s)\n", check->name,
                                    advisory_severity_name(check->severity));
    write_part(out, is_html, "What it looks for", check->what, false);
    write_part(out, is_html, "Why", check->why, false);
    write_part(out, is_html, "How to fix it, in C", check->fix_c, true);
    write_part(out, is_html, "How to fix it, in Python", check->fix_python, true);
    write_part(out, is_html, "What it leaves alone", check->except, false);
    write_exemption(check, is_html, out);
    if (is_html)
        string_buffer_append_format(
            out, "<p>Severity %s, unless the configuration says otherwise.</p>\n</body></html>\n",
            advisory_severity_name(check->severity));
}

void policy_page_write_index(struct string_buffer *out)
{
    write_html_head(out, "Checks");
    string_buffer_append_text(out, "<table>\n");
    for (size_t i = 0; i < policy_n_checks; i++) {
        string_buffer_append_format(out, "<tr><td><a href=\"%s\">%s</a></td><td>%s</td><td>",
                                    policy_checks[i].name, policy_checks[i].name,
                                    advisory_severity_name(policy_checks[i].severity));
        append_html(out, policy_checks[i].what);
        string_buffer_append_text(out, "</td></tr>\n");
    }
    string_buffer_append_text(out, "</table>\n</body></html>\n");
}
