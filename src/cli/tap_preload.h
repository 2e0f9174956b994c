/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_preload - finds libzmqtap.so and puts it into the environment of the next program.
 *
 * It is looked for where this program lies: in a build tree, in the same folder, or in the
 * library folder that it was installed with, moved or not.
 */
#ifndef CLI_TAP_PRELOAD_H
#define CLI_TAP_PRELOAD_H

#include "base/error.h"

#include <limits.h>

#define TAP_PRELOAD_VARIABLE "LD_PRELOAD"

/* `given` (may be NULL) is a path from the command line and then the only place.
 * Errors: -ENOENT; -EINVAL for a path that the dynamic loader could not take. */
int tap_preload_find(const char *given, char ret_path[static PATH_MAX], struct error *err);

/* Puts `path` before what LD_PRELOAD holds already, once. Errors: -ENOMEM. */
int tap_preload_set(const char *path, struct error *err);

#endif
