/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/command.h"
#include "cli/flags.h"
#include "config/exporter_config.h"

#include <stdio.h>

#define USAGE "usage: zmq_exporter check [FLAG ...] FILE\n"

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

static int check_file(const char *path)
{
    struct exporter_config *config = NULL;
    struct error err;
    if (exporter_config_load(path, &config, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        return COMMAND_FAILED;
    }
    printf("%s: valid, %zu probes, %zu modules, %zu targets\n", path, config->n_probes,
           config->n_modules, config->probe_targets.n);
    for (size_t i = 0; i < config->n_probes; i++)
        print_probe(&config->probes[i]);
    exporter_config_unref(&config);
    return COMMAND_OK;
}

int command_check(int argc, char **argv)
{
    struct error err;
    int rest;
    int r = flags_parse(NULL, 0, argc, argv, &rest, &err);
    if (r == FLAGS_E_HELP) {
        printf(USAGE "\nReads a configuration file as the exporter would, the files of secrets "
                     "included,\nand says what is wrong in it, or how each endpoint will be "
                     "probed.\n");
        return COMMAND_OK;
    }
    if (r == 0 && rest != argc - 1)
        r = error_set(&err, -1, "check takes one file");
    if (r < 0) {
        (void)fprintf(stderr, "zmq_exporter: %s\n" USAGE, err.message);
        return COMMAND_MISUSED;
    }
    return check_file(argv[rest]);
}
