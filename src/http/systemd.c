/* SPDX-License-Identifier: MPL-2.0 */
#include "http/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

/* What the service manager says; sd_listen_fds() takes it out of the environment. */
struct promise {
    char fds[24], pid[24];
};

static void remember(const char *name, char *ret_text, size_t size)
{
    const char *text = getenv(name);
    (void)snprintf(ret_text, size, "%s", text ? text : "");
}

static int explain(int r, const struct promise *promise, struct error *err)
{
    int fd = SD_LISTEN_FDS_START;
    if (r != -EBADF)
        return error_set(err, r,
                         "LISTEN_FDS='%s' with LISTEN_PID='%s': these are the number of sockets, "
                         "from 1 on, and this process's id; a socket unit sets them",
                         promise->fds, promise->pid);
    while (fcntl(fd, F_GETFD) >= 0)
        fd++;
    return error_set(err, r,
                     "LISTEN_FDS=%s, but descriptor %d is not open; it is the number of sockets, "
                     "which begin at descriptor %d",
                     promise->fds, fd, SD_LISTEN_FDS_START);
}

int systemd_take_sockets(int *ret_fds, size_t max, size_t *ret_n, struct error *err)
{
    struct promise promise;
    remember("LISTEN_FDS", promise.fds, sizeof(promise.fds));
    remember("LISTEN_PID", promise.pid, sizeof(promise.pid));
    int n = sd_listen_fds(1);
    if (n < 0)
        return explain(n, &promise, err);
    if (n == 0)
        return error_set(err, -ENOENT,
                         "the service manager gave no socket; is there a socket unit "
                         "of this service's name?");
    if ((size_t)n > max)
        return error_set(err, -E2BIG,
                         "the service manager gave %d sockets, at most %zu are served; "
                         "take lines out of the socket unit",
                         n, max);
    for (int i = 0; i < n; i++)
        ret_fds[i] = SD_LISTEN_FDS_START + i;
    *ret_n = (size_t)n;
    return 0;
}

void systemd_tell(const char *state)
{
    (void)sd_notify(0, state);
}
