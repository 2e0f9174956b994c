/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/sandbox.h"

#include "tap/ground/thread_state.h"

#include <unistd.h>

static bool is_closed;
static pid_t own_pid;

bool sandbox_is_closed(void)
{
    return __atomic_load_n(&is_closed, __ATOMIC_ACQUIRE);
}

__attribute__((constructor)) void sandbox_start(void)
{
    own_pid = getpid();
}

bool sandbox_is_of_this_process(void)
{
    return getpid() == own_pid;
}

void sandbox_close(void)
{
    struct guard guard;
    bool is_held = thread_state_hold_rounds(&guard);
    __atomic_store_n(&is_closed, true, __ATOMIC_RELEASE);
    if (is_held)
        thread_state_release_rounds(&guard);
}
