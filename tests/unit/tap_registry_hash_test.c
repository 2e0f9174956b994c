/* SPDX-License-Identifier: MPL-2.0 */
/* As many sockets as there may be find a slot each, at whatever stride the allocator lays them. */
#include "tap/registry/registry.h"

#include "support/cmocka.h"

#include <string.h>

static unsigned char is_taken[REGISTRY_N_SLOTS];
static unsigned n_missed;
static uint64_t n_probes;

static void place(uintptr_t handle)
{
    uint32_t hash = registry_hash((const void *)handle);
    for (uint32_t i = 0; i < REGISTRY_MAX_PROBES; i++) {
        unsigned char *slot = &is_taken[(hash + i) % REGISTRY_N_SLOTS];
        n_probes++;
        if (*slot)
            continue;
        *slot = 1;
        return;
    }
    n_missed++;
}

static void hash__any_stride__has_a_slot_for_each(void **state)
{
    (void)state;
    uint64_t n_handles = 0;
    for (uintptr_t base = 0x55d000001000; base < 0x55d040000000; base += 0x17123450) {
        for (uintptr_t stride = 16; stride < 16384; stride += 16) {
            memset(is_taken, 0, sizeof(is_taken));
            n_missed = 0;
            for (uintptr_t i = 0; i < REGISTRY_MAX_SOCKETS; i++)
                place(base + i * stride);
            if (n_missed)
                print_message("# %u of a stride of %lu\n", n_missed, (unsigned long)stride);
            assert_int_equal(n_missed, 0);
            n_handles += REGISTRY_MAX_SOCKETS;
        }
    }
    assert_true(n_probes * 10 < n_handles * 16); /* most at the first try */
}

/* In the arenas of threads: each 64 MiB from the other, the same in each. */
static void hash__many_arenas__has_a_slot_for_each(void **state)
{
    (void)state;
    for (uintptr_t stride = 16; stride < 16384; stride += 16) {
        memset(is_taken, 0, sizeof(is_taken));
        n_missed = 0;
        for (uintptr_t i = 0; i < REGISTRY_MAX_SOCKETS; i++)
            place(0x7f0000000000 + i % 16 * (64u << 20) + i / 16 * stride);
        assert_int_equal(n_missed, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash__any_stride__has_a_slot_for_each),
        cmocka_unit_test(hash__many_arenas__has_a_slot_for_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
