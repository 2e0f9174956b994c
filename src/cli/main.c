/* SPDX-License-Identifier: MPL-2.0 */
#include "base/suggest.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#define MAX_COMMANDS 32u

/* To add a subcommand, add its file, its declaration in command.h and a row. */
const struct command commands[] = {
    {"run", "[FLAG ...] [--] PROGRAM [ARGUMENT ...]", "starts a program with the tap", command_run},
    {"demo", "[FLAG ...]", "runs a small system that misbehaves on purpose", command_demo},
    {"check", "FILE", "says whether a configuration file is valid", command_check},
    {NULL, NULL, NULL, NULL},
};

static int unknown(const char *name)
{
    const char *names[MAX_COMMANDS] = {NULL};
    size_t n = 0;
    for (; n < MAX_COMMANDS && commands[n].name; n++)
        names[n] = commands[n].name;
    const char *near = suggest_nearest(name, names, n);
    if (near)
        (void)fprintf(stderr, "zmq_exporter: unknown command '%s' (did you mean '%s'?)\n", name,
                      near);
    else
        (void)fprintf(stderr, "zmq_exporter: unknown command '%s'; --help lists them\n", name);
    return COMMAND_MISUSED;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-')
        return command_serve(argc, argv);
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, argv[1]) == 0)
            return command->run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
