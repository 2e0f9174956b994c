/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/terminal.h"
#include "collectors/tap/tap_collector.h"
#include "segment/segment_layout.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_ADDRESS         ":10556"
#define DEFAULT_PATH            "/metrics"
#define DEFAULT_MAX_REQUESTS    40
#define DEFAULT_MAX_CONNECTIONS 512

#define TEXT_OF_WORD(word) #word
#define TEXT_OF(macro)     TEXT_OF_WORD(macro)

#define NAME "zmq_exporter"

struct serve_flags {
    struct flag_values addresses;
    const char *config_file;
    const char *web_config_file;
    bool uses_systemd_socket;
    const char *telemetry_path;
    const char *directory;
    unsigned max_tap_groups;
    bool has_no_peek;
    bool has_details;
    bool has_created;
    struct flag_values peek_excluded;
    const char *peek_socket;
    unsigned max_requests;
    unsigned max_connections;
    const char *log_level;
    const char *log_format;
    bool is_version;
};

static void print_help(const struct flag *flags, size_t n)
{
    struct terminal_ink ink = terminal_ink(stdout);
    printf("usage: zmq_exporter [FLAG ...]\n");
    for (const struct command *command = commands; command->name; command++)
        printf("       zmq_exporter %s %s\n", command->name, command->arguments);
    printf("\nSees inside the ZeroMQ sockets of this host and serves it to Prometheus.\n\n");
    if (commands[0].name)
        printf("Commands:\n");
    for (const struct command *command = commands; command->name; command++)
        printf("  %s%-8s%s %s\n", ink.bold, command->name, ink.plain, command->summary);
    printf("%sFlags:\n", commands[0].name ? "\n" : "");
    flags_print(flags, n);
}

static int configure_log(const struct serve_flags *given, struct error *err)
{
    enum log_level level;
    enum log_format format;
    if (!log_level_parse(given->log_level, &level))
        return error_set(err, -1, "--log.level: '%s' is not debug, info, warn or error",
                         given->log_level);
    if (!log_format_parse(given->log_format, &format))
        return error_set(err, -1, "--log.format: '%s' is not logfmt or json", given->log_format);
    log_configure(level, format);
    return 0;
}

static int serve(const struct serve_flags *given)
{
    static const char *const default_address = DEFAULT_ADDRESS;
    const char *directory = given->directory ? given->directory
                                             : getenv(SEGMENT_DIRECTORY_VARIABLE);
    struct agent_options options = {
        .listen_addresses = given->addresses.n ? given->addresses.items : &default_address,
        .n_listen_addresses = given->addresses.n ? given->addresses.n : 1,
        .uses_systemd_socket = given->uses_systemd_socket,
        .config_file = given->config_file,
        .web_config_file = given->web_config_file,
        .telemetry_path = given->telemetry_path,
        .directory = directory && *directory ? directory : SEGMENT_DIRECTORY_DEFAULT,
        .max_tap_groups = given->max_tap_groups,
        .has_no_peek = given->has_no_peek,
        .has_details = given->has_details,
        .has_created = given->has_created,
        .peek_socket = given->peek_socket,
        .peek_excluded = given->peek_excluded.items,
        .n_peek_excluded = given->peek_excluded.n,
        .max_requests = given->max_requests,
        .max_connections = given->max_connections,
    };
    struct error err;
    log_info("starting", "version", EXPORTER_VERSION);
    if (agent_run(&options, &err) == 0)
        return COMMAND_OK;
    log_error("cannot start", "error", err.message);
    return COMMAND_FAILED;
}

/* Of the one command line. */
static struct serve_flags given = {.telemetry_path = DEFAULT_PATH,
                                   .max_tap_groups = TAP_MAX_GROUPS_DEFAULT,
                                   .max_requests = DEFAULT_MAX_REQUESTS,
                                   .max_connections = DEFAULT_MAX_CONNECTIONS,
                                   .log_level = "info",
                                   .log_format = "logfmt"};

