/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_sections.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/terminal.h"
#include "config/exporter_config.h"
#include "http/web_live.h"

#include <stdio.h>

#define USAGE "usage: zmq_exporter check [FLAG ...] [FILE]\n"

/* What will be done to each endpoint: the answer to "is this safe for that program?" */
static void print_probe(const struct probe_definition *probe)
{
    const struct probe_pairing *pairing = probe_pairing_get(probe->settings.peer);
    bool is_socket = probe->settings.method == PROBE_METHOD_SOCKET;
    printf("  %s: %s at %s, by %s%s%s\n", probe->name, pairing->peer_name, probe->address.text,
           is_socket ? "a " : "greeting",
           is_socket ? probe_pairing_get(pairing->own_type)->peer_name : "",
           !is_socket                        ? ""
           : probe->settings.is_bind         ? " that is bound"
           : probe->settings.n_subscriptions ? " with subscriptions"
                                             : " that stays silent");
}

static const char *ending(size_t n)
{
    return n == 1 ? "" : "s";
}

static int check_file(const char *path)
{
    struct exporter_config *config = NULL;
    struct error err;
    struct agent_sections sections = {0};
    if (exporter_config_load(path, &config, &err) < 0 ||
        agent_sections_load(config, &sections, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        exporter_config_unref(&config);
        return COMMAND_FAILED;
    }
    agent_sections_finish(&sections);
    printf("%s: valid, %zu probe%s, %zu module%s, %zu target%s\n", path, config->n_probes,
           ending(config->n_probes), config->n_modules, ending(config->n_modules),
           config->probe_targets.n, ending(config->probe_targets.n));
    for (size_t i = 0; i < config->n_probes; i++)
        print_probe(&config->probes[i]);
    exporter_config_unref(&config);
    return COMMAND_OK;
}

/* With the certificates that it names. */
static int check_web(const char *path)
{
    struct web_live *live = NULL;
    struct error err;
    if (web_live_new(path, &live, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        return COMMAND_FAILED;
    }
    struct web_settings *settings = web_live_get(live);
    printf("%s: valid, %s, %zu user%s, %s\n", path, settings->tls ? "TLS" : "no TLS",
           settings->config->n_users, ending(settings->config->n_users),
           settings->config->rate_interval_ns > 0 ? "a rate limit" : "no rate limit");
    web_settings_release(settings);
    web_live_destroy(&live);
    return COMMAND_OK;
}

static void print_help(const struct flag *flags, size_t n_flags)
{
    printf(USAGE "\nReads a configuration file as the exporter would, the files of secrets "
                 "included,\nand says what is wrong in it, or how each endpoint will be "
                 "probed.\n\nFlags:\n");
    flags_print(flags, n_flags);
}

int command_check(int argc, char **argv)
{
    const char *web_path = NULL;
    const struct flag flags[] = {
        {"web.config.file", "FILE", NULL,
         "Checks a file of the exporter's flag of this name, with its certificates.", FLAG_TEXT,
         &web_path},
    };
    const struct command_line line = {"zmq_exporter check", flags, sizeof(flags) / sizeof(*flags),
                                      print_help, true};
    int rest;
    int parsed = command_parse(&line, argc, argv, &rest);
    if (parsed == COMMAND_MISUSED)
        (void)fputs(USAGE, stderr);
    if (parsed != COMMAND_GOES_ON)
        return parsed;
    if (rest != argc - 1 && !(web_path && rest == argc)) {
        struct error err;
        (void)error_set(&err, -1, "check takes one file");
        terminal_fail("zmq_exporter check", &err);
        (void)fputs(USAGE, stderr);
        return COMMAND_MISUSED;
    }
    int status = web_path ? check_web(web_path) : COMMAND_OK;
    int file_status = rest < argc ? check_file(argv[rest]) : COMMAND_OK;
    return status ? status : file_status;
}
