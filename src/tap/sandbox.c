/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/sandbox.h"

#include "tap/hooks/hooks.h"
#include "tap/tap.h"
#include "tap/thread.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_closed;

bool sandbox_is_closed(void)
{
    return __atomic_load_n(&is_closed, __ATOMIC_ACQUIRE);
}

/* A child of vfork() has its parent's memory: what it does to itself is not the parent's. */
static pid_t own_pid;

__attribute__((constructor)) void sandbox_start(void)
{
    own_pid = getpid();
}

static void close_sandbox(const void *caller)
{
    struct guard guard;
    int error = errno;
    tap_prepare(caller);
    bool is_held = thread_hold(&guard);
    __atomic_store_n(&is_closed, true, __ATOMIC_RELEASE);
    if (is_held)
        thread_release(&guard);
    errno = error;
}

/* libc's is the bare system call as well. */
HOOK_EXPORT int prctl(int option, ...)
{
    va_list list;
    unsigned long arguments[4];
    va_start(list, option);
    for (int i = 0; i < 4; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    bool is_closing = option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP;
    if (is_closing && !sandbox_is_closed() && getpid() == own_pid)
        close_sandbox(HOOK_CALLER);
    return (int)syscall(SYS_prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]);
}