static const struct flag flags[] = {
    {"config.file", "FILE", NULL,
     "Probes and what else is configured; see `zmq_exporter check`. Read again on SIGHUP and "
     "POST /-/reload.",
     FLAG_TEXT, &given.config_file},
    {"web.listen-address", "ADDRESS", DEFAULT_ADDRESS,
     "Where to listen: ':PORT' for every address of the host, 'HOST:PORT', '[IPV6]:PORT', or "
     "'unix:PATH' for a socket file. Port 0 takes a free one, which the log tells.",
     FLAG_TEXTS, &given.addresses},
    {"web.systemd-socket", NULL, NULL,
     "Takes the listening sockets from systemd's socket activation, in place of addresses.",
     FLAG_SWITCH, &given.uses_systemd_socket},
    {"web.config.file", "FILE", NULL,
     "TLS, basic authentication, headers and rate limit, in the format of Prometheus's "
     "exporter-toolkit. Read again when it or a certificate changes.",
     FLAG_TEXT, &given.web_config_file},
    {"web.telemetry-path", "PATH", DEFAULT_PATH, "The path of the metrics.", FLAG_TEXT,
     &given.telemetry_path},
    {"web.max-requests", "N", TEXT_OF(DEFAULT_MAX_REQUESTS),
     "Probes and reloads at once, of which one more gets status 503, and large answers under "
     "way, of which the slowest is then given up.",
     FLAG_NUMBER, &given.max_requests},
    {"web.max-connections", "N", TEXT_OF(DEFAULT_MAX_CONNECTIONS),
     "Open connections; beyond it, the one that has been slow for longest is closed.", FLAG_NUMBER,
     &given.max_connections},
    {"tap.directory", "DIRECTORY", "$" SEGMENT_DIRECTORY_VARIABLE " or " SEGMENT_DIRECTORY_DEFAULT,
     "Where tapped programs write what they count.", FLAG_TEXT, &given.directory},
    {"tap.max-groups", "N", TEXT_OF(TAP_MAX_GROUPS_DEFAULT),
     "Groups of sockets (program, type, address) with series of their own; those beyond it "
     "are counted together, with address \"(other)\".",
     FLAG_NUMBER, &given.max_tap_groups},
    {"collector.details", NULL, NULL,
     "Puts events, options, mechanisms and what the tap can measure on the page as well: 32 "
     "series a group more. Without it they are at PATH?collect[]=details.",
     FLAG_SWITCH, &given.has_details},
    {"web.created-timestamps", NULL, NULL,
     "In OpenMetrics, says of each counter since when it counts: half as many series again.",
     FLAG_SWITCH, &given.has_created},
    {"no-collector.peek", NULL, NULL,
     "Leaves programs without a tap alone. Without this flag a process of its own reads the "
     "queues of those that it may look at, once a second.",
     FLAG_SWITCH, &given.has_no_peek},
    {"collector.peek.socket", "PATH", NULL,
     "Where a reader of such programs is to be had, by which systemd starts it; without it "
     "the exporter starts one itself.",
     FLAG_TEXT, &given.peek_socket},
    {"collector.peek.exclude", "PROGRAM", NULL,
     "A program that is not looked at without a tap, by the name that its label has; the "
     "configuration's peek.exclude is the same.",
     FLAG_TEXTS, &given.peek_excluded},
    {"log.level", "LEVEL", "info", "debug, info, warn or error.", FLAG_TEXT, &given.log_level},
    {"log.format", "FORMAT", "logfmt", "logfmt or json.", FLAG_TEXT, &given.log_format},
    {"version", NULL, NULL, "Shows the version.", FLAG_SWITCH, &given.is_version},
};

int command_serve(int argc, char **argv)
{
    const struct command_line line = {NAME, flags, sizeof(flags) / sizeof(*flags), print_help,
                                      false};
    struct error err;
    int rest;
    int status = command_parse(&line, argc, argv, &rest);
    if (status != COMMAND_GOES_ON)
        return status;
    if (configure_log(&given, &err) < 0) {
        terminal_fail(NAME, &err);
        return COMMAND_MISUSED;
    }
    if (given.is_version) {
        printf("zmq_exporter, version %s\n", EXPORTER_VERSION);
        return COMMAND_OK;
    }
    return serve(&given);
}
