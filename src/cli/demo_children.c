/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/demo_children.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const struct demo_start *start, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(0); /* the demo died before the line above */
    for (const char *const *item = start->environment; item && *item; item += 2)
        (void)setenv(item[0], item[1], 1);
    char program[PATH_MAX] = "/proc/self/exe"; /* by its name, for ps(1) */
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (n > 0)
        program[n] = '\0';
    if (start->folder && chdir(start->folder) < 0)
        (void)fprintf(stderr, "zmq_exporter demo: %s: %s\n", start->folder, strerror(errno));
    else
        execv(program, start->argv);
    (void)fprintf(stderr, "zmq_exporter demo: %s: %s\n", start->name, strerror(errno));
    _exit(1);
}

int demo_children_start(struct demo_children *self, const struct demo_start *start,
                        struct error *err)
{
    if (self->n == DEMO_CHILDREN_MAX)
        return error_set(err, -ENOSPC, "%s: more than %u processes", start->name,
                         DEMO_CHILDREN_MAX);
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return error_set(err, -errno, "cannot start %s: %s", start->name, strerror(errno));
    if (pid == 0)
        become(start, parent);
    self->list[self->n++] = (struct demo_child){start->name, pid};
    return 0;
}

const char *demo_children_reap(struct demo_children *self, int *ret_status)
{
    for (size_t i = 0; i < self->n; i++) {
        struct demo_child *child = &self->list[i];
        if (child->pid && waitpid(child->pid, ret_status, WNOHANG) == child->pid) {
            child->pid = 0;
            return child->name;
        }
    }
    return NULL;
}

static bool signal_all(const struct demo_children *self, int number)
{
    bool is_any = false;
    for (size_t i = 0; i < self->n; i++) {
        if (self->list[i].pid) {
            (void)kill(self->list[i].pid, number);
            is_any = true;
        }
    }
    return is_any;
}

static bool is_any_left(struct demo_children *self)
{
    int status;
    while (demo_children_reap(self, &status))
        ;
    return signal_all(self, 0);
}

void demo_children_stop(struct demo_children *self, int patience_ms)
{
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);

    uint64_t end_ns = clock_monotonic_ns() + (uint64_t)patience_ms * CLOCK_NS_PER_MS;
    (void)signal_all(self, SIGTERM);
    while (is_any_left(self) && clock_monotonic_ns() < end_ns) {
        struct timespec step = {.tv_nsec = 50 * (long)CLOCK_NS_PER_MS};
        (void)sigtimedwait(&child_ended, NULL, &step);
    }
    (void)signal_all(self, SIGKILL);
    for (size_t i = 0; i < self->n; i++) {
        if (self->list[i].pid)
            (void)waitpid(self->list[i].pid, NULL, 0);
        self->list[i].pid = 0;
    }
}
