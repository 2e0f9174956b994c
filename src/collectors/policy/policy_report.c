/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/policy/policy_report.h"

#include "metrics/json_writer.h"
#include "metrics/labels.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct ink {
    const char *bold, *red, *yellow, *green, *plain;
};

static const struct ink colours = {"\033[1m", "\033[1;31m", "\033[33m", "\033[32m", "\033[0m"};
static const struct ink no_colours = {"", "", "", "", ""};

bool policy_format_parse(const char *name, enum policy_format *ret_format)
{
    static const char *const names[] = {"text", "json", "sarif"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_format = i;
            return true;
        }
    }
    return false;
}

static bool is_shown(const struct policy_report *self, const struct policy_finding *finding)
{
    return finding->severity >= self->least &&
           (!self->program || fnmatch(self->program, finding->program, 0) == 0);
}

/* Names come from other users' processes: no control characters reach a terminal. */
static void append_clean(struct string_buffer *out, const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            string_buffer_append(out, "?", 1);
        else
            string_buffer_append(out, text, 1);
    }
}

static void append_lines(struct string_buffer *out, const char *label, const char *text)
{
    for (const char *line = text; line;) {
        size_t n = strcspn(line, "\n");
        string_buffer_append_format(out, "      %-8s %.*s\n", line == text ? label : "", (int)n,
                                    line);
        line = line[n] ? line + n + 1 : NULL;
    }
}

static bool is_same_place(const struct policy_finding *a, const struct policy_finding *b)
{
    return strcmp(a->program, b->program) == 0 && strcmp(a->type, b->type) == 0 &&
           strcmp(a->endpoint, b->endpoint) == 0;
}

