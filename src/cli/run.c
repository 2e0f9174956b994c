/* SPDX-License-Identifier: MPL-2.0 */
/* run - `zmq_exporter run -- PROGRAM …`: starts a program with the tap in it. */
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/tap_preload.h"
#include "cli/terminal.h"
#include "segment/segment_layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "zmq_exporter run"

/* As env(1) has them; COMMAND_MISUSED for a wrong command line. */
enum { STATUS_NO_TAP = 125, STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

struct run_flags {
    const char *program, *directory, *library;
};

static void print_help(const struct flag *flags, size_t n)
{
    printf("usage: zmq_exporter run [FLAG ...] [--] PROGRAM [ARGUMENT ...]\n"
           "\n"
           "Starts the program with the tap, so that its ZeroMQ sockets show on the exporter's "
           "page.\n"
           "It takes the place of this one: exit status, signals and process id are its own.\n"
           "\nFlags:\n");
    flags_print(flags, n);
}

static int set_variable(const char *name, const char *value, struct error *err)
{
    if (value && setenv(name, value, 1) < 0)
        return error_set(err, -errno, "%s: %s", name, strerror(errno));
    return 0;
}

static int prepare(const struct run_flags *given, struct error *err)
{
    char library[PATH_MAX];
    int r = tap_preload_find(given->library, library, err);
    if (r == 0)
        r = tap_preload_set(library, err);
    if (r == 0)
        r = set_variable("ZMQ_EXPORTER_PROGRAM", given->program, err);
    if (r == 0)
        r = set_variable(SEGMENT_DIRECTORY_VARIABLE, given->directory, err);
    return r;
}

/* The tap itself is silent, so what would leave the page empty is said here, once. */
static void warn_of_directory(void)
{
    const char *directory = getenv(SEGMENT_DIRECTORY_VARIABLE);
    if (!directory || !*directory)
        directory = SEGMENT_DIRECTORY_DEFAULT;
    if (access(directory, W_OK | X_OK) == 0)
        return;
    if (errno == ENOENT)
        terminal_warn(NAME,
                      "%s: %s; nothing is counted until the exporter, which makes this folder, "
                      "runs, or --tap.directory names another",
                      directory, strerror(errno));
    else
        terminal_warn(NAME,
                      "%s: %s; nothing is counted unless every user may write there (mode 3773, "
                      "as the exporter makes it), or --tap.directory names another",
                      directory, strerror(errno));
}

/* A program with privileges of its own is started by the kernel without LD_PRELOAD. */
static void warn_of_privileges(const char *program)
{
    struct stat status;
    if (strchr(program, '/') && stat(program, &status) == 0 && geteuid() != 0 &&
        (status.st_mode & (S_ISUID | S_ISGID)))
        terminal_warn(
            NAME,
            "%s is set-user-id or set-group-id: the dynamic loader ignores " TAP_PRELOAD_VARIABLE
            " and it runs without the tap",
            program);
}

static int execute(char **argv)
{
    warn_of_directory();
    warn_of_privileges(argv[0]);
    execvp(argv[0], argv);
    int status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
    struct error err;
    (void)error_set(&err, -errno, "%s: %s", argv[0], strerror(errno));
    terminal_fail(NAME, &err);
    return status;
}

int command_run(int argc, char **argv)
{
    struct run_flags given = {0};
    const struct flag flags[] = {
        {"program", "NAME", "the systemd unit, else the program's name",
         "The name of the program on the page: its label program.", FLAG_TEXT, &given.program},
        {"tap.directory", "DIRECTORY",
         "$" SEGMENT_DIRECTORY_VARIABLE " or " SEGMENT_DIRECTORY_DEFAULT,
         "Where the program writes what it counts; the exporter reads the same.", FLAG_TEXT,
         &given.directory},
        {"tap.library", "PATH", "the one beside or installed with zmq_exporter",
         "The libzmqtap.so to use.", FLAG_TEXT, &given.library},
    };
    const struct command_line line = {NAME, flags, sizeof(flags) / sizeof(*flags), print_help,
                                      true};
    struct error err;
    int rest, r = 0;
    int status = command_parse(&line, argc, argv, &rest);
    if (status != COMMAND_GOES_ON)
        return status;
    status = COMMAND_MISUSED;
    if (rest == argc)
        r = error_set(&err, -EINVAL, "name the program to start, or see --help");
    if (r == 0) {
        r = prepare(&given, &err);
        status = STATUS_NO_TAP;
    }
    if (r < 0) {
        terminal_fail(NAME, &err);
        return status;
    }
    return execute(argv + rest);
}
