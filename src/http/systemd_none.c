/* SPDX-License-Identifier: MPL-2.0 */
#include "http/systemd.h"

#include <errno.h>

int systemd_take_sockets(int *ret_fds, size_t max, size_t *ret_n, struct error *err)
{
    (void)ret_fds;
    (void)max;
    (void)ret_n;
    return error_set(err, -ENOTSUP, "this exporter was built without systemd");
}

void systemd_tell(const char *state)
{
    (void)state;
}
