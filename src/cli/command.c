/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/command.h"

#include "cli/flags.h"
#include "cli/terminal.h"

#include <errno.h>
#include <string.h>

int command_parse(const struct command_line *self, int argc, char **argv, int *ret_rest)
{
    struct error err;
    if (argc == 2 && strcmp(argv[1], COMMAND_LIST_FLAGS) == 0) {
        flags_list(self->flags, self->n_flags);
        return COMMAND_OK;
    }
    int r = flags_parse(self->flags, self->n_flags, argc, argv, ret_rest, &err);
    if (r == FLAGS_E_HELP) {
        self->print_help(self->flags, self->n_flags);
        return COMMAND_OK;
    }
    if (r == 0 && !self->takes_arguments && *ret_rest < argc)
        r = error_set(&err, -EINVAL, "'%s' is not a flag", argv[*ret_rest]);
    if (r == 0)
        return COMMAND_GOES_ON;
    terminal_fail(self->name, &err);
    return COMMAND_MISUSED;
}
