/* SPDX-License-Identifier: MPL-2.0 */
/* demo_roles - the programs that the demo is made of. To add one, add a row and a function. */
#ifndef CLI_DEMO_ROLES_H
#define CLI_DEMO_ROLES_H

#include <stddef.h>

struct demo_role {
    const char *name;  /* also its program label */
    const char *shows; /* what to look for on the page; NULL: nothing special */
    int (*play)(void *context);
};

extern const struct demo_role demo_roles[];
extern const size_t demo_n_roles;

/* Runs one role in this process until a signal ends it. Returns the exit status if it failed. */
int demo_roles_play(const char *name);

/* Six Z85 keys, separated by spaces: public and secret of the server, of a client that it knows
 * and of one that it does not. */
#define DEMO_KEYS_VARIABLE "ZMQ_EXPORTER_DEMO_KEYS"
#define DEMO_KEYS_SIZE     (6 * 41)

/* Fills in fresh keys. Errors: -ENOTSUP if libzmq was built without CURVE. */
int demo_roles_make_keys(char ret_keys[static DEMO_KEYS_SIZE]);

#endif
