/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: functions that a process may lack are defined here, for the tap alone, under their own
 * names: the rest of the tap is written as any program. A library that was linked in the usual way
 * would name the versions that its builder's glibc had.
 *
 * Threads' functions are found when the tap starts: before glibc 2.34 they lie in libpthread, which
 * a plug-in may bring along with libzmq. By then the process has it, for libzmq needs it.
 */
#include "tap/ground/libc.h"

#include "tap/ground/loaded.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_GLIBC 28u /* of version 2 */
#define KERNEL_NSIG 64  /* bits in the kernel's set of signals */

extern const char *gnu_get_libc_version(void) __attribute__((weak));

/* Found when the tap starts, the version that a program gets which is linked today. */
#define FOUND(X)                                                                                   \
    X(int, pthread_create, (pthread_t * a, const pthread_attr_t *b, void *(*c)(void *), void *d),  \
      (a, b, c, d))                                                                                \
    X(int, pthread_detach, (pthread_t a), (a))                                                     \
    X(int, pthread_join, (pthread_t a, void **b), (a, b))                                          \
    X(int, pthread_attr_setstacksize, (pthread_attr_t * a, size_t b), (a, b))                      \
    X(int, pthread_setname_np, (pthread_t a, const char *b), (a, b))                               \
    X(int, pthread_once, (pthread_once_t * a, void (*b)(void)), (a, b))                            \
    X(int, pthread_key_create, (pthread_key_t * a, void (*b)(void *)), (a, b))                     \
    X(void *, pthread_getspecific, (pthread_key_t a), (a))                                         \
    X(int, pthread_setspecific, (pthread_key_t a, const void *b), (a, b))

static struct {
#define X(type, name, parameters, arguments) type(*name) parameters;
    FOUND(X)
#undef X
} found;

/* The headers say that pthread_setspecific does not read what it is given. */
#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#define X(type, name, parameters, arguments)                                                       \
    type name parameters                                                                           \
    {                                                                                              \
        return found.name arguments;                                                               \
    }
FOUND(X)
#undef X
#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif

bool libc_is_fit(void)
{
    const char *version = gnu_get_libc_version ? gnu_get_libc_version() : "";
    unsigned minor = 0;
    if (version[0] != '2' || version[1] != '.')
        return false;
    for (version += 2; *version >= '0' && *version <= '9'; version++)
        minor = minor * 10 + (unsigned)(*version - '0');
    return minor >= FIRST_GLIBC;
}

bool libc_start(void)
{
    bool has_all = libc_is_fit();
#define X(type, name, parameters, arguments)                                                       \
    if (has_all && !found.name)                                                                    \
        found.name = (type(*) parameters)loaded_find_in_libc(#name);                               \
    has_all = has_all && found.name;
    FOUND(X)
#undef X
    return has_all;
}

/*
 * Younger than some that the tap may meet, or not in the C library itself
 */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *ret_before)
{
    int saved_errno = errno;
    long rc = syscall(SYS_rt_sigprocmask, how, set, ret_before, KERNEL_NSIG / 8);
    int error = rc < 0 ? errno : 0;
    errno = saved_errno;
    return error;
}

extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                             void *object) __attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden")));

int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    return __register_atfork ? __register_atfork(prepare, parent, child, &__dso_handle) : ENOSYS;
}

#if defined(SYS_fstat64) /* 32 bits: struct stat is the kernel's stat64 there, see meson.build */
#define STAT_CALL(name) SYS_##name##64
#else
#define STAT_CALL(name) SYS_##name
#endif
#if defined(SYS_newfstatat)
#define STATAT_CALL SYS_newfstatat
#elif defined(SYS_fstatat64)
#define STATAT_CALL SYS_fstatat64
#endif

#undef fstat
#undef stat
#undef lstat

int fstat(int fd, struct stat *ret_status)
{
    return (int)syscall(STAT_CALL(fstat), fd, ret_status);
}

int stat(const char *path, struct stat *ret_status)
{
    return (int)syscall(STATAT_CALL, AT_FDCWD, path, ret_status, 0);
}

int lstat(const char *path, struct stat *ret_status)
{
    return (int)syscall(STATAT_CALL, AT_FDCWD, path, ret_status, AT_SYMLINK_NOFOLLOW);
}

/* glibc from 2.38 on gives programs that are built with it these instead of the known ones. */
#define PARSER(type, name)                                                                         \
    extern type libc_##name(const char *, char **, int) __asm__(#name);                            \
    extern type __isoc23_##name(const char *, char **, int) __attribute__((visibility("hidden"))); \
    type __isoc23_##name(const char *text, char **ret_end, int base)                               \
    {                                                                                              \
        return libc_##name(text, ret_end, base);                                                   \
    }
PARSER(long, strtol)
PARSER(unsigned long, strtoul)
PARSER(long long, strtoll)
PARSER(unsigned long long, strtoull)

#if defined(__i386__)
extern void __stack_chk_fail(void);
extern void __stack_chk_fail_local(void) __attribute__((visibility("hidden")));
void __stack_chk_fail_local(void)
{
    __stack_chk_fail();
}
#endif
