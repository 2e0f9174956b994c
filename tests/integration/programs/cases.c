/* SPDX-License-Identifier: MPL-2.0 */
#include "cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

int cases_report(const char *what, int rc)
{
    int error = errno;
    if (rc < 0)
        printf("%s: %d %s\n", what, rc,
               error >= ZMQ_HAUSNUMERO ? zmq_strerror(error) : strerrorname_np(error));
    else
        printf("%s: %d\n", what, rc);
    fflush(stdout);
    errno = error;
    return rc;
}

void *cases_report_handle(const char *what, void *handle)
{
    cases_report(what, handle ? 0 : -1);
    return handle;
}

void cases_bind(void *socket, char *ret_endpoint)
{
    size_t size = 256;
    if (zmq_bind(socket, "tcp://127.0.0.1:*") < 0 ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, ret_endpoint, &size) < 0) {
        perror("bind");
        exit(1);
    }
}

void cases_pair(void *context, void **ret_push, void **ret_pull)
{
    char endpoint[256], data[1];
    *ret_push = zmq_socket(context, ZMQ_PUSH);
    *ret_pull = zmq_socket(context, ZMQ_PULL);
    cases_bind(*ret_pull, endpoint);
    if (zmq_connect(*ret_push, endpoint) < 0 || zmq_send(*ret_push, "x", 1, 0) < 0 ||
        zmq_recv(*ret_pull, data, 1, 0) < 0) {
        perror("pair");
        exit(1);
    }
}

int cases_main(const struct cases_case *cases, size_t n, int argc, char **argv)
{
    for (size_t i = 0; i < n; i++) {
        if (argc < 2) {
            puts(cases[i].name);
        } else if (strcmp(cases[i].name, argv[1]) == 0) {
            cases[i].run();
            return 0;
        }
    }
    return argc < 2 ? 0 : 2;
}
