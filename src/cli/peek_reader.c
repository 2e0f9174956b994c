/* SPDX-License-Identifier: MPL-2.0 */
/* The exporter's own: no user calls it, and help does not name it. */
#include "peek/peek_reader.h"
#include "peek/peek_launcher.h"

#include "base/error.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>

static int end(int r, const char *command)
{
    if (r == 0)
        return COMMAND_OK;
    struct error err;
    (void)error_set(&err, r, "cannot look at other programs: %s", strerror(-r));
    terminal_fail(command, &err);
    return COMMAND_FAILED;
}

int command_peek_launcher(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return end(peek_launcher_run(PEEK_LAUNCHER_FD), "zmq_exporter peek-launcher");
}

int command_peek_reader(int argc, char **argv)
{
    struct peek_reader_options options = {.fd = PEEK_READER_FD};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--interval") == 0)
            options.interval_ms = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--fd") == 0)
            options.fd = atoi(argv[i + 1]);
    }
    return end(peek_reader_run(&options), "zmq_exporter peek-reader");
}
