/* SPDX-License-Identifier: MPL-2.0 */
/* czmq_addon - a plug-in that knows CZMQ alone, which brings libzmq: host opens it RTLD_LOCAL. */
#include <czmq.h>

/* Sends `n` messages of two frames over tcp to itself and leaves the sockets open. */
__attribute__((visibility("default"))) int addon_work(int n);

int addon_work(int n)
{
    int done = 0;
    zsock_t *pull = zsock_new_pull("@tcp://127.0.0.1:*");
    zsock_t *push = pull ? zsock_new_push(zsock_endpoint(pull)) : NULL;
    for (int i = 0; push && i < n; i++) {
        char *first = NULL, *second = NULL;
        if (zstr_sendx(push, "first", "second", NULL) == 0 &&
            zstr_recvx(pull, &first, &second, NULL) == 2)
            done += streq(first, "first") && streq(second, "second");
        zstr_free(&first);
        zstr_free(&second);
    }
    return done;
}
