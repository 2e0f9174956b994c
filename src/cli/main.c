/* SPDX-License-Identifier: MPL-2.0 */
#include "base/suggest.h"
#include "cli/command.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

#define MAX_COMMANDS 32u

/* To add a subcommand, add its file, its declaration in command.h and a row. */
const struct command commands[] = {
    {"run", "[FLAG ...] [--] PROGRAM [ARGUMENT ...]", "starts a program with the tap", command_run},
    {"demo", "[FLAG ...]", "runs a small system that misbehaves on purpose", command_demo},
    {"audit", "[FLAG ...] [-- PROGRAM [ARGUMENT ...]]", "says which sockets are set up dangerously",
     command_audit},
    {"top", "[FLAG ...]", "shows the sockets of this host in a terminal, problems first",
     command_top},
    {"check", "[FLAG ...] [FILE]", "says whether a configuration file is valid", command_check},
    {NULL, NULL, NULL, NULL},
};

static int unknown(const char *name)
{
    const char *names[MAX_COMMANDS] = {NULL};
    size_t n = 0;
    for (; n < MAX_COMMANDS && commands[n].name; n++)
        names[n] = commands[n].name;
    const char *near = suggest_nearest(name, names, n);
    struct error err;
    if (near)
        (void)error_set(&err, -1, "unknown command '%s' (did you mean '%s'?)", name, near);
    else
        (void)error_set(&err, -1, "unknown command '%s'; --help lists them", name);
    terminal_fail("zmq_exporter", &err);
    return COMMAND_MISUSED;
}

/* `help` and `help COMMAND`, which many try first. */
static int help(const char *name)
{
    char flag[] = "--help", own[] = "zmq_exporter";
    char *argv[] = {own, flag, NULL};
    for (const struct command *command = commands; name && command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command->run(2, argv);
    }
    return name ? unknown(name) : command_serve(2, argv);
}

static int list_commands(void)
{
    for (const struct command *command = commands; command->name; command++)
        printf("%s\t%s\n", command->name, command->summary);
    return COMMAND_OK;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], COMMAND_LIST_COMMANDS) == 0)
        return list_commands();
    if (argc < 2 || argv[1][0] == '-')
        return command_serve(argc, argv);
    if (strcmp(argv[1], "help") == 0)
        return help(argv[2]);
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, argv[1]) == 0)
            return command->run(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "peek-reader") == 0)
        return command_peek_reader(argc - 1, argv + 1);
    if (strcmp(argv[1], "peek-launcher") == 0)
        return command_peek_launcher(argc - 1, argv + 1);
    return unknown(argv[1]);
}
