/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_privileges.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

#define N_CAPABILITIES 64

static const int kept[] = {
    CAP_SYS_PTRACE,         /* for the reader that it starts where systemd does not */
    CAP_CHECKPOINT_RESTORE, /* the same: a library that was replaced on disk */
    CAP_DAC_READ_SEARCH,    /* libraries and segments that their owners keep to themselves */
    CAP_DAC_OVERRIDE,       /* the state file in a directory that belongs to the service's user */
    CAP_FOWNER,             /* segments of dead processes in a sticky directory */
    CAP_NET_BIND_SERVICE,   /* a port below 1024 */
};

static uint64_t kept_bits(void)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        bits |= UINT64_C(1) << kept[i];
    return bits;
}

/* Of the sets that a thread has. There is no call of the C library for it. */
static void drop_sets(uint64_t bits)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0)
        return;
    bool is_change = false;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        uint32_t keep = (uint32_t)(bits >> (32 * i));
        is_change = is_change || (data[i].permitted | data[i].inheritable) & ~keep;
        data[i].effective &= keep;
        data[i].permitted &= keep;
        data[i].inheritable &= keep;
    }
    /* A unit's filter may not know the call; then there is nothing left to drop either. */
    if (is_change)
        (void)syscall(SYS_capset, &header, data);
}

void agent_privileges_drop(void)
{
    uint64_t bits = kept_bits();
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (int i = 0; i < N_CAPABILITIES; i++) {
        if (!(bits >> i & 1) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
    drop_sets(bits);
}
