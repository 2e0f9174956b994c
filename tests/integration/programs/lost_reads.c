/* SPDX-License-Identifier: MPL-2.0 */
/*
 * lost_reads - preloaded behind the tap: while there is a file LOST_READS, nothing can be read of
 * the process by process_vm_readv.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Not declared again: <sys/uio.h> has it. */
ssize_t process_vm_readv(pid_t pid, const struct iovec *to, unsigned long n_to,
                         const struct iovec *from, unsigned long n_from, unsigned long flags)
{
    const char *file = getenv("LOST_READS");
    if (file && access(file, F_OK) == 0) {
        errno = EFAULT;
        return -1;
    }
    return syscall(SYS_process_vm_readv, pid, to, n_to, from, n_from, flags);
}
