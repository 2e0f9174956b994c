/* SPDX-License-Identifier: MPL-2.0 */
/* audit - `zmq_exporter audit`: which sockets are set up dangerously, and how to mend each. */
#include "cli/audit.h"

#include "agent/agent_sections.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/suggest.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/terminal.h"
#include "collectors/peek/peek_launch.h"
#include "segment/segment_layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME          "zmq_exporter audit"
#define LIBRARY_TICKS 100u                       /* of a tenth of a second */
#define PATIENCE_NS   (20 * CLOCK_NS_PER_SECOND) /* until the reader has looked at all programs */

/* As linters have them. */
enum { STATUS_CLEAN = COMMAND_OK, STATUS_VIOLATIONS = 1, STATUS_ERROR = COMMAND_MISUSED };

static void print_help(const struct flag *flags, size_t n)
{
    printf(
        "usage: zmq_exporter audit [FLAG ...]\n"
        "       zmq_exporter audit [FLAG ...] -- PROGRAM [ARGUMENT ...]\n"
        "\n"
        "Says which ZeroMQ sockets of this host's programs are set up dangerously, worst first, "
        "and\n"
        "how to mend each, in C and in Python. Of programs without the tap less is seen. With a\n"
        "program: starts it with the tap, looks at it while it runs, and ends it.\n"
        "\n"
        "Exit status: 0 nothing found, 1 violations, 2 an error.\n"
        "\nFlags:\n");
    flags_print(flags, n);
}

static int judge(const struct audit_sources *from, const struct policy_facts *facts,
                 struct policy_findings *ret_findings, struct error *err)
{
    int r = facts->directory_result;
    if (r < 0 && !(r == -ENOENT && from->is_directory_optional))
        return error_set(
            err, r,
            "%s: %s; start the exporter, which makes this folder, or name another with "
            "--tap.directory",
            from->directory, strerror(-r));
    const struct policy_subjects subjects = {facts, from->libraries, from->sections->tables};
    r = policy_findings_make(&subjects, from->sections->policy, ret_findings);
    return r < 0 ? error_set(err, r, "%s", strerror(-r)) : 0;
}

int audit_look(const struct audit_sources *from, struct policy_findings *ret_findings,
               struct error *err)
{
    struct policy_facts facts = {0};
    int r = policy_facts_gather(from->directory, from->peek, &facts);
    r = r < 0 ? error_set(err, r, "%s", strerror(-r)) : judge(from, &facts, ret_findings, err);
    policy_facts_finish(&facts);
    return r;
}

int audit_print(const struct audit *self, const struct policy_findings *findings, struct error *err)
{
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    size_t n = policy_report_write(&self->report, findings, &text);
    if (text.has_failed)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    if (fwrite(text.data, 1, text.size, stdout) != text.size || fflush(stdout) != 0)
        return error_set(err, -EIO, "cannot write the report: %s", strerror(errno));
    return (int)n;
}

/* Takes the tables. */
static int look_at_libraries(const struct audit *self, struct agent_sections *sections,
                             struct collector *ret_collector, struct error *err)
{
    struct samples samples;
    struct handover tables = {sections->tables};
    const struct library_options options = {.segments = self->directory, .tables = &tables};
    int r = library_collector_new(&options, ret_collector, err);
    if (r < 0)
        return r;
    sections->tables = NULL;
    samples_init(&samples);
    r = ret_collector->collect(ret_collector->state, &samples, err);
    samples_finish(&samples);
    /* A scrape has no time to look at every process of a busy host; here there is. */
    for (unsigned i = 0; r == 0 && i < LIBRARY_TICKS && library_collector_is_pending(ret_collector);
         i++)
        ret_collector->tick(ret_collector->state);
    if (r < 0)
        ret_collector->destroy(ret_collector->state);
    return r;
}

struct reader {
    struct peek_launch *launch;
    struct peek_link *peek; /* NULL: tapped programs alone */
};

static void start_reader(struct reader *self, const struct agent_sections *sections)
{
    struct peek_link_options options = {
        .excluded = (const char *const *)(sections->peek ? sections->peek->excluded : NULL),
        .n_excluded = sections->peek ? sections->peek->n_excluded : 0};
    int r = peek_launch_new(&self->launch);
    options.launch = self->launch;
    if (r == 0)
        r = peek_link_new(&options, &self->peek);
    if (r < 0 || !peek_link_await_pass(self->peek, clock_monotonic_ns() + PATIENCE_NS))
        terminal_warn(NAME, "programs without the tap could not be looked at");
}

static void stop_reader(struct reader *self)
{
    peek_link_destroy(&self->peek);
    peek_launch_destroy(&self->launch);
}

static int audit_host(const struct audit *self, struct agent_sections *sections, struct error *err)
{
    struct collector libraries;
    struct policy_findings findings = {0};
    int r = look_at_libraries(self, sections, &libraries, err);
    if (r < 0)
        return r;
    struct reader reader = {NULL, NULL};
    if (!self->has_no_peek)
        start_reader(&reader, sections);
    const struct audit_sources from = {.directory = self->directory,
                                       .is_directory_optional = self->is_directory_preset &&
                                                                reader.peek,
                                       .sections = sections,
                                       .libraries = &libraries,
                                       .peek = reader.peek};
    r = audit_look(&from, &findings, err);
    stop_reader(&reader);
    if (r == 0)
        r = audit_print(self, &findings, err);
    policy_findings_finish(&findings);
    libraries.destroy(libraries.state);
    return r;
}

