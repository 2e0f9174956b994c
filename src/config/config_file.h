/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_file - opens what a configuration is read from: a regular file and nothing else.
 *
 * To open a FIFO is to wait for its writer, perhaps for ever, and files are read again by threads
 * that serve; a device may have effects or no end.
 *
 * Thread:  any.   Blocks: no longer than the file system does.
 * Owns:    the descriptor is the caller's.
 * Errors:  -EINVAL not a regular file, or -errno; `ret_why` has the reason, without the path.
 */
#ifndef CONFIG_CONFIG_FILE_H
#define CONFIG_CONFIG_FILE_H

#include "base/error.h"

int config_file_open(const char *path, int *ret_fd, struct error *ret_why);

#endif