static const char *ink_of(const struct ink *ink, enum advisory_severity severity)
{
    return severity >= ADVISORY_HIGH ? ink->red : severity == ADVISORY_MEDIUM ? ink->yellow : "";
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void write_place(struct string_buffer *out, const struct ink *ink,
                        const struct policy_finding *finding)
{
    string_buffer_append_format(out, "\n%s", ink->bold);
    append_clean(out, *finding->program ? finding->program : "(no name)");
    string_buffer_append_format(out, "%s  %s%s", ink->plain, finding->type,
                                *finding->type ? " " : "");
    append_clean(out, finding->endpoint);
    if (finding->pid)
        string_buffer_append_format(out, "  pid %" PRIu64, finding->pid);
    string_buffer_append(out, "\n", 1);
}

static void write_finding(struct string_buffer *out, const struct ink *ink,
                          const struct policy_finding *finding, bool is_explained)
{
    string_buffer_append_format(out, "  %s%-8s%s %-25s ", ink_of(ink, finding->severity),
                                advisory_severity_name(finding->severity), ink->plain,
                                finding->check->name);
    append_clean(out, finding->detail);
    if (finding->n > 1)
        string_buffer_append_format(out, " (%u of them)", finding->n);
    string_buffer_append(out, "\n", 1);
    if (!is_explained)
        return;
    append_lines(out, "fix, C", finding->check->fix_c);
    append_lines(out, "Python", finding->check->fix_python);
}

/* A program's sockets stand where the worst of their findings puts them. */
static size_t write_text(const struct policy_report *self, const struct policy_findings *findings,
                         struct string_buffer *out)
{
    const struct ink *ink = self->has_colours ? &colours : &no_colours;
    bool is_explained[POLICY_CHECKS_MAX] = {false};
    size_t n = 0;
    for (size_t i = 0; i < findings->n; i++) {
        const struct policy_finding *first = &findings->items[i];
        bool is_done = !is_shown(self, first);
        for (size_t j = 0; !is_done && j < i; j++)
            is_done = is_shown(self, &findings->items[j]) &&
                      is_same_place(first, &findings->items[j]);
        if (is_done)
            continue;
        write_place(out, ink, first);
        for (size_t j = i; j < findings->n; j++) {
            const struct policy_finding *finding = &findings->items[j];
            if (!is_shown(self, finding) || !is_same_place(first, finding))
                continue;
            size_t row = (size_t)(finding->check - policy_checks);
            write_finding(out, ink, finding, !is_explained[row]);
            is_explained[row] = true;
            n++;
        }
    }
    return n;
}

static size_t n_checks_looked_at(const struct policy_findings *findings)
{
    size_t n = 0;
    for (size_t i = 0; i < policy_n_checks; i++)
        n += findings->n_looked_at[i] > 0;
    return n;
}

static size_t write_whole_text(const struct policy_report *self,
                               const struct policy_findings *findings, struct string_buffer *out)
{
    const struct ink *ink = self->has_colours ? &colours : &no_colours;
    size_t n = write_text(self, findings, out);
    string_buffer_append_format(out,
                                "%s%s%zu violation%s%s in %zu socket%s; %zu of %zu checks "
                                "could be looked at.\n",
                                n ? "\n" : "", n ? ink->red : ink->green, n, plural(n), ink->plain,
                                findings->n_sockets, plural(findings->n_sockets),
                                n_checks_looked_at(findings), policy_n_checks);
    if (findings->n_sockets == 0)
        string_buffer_append_format(out, "%s\n", self->if_none);
    if (findings->n_untapped)
        string_buffer_append_format(
            out,
            "%zu of the sockets %s to programs without the tap: of these high water marks, linger, "
            "timeouts,\nmessage size and address are seen, and no more; `zmq_exporter run -- "
            "PROGRAM` starts one with the tap.\n",
            findings->n_untapped, findings->n_untapped == 1 ? "belongs" : "belong");
    if (findings->n_beyond_limit)
        string_buffer_append_format(out, "%zu more are not shown.\n", findings->n_beyond_limit);
    if (n)
        string_buffer_append_text(out, "`zmq_exporter audit --explain=CHECK` says why, and how to "
                                       "exempt what is meant to be so, or not yours to change.\n");
    return n;
}

/* An untrusted text, as JSON: labels_append() makes it UTF-8. */
static void append_member(struct string_buffer *out, const char *name, const char *text)
{
    struct string_buffer label = {0};
    labels_append(&label, name, text);
    json_writer_labels(out, label.data ? label.data : "", label.size);
    out->has_failed |= label.has_failed;
    string_buffer_finish(&label);
}

static void append_literal(struct string_buffer *out, const char *name, const char *text)
{
    json_writer_text(out, name);
    string_buffer_append(out, ":", 1);
    json_writer_text(out, text);
}

static void write_json_finding(struct string_buffer *out, const struct policy_finding *finding)
{
    string_buffer_append(out, "{", 1);
    append_literal(out, "check", finding->check->name);
    string_buffer_append(out, ",", 1);
    append_literal(out, "severity", advisory_severity_name(finding->severity));
    string_buffer_append(out, ",", 1);
    append_member(out, "program", finding->program);
    string_buffer_append(out, ",", 1);
    append_member(out, "type", finding->type);
    string_buffer_append(out, ",", 1);
    append_member(out, "address", finding->endpoint);
    string_buffer_append_format(out, ",\"count\":%u,\"pid\":%" PRIu64 ",", finding->n,
                                finding->pid);
    append_member(out, "detail", finding->detail);
    string_buffer_append_text(out, ",\"fix\":{");
    append_literal(out, "c", finding->check->fix_c);
    string_buffer_append(out, ",", 1);
    append_literal(out, "python", finding->check->fix_python);
    string_buffer_append_text(out, "}}");
}

static size_t write_json(const struct policy_report *self, const struct policy_findings *findings,
                         struct string_buffer *out)
{
    size_t n = 0;
    string_buffer_append_text(out, "{\"version\":");
    json_writer_text(out, self->version);
    string_buffer_append_text(out, ",\"violations\":[");
    for (size_t i = 0; i < findings->n; i++) {
        if (!is_shown(self, &findings->items[i]))
            continue;
        string_buffer_append_text(out, n++ ? ",\n" : "\n");
        write_json_finding(out, &findings->items[i]);
    }
    string_buffer_append_text(out, "],\n\"checks\":[");
    for (size_t i = 0; i < policy_n_checks; i++)
        string_buffer_append_format(out, "%s{\"check\":\"%s\",\"looked_at\":%u}", i ? "," : "",
                                    policy_checks[i].name, findings->n_looked_at[i]);
    string_buffer_append_format(
        out, "],\n\"sockets\":%zu,\"untapped_sockets\":%zu,\"not_shown\":%zu}\n",
        findings->n_sockets, findings->n_untapped, findings->n_beyond_limit);
    return n;
}

/* SARIF has three levels, and a number that code scanners sort by. */
static const char *const sarif_levels[] = {"note", "warning", "error", "error"};
static const char *const sarif_numbers[] = {"3.0", "5.5", "8.0", "9.5"};

static void write_sarif_rule(struct string_buffer *out, const struct policy_check *check)
{
    string_buffer_append(out, "{", 1);
    append_literal(out, "id", check->name);
    string_buffer_append_text(out, ",\"shortDescription\":{");
    append_literal(out, "text", check->what);
    string_buffer_append_text(out, "},\"fullDescription\":{");
    append_literal(out, "text", check->why);
    struct string_buffer page = {0};
    policy_page_write(check, false, &page);
    string_buffer_append_text(out, "},\"help\":{");
    append_literal(out, "text", page.data ? page.data : "");
    string_buffer_finish(&page);
    string_buffer_append_format(out,
                                "},\"defaultConfiguration\":{\"level\":\"%s\"},"
                                "\"properties\":{\"security-severity\":\"%s\"}}",
                                sarif_levels[check->severity], sarif_numbers[check->severity]);
}

static void write_sarif_result(struct string_buffer *out, const struct policy_finding *finding)
{
    char place[sizeof(finding->program) + sizeof(finding->endpoint) + 32];
    (void)snprintf(place, sizeof(place), "%s/%s/%s", finding->program, finding->type,
                   finding->endpoint);
    string_buffer_append_format(out, "{\"ruleId\":\"%s\",\"ruleIndex\":%zu,\"level\":\"%s\",",
                                finding->check->name, (size_t)(finding->check - policy_checks),
                                sarif_levels[finding->severity]);
    string_buffer_append_text(out, "\"message\":{");
    append_member(out, "text", finding->detail);
    string_buffer_append_text(out, "},\"locations\":[{\"logicalLocations\":[{");
    append_member(out, "fullyQualifiedName", place);
    string_buffer_append_text(out, ",\"kind\":\"resource\"}]}],\"partialFingerprints\":{");
    append_member(out, "socket/v1", place);
    string_buffer_append_text(out, "}}");
}

static size_t write_sarif(const struct policy_report *self, const struct policy_findings *findings,
                          struct string_buffer *out)
{
    size_t n = 0;
    string_buffer_append_text(
        out, "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":"
             "\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"zmq_exporter\",\"version\":");
    json_writer_text(out, self->version);
    string_buffer_append_text(out, ",\"rules\":[");
    for (size_t i = 0; i < policy_n_checks; i++) {
        string_buffer_append_text(out, i ? ",\n" : "\n");
        write_sarif_rule(out, &policy_checks[i]);
    }
    string_buffer_append_text(out, "]}},\"results\":[");
    for (size_t i = 0; i < findings->n; i++) {
        if (!is_shown(self, &findings->items[i]))
            continue;
        string_buffer_append_text(out, n++ ? ",\n" : "\n");
        write_sarif_result(out, &findings->items[i]);
    }
    string_buffer_append_text(out, "]}]}\n");
    return n;
}

size_t policy_report_write(const struct policy_report *self, const struct policy_findings *findings,
                           struct string_buffer *out)
{
    switch (self->format) {
    case POLICY_JSON:
        return write_json(self, findings, out);
    case POLICY_SARIF:
        return write_sarif(self, findings, out);
    case POLICY_TEXT:
        break;
    }
    return write_whole_text(self, findings, out);
}