static int unknown(struct error *err, const char *flag, const char *value, const char *choices)
{
    return error_set(err, -EINVAL, "--%s: '%s' is not one of %s", flag, value, choices);
}

static int prepare(struct audit *self, struct error *err)
{
    struct policy_report *report = &self->report;
    if (!self->client.url && exporter_client_is_set(&self->client))
        return error_set(err, -EINVAL, "--url.… are of an exporter that --url names");
    if (!policy_format_parse(self->format, &report->format))
        return unknown(err, "format", self->format, "text, json, sarif");
    if (!advisory_severity_parse(self->fail_on, &report->least))
        return unknown(err, "fail-on", self->fail_on, "low, medium, high, critical");
    report->version = EXPORTER_VERSION;
    report->has_colours = *terminal_ink(stdout).red != '\0';
    report->if_none = POLICY_REPORT_IF_NONE;
    if (!self->directory)
        self->directory = getenv(SEGMENT_DIRECTORY_VARIABLE);
    self->is_directory_preset = !self->directory || !*self->directory;
    if (self->is_directory_preset)
        self->directory = SEGMENT_DIRECTORY_DEFAULT;
    return 0;
}

static int run(struct audit *self, char **command, struct error *err)
{
    struct exporter_config *config = NULL;
    struct agent_sections sections = {0};
    int r = prepare(self, err);
    if (r == 0 && self->client.url && *command)
        r = error_set(err, -EINVAL,
                      "--url is of programs that run already; it takes none to start");
    if (r < 0)
        return r;
    if (self->client.url)
        return audit_url(self, err);
    r = exporter_config_load(self->config_file, &config, err);
    if (r == 0)
        r = agent_sections_load(config, &sections, err);
    if (r == 0)
        r = *command ? audit_command(self, &sections, command, err)
                     : audit_host(self, &sections, err);
    agent_sections_finish(&sections);
    exporter_config_unref(&config);
    return r;
}

static int explain(const char *name)
{
    const char *names[POLICY_CHECKS_MAX];
    const struct policy_check *check = policy_check_find(name);
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    if (check) {
        policy_page_write(check, false, &text);
        (void)fputs(text.data ? text.data : "", stdout);
        return STATUS_CLEAN;
    }
    for (size_t i = 0; i < policy_n_checks; i++)
        names[i] = policy_checks[i].name;
    const char *nearest = suggest_nearest(name, names, policy_n_checks);
    struct error err;
    (void)error_set(&err, -EINVAL, "--explain: there is no check '%s'%s%s%s", name,
                    nearest ? " (did you mean '" : "", nearest ? nearest : "",
                    nearest ? "'?)" : "");
    terminal_fail(NAME, &err);
    return STATUS_ERROR;
}

int command_audit(int argc, char **argv)
{
    struct audit audit = {.format = "text", .fail_on = "low", .seconds = 10};
    const char *explained = NULL;
    const struct flag flags[] = {
        {"format", "FORMAT", "text", "text, json or sarif (2.1.0).", FLAG_TEXT, &audit.format},
        {"fail-on", "SEVERITY", "low",
         "The least severity that is shown and is a violation: low, medium, high or critical.",
         FLAG_TEXT, &audit.fail_on},
        {"program", "PATTERN", "all", "Only programs of this name, as fnmatch(3).", FLAG_TEXT,
         &audit.report.program},
        {"url", "URL", NULL, "Ask the exporter at http[s]://HOST:PORT instead of this host.",
         FLAG_TEXT, &audit.client.url},
        EXPORTER_CLIENT_FLAGS(audit.client),
        {"config.file", "FILE", NULL,
         "The exporter's configuration, whose section policy tunes the checks.", FLAG_TEXT,
         &audit.config_file},
        {"tap.directory", "DIRECTORY",
         "$" SEGMENT_DIRECTORY_VARIABLE " or " SEGMENT_DIRECTORY_DEFAULT,
         "Where the programs write what they count.", FLAG_TEXT, &audit.directory},
        {"no-collector.peek", NULL, NULL, "Tapped programs alone.", FLAG_SWITCH,
         &audit.has_no_peek},
        {"seconds", "N", "10", "How long a program that is started for it runs at most.",
         FLAG_NUMBER, &audit.seconds},
        {"tap.library", "PATH", "the one beside or installed with zmq_exporter",
         "The libzmqtap.so to start it with.", FLAG_TEXT, &audit.library},
        {"explain", "CHECK", NULL, "Say what a check looks for, why, and how to fix or exempt it.",
         FLAG_TEXT, &explained},
    };
    const struct command_line line = {NAME, flags, sizeof(flags) / sizeof(*flags), print_help,
                                      true};
    struct error err;
    int rest;
    int status = command_parse(&line, argc, argv, &rest);
    if (status != COMMAND_GOES_ON)
        return status;
    if (explained)
        return explain(explained);
    int r = run(&audit, argv + rest, &err);
    if (r < 0) {
        terminal_fail(NAME, &err);
        return STATUS_ERROR;
    }
    return r > 0 ? STATUS_VIOLATIONS : STATUS_CLEAN;
}
