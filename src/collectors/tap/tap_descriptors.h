/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_descriptors - how many file descriptors a process has open, and may have.
 *
 * The kernel tells another user's open descriptors to all since 6.2, and before that to root alone.
 * Errors: -EACCES (normal), -errno.
 */
#ifndef COLLECTORS_TAP_TAP_DESCRIPTORS_H
#define COLLECTORS_TAP_TAP_DESCRIPTORS_H

#include <stdint.h>
#include <sys/types.h>

int tap_descriptors_read(int procfs_fd, pid_t pid, uint64_t *ret_open, uint64_t *ret_max);

#endif
