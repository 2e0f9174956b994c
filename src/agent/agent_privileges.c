/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_privileges.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0u /* no filter is known */
#endif

#define N_CAPABILITIES 64

/* Of an exporter without a reader. */
static const int kept_to_look[] = {
    CAP_SYS_PTRACE,         /* which libraries other users' processes have mapped */
    CAP_CHECKPOINT_RESTORE, /* a library that was replaced on disk */
};

static const int kept[] = {
    CAP_DAC_READ_SEARCH,  /* libraries and segments that their owners keep to themselves */
    CAP_DAC_OVERRIDE,     /* the state file in a directory that belongs to the service's user */
    CAP_FOWNER,           /* segments of dead processes in a sticky directory */
    CAP_NET_BIND_SERVICE, /* a port below 1024 */
};

static uint64_t kept_bits(bool has_reader)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        bits |= UINT64_C(1) << kept[i];
    for (size_t i = 0; !has_reader && i < sizeof(kept_to_look) / sizeof(*kept_to_look); i++)
        bits |= UINT64_C(1) << kept_to_look[i];
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

#define LOAD(field)        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action)     BPF_STMT(BPF_RET | BPF_K, action)
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define REFUSE             RETURN(SECCOMP_RET_ERRNO | EPERM)

/* What reads and writes the memory of others of the same user, which wants no capability. Of itself
 * the process may: a tap in it does. */
static void refuse_memory_of_others(void)
{
    struct sock_filter code[] = {
        LOAD(arch),
        IF(ARCHITECTURE, 0, 7),
        LOAD(nr),
        IF(SYS_ptrace, 6, 0),
        IF(SYS_process_vm_readv, 1, 0),
        IF(SYS_process_vm_writev, 0, 3),
        LOAD(args[0]),
        IF(getpid(), 1, 0),
        REFUSE,
        RETURN(SECCOMP_RET_ALLOW),
        REFUSE,
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

void agent_privileges_drop(bool has_reader)
{
    uint64_t bits = kept_bits(has_reader);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (int i = 0; i < N_CAPABILITIES; i++) {
        if (!(bits >> i & 1) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    }
    drop_sets(bits);
    refuse_memory_of_others();
}
