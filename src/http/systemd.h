/* SPDX-License-Identifier: MPL-2.0 */
/*
 * systemd - sockets from the service manager, and notifications to it.
 *
 * Has two twins: systemd.c with libsystemd, systemd_none.c without, where there are no sockets and
 * no notifications.
 */
#ifndef HTTP_SYSTEMD_H
#define HTTP_SYSTEMD_H

#include "base/error.h"

#include <stddef.h>

/* The descriptors that the manager has opened for this process, in `ret_fds`; they are the
 * caller's. Call once, before anything else opens a descriptor: how many there are is only said,
 * so what comes next would be taken for one of them. Nothing is closed, also on failure.
 * -ENOENT: it gave none; -E2BIG: more than `max`; -EBADF: fewer than it says; -EINVAL. */
int systemd_take_sockets(int *ret_fds, size_t max, size_t *ret_n, struct error *err);

/* "READY=1" or "STOPPING=1"; nothing without a manager. */
void systemd_tell(const char *state);

#endif
