/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/zmtp_client.h"

#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/un.h>

static unsigned n_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void start__refused_at_once__keeps_no_descriptor(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, "/nowhere/at/all");
    unsigned before = n_descriptors();
    for (int i = 0; i < 10; i++) {
        struct zmtp_client client = ZMTP_CLIENT_INIT;
        assert_int_equal(
            zmtp_client_start(&client, (const struct sockaddr *)&address, sizeof(address)),
            -ENOENT);
    }
    assert_int_equal(n_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start__refused_at_once__keeps_no_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
