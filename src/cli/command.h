/* SPDX-License-Identifier: MPL-2.0 */
/*
 * command - what a subcommand is: a file of its own and a row in main.c.
 *
 * `run` gets the arguments from the command's own name on, as a main() would. Its result is the
 * exit status: COMMAND_OK, COMMAND_FAILED, or COMMAND_MISUSED for a wrong command line.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum command_status { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_MISUSED = 2 };

struct command {
    const char *name;
    const char *arguments; /* for the help: "-- PROGRAM [ARGUMENT ...]", "" */
    const char *summary;
    int (*run)(int argc, char **argv);
};

struct flag;

/* The command line of one command. */
struct command_line {
    const char *name; /* in messages: "zmq_exporter run" */
    const struct flag *flags;
    size_t n_flags;
    void (*print_help)(const struct flag *flags, size_t n_flags);
    bool takes_arguments; /* after the flags; else there are none */
};

/* Hidden, for the completion of shells. */
#define COMMAND_LIST_FLAGS    "--list-flags"
#define COMMAND_LIST_COMMANDS "--list-commands"

/* COMMAND_GOES_ON, with the targets of the flags set and `*ret_rest` the index of the first
 * argument that is none; else the exit status: the help was shown, or what is wrong said. */
#define COMMAND_GOES_ON (-1)
int command_parse(const struct command_line *self, int argc, char **argv, int *ret_rest);

/* The table of main.c, ended by a row without a name; for the help. */
extern const struct command commands[];

/* serve.c: what the exporter does without a subcommand. */
int command_peek_reader(int argc, char **argv);   /* hidden: the exporter starts it itself */
int command_peek_launcher(int argc, char **argv); /* the same */
int command_serve(int argc, char **argv);

int command_top(int argc, char **argv);  /* top.c */
int command_run(int argc, char **argv);  /* run.c */
int command_demo(int argc, char **argv); /* demo.c */

/* check.c: validates a configuration file. */
int command_audit(int argc, char **argv);
int command_check(int argc, char **argv);

#endif
