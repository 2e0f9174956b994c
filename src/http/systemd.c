/* SPDX-License-Identifier: MPL-2.0 */
#include "http/systemd.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

int systemd_take_sockets(int *ret_fds, size_t max, size_t *ret_n, struct error *err)
{
    int n = sd_listen_fds(1);
    if (n < 0)
        return error_set(err, n, "cannot take the service manager's sockets: %s", strerror(-n));
    if (n == 0)
        return error_set(err, -ENOENT,
                         "the service manager gave no socket; is there a socket unit "
                         "of this service's name?");
    if ((size_t)n > max) {
        for (int i = 0; i < n; i++)
            close(SD_LISTEN_FDS_START + i);
        return error_set(err, -E2BIG, "the service manager gave %d sockets, at most %zu are served",
                         n, max);
    }
    for (int i = 0; i < n; i++)
        ret_fds[i] = SD_LISTEN_FDS_START + i;
    *ret_n = (size_t)n;
    return 0;
}

void systemd_tell(const char *state)
{
    (void)sd_notify(0, state);
}
