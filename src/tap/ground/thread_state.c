/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/thread_state.h"

static bool has_thread;
static struct lock round_lock;
static uint32_t n_woken; /* only grows, so that no request is missed */
uint32_t thread_state_rest;

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

uint32_t thread_state_n_woken(void)
{
    return __atomic_load_n(&n_woken, __ATOMIC_ACQUIRE);
}

void thread_state_wait(uint32_t seen, uint64_t deadline_ns)
{
    lock_wait_for_word(&n_woken, seen, deadline_ns);
}

void thread_state_wake(void)
{
    __atomic_fetch_add(&n_woken, 1, __ATOMIC_RELEASE);
    lock_wake_word(&n_woken);
}

void thread_state_set_resting(bool is_resting)
{
    __atomic_store_n(&thread_state_rest, is_resting, __ATOMIC_SEQ_CST);
}

void thread_state_end_rest(void)
{
    if (__atomic_exchange_n(&thread_state_rest, 0, __ATOMIC_SEQ_CST) != 0)
        thread_state_wake();
}

void thread_state_forked(void)
{
    thread_state_rest = 0;
    round_lock = LOCK_INIT;
    has_thread = false;
}
