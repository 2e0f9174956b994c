/* SPDX-License-Identifier: MPL-2.0 */
/*
 * demo_children - the demo's processes: started, watched, and ended together.
 *
 * Each child is a group of its own, so that Ctrl-C reaches the demo alone, which then ends them
 * in order; should the demo itself be killed, the kernel ends them.
 */
#ifndef CLI_DEMO_CHILDREN_H
#define CLI_DEMO_CHILDREN_H

#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>

#define DEMO_CHILDREN_MAX 32u

struct demo_child {
    const char *name;
    pid_t pid; /* 0: ended */
};

struct demo_children {
    struct demo_child list[DEMO_CHILDREN_MAX];
    size_t n;
};

/* Runs this program again with `argv` in `folder`; `environment` is name, value, … , NULL, added
 * to the demo's own. Signals that the demo has blocked are not blocked there. */
struct demo_start {
    const char *name;
    const char *folder; /* NULL: the demo's own */
    const char *const *environment;
    char *const *argv;
};

int demo_children_start(struct demo_children *self, const struct demo_start *start,
                        struct error *err);

/* A child that has ended by itself, NULL if all run. `ret_status` as in waitpid(2). */
const char *demo_children_reap(struct demo_children *self, int *ret_status);

/* SIGTERM to all, SIGKILL to those that are still there after `patience_ms`; waits for all. */
void demo_children_stop(struct demo_children *self, int patience_ms);

#endif
