/* SPDX-License-Identifier: MPL-2.0 */
/* Design: see ground/sandbox.h. */
#include "tap/ground/hook.h"
#include "tap/ground/sandbox.h"
#include "tap/tap.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void close_sandbox(const void *caller)
{
    int error = errno;
    tap_prepare(caller);
    sandbox_close();
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
    if (is_closing && !sandbox_is_closed() && sandbox_is_of_this_process())
        close_sandbox(HOOK_CALLER);
    return (int)syscall(SYS_prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]);
}
