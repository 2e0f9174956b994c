/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/thread_state.h"

static bool has_thread;
static struct lock round_lock;

bool thread_state_is_running(void)
{
    return __atomic_load_n(&has_thread, __ATOMIC_RELAXED);
}

void thread_state_set_running(bool is_running)
{
    __atomic_store_n(&has_thread, is_running, __ATOMIC_RELEASE);
}

void thread_state_begin_round(void)
{
    lock_acquire(&round_lock);
}

void thread_state_end_round(void)
{
    lock_release(&round_lock);
}

bool thread_state_hold_rounds(struct guard *guard)
{
    guard_disable_cancel(guard);
    bool is_held = lock_acquire_within(&round_lock, THREAD_PATIENCE_MS);
    if (!is_held)
        guard_restore_cancel(guard);
    return is_held;
}

void thread_state_release_rounds(const struct guard *guard)
{
    guard_unlock(guard, &round_lock);
}

void thread_state_forked(void)
{
    round_lock = LOCK_INIT;
    has_thread = false;
}
