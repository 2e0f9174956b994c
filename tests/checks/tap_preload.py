# SPDX-License-Identifier: MPL-2.0
"""Checks that libzmqtap.so is fit to be loaded into any program.

usage: tap_preload.py LIBZMQTAP_SO
"""

import os
import re
import subprocess
import sys

LIBC_HOOKS = {"prctl"}  # see src/tap/ground/sandbox.h
HOOKS = set("""
bind close connect connect_peer ctx_destroy ctx_get ctx_get_ext ctx_new ctx_set ctx_set_ext
ctx_shutdown ctx_term device disconnect init msg_recv msg_send proxy proxy_steerable recv recviov recvmsg send send_const
sendiov sendmsg setsockopt socket socket_monitor socket_monitor_versioned term unbind
""".split())

# The rest of what is exported: see src/tap/hooks/hooks_process.c, src/tap/hooks/hooks_random.c,
# src/tap/zmqtap.h, and, where there is assembly for it, src/tap/hooks/symbols.h.
OTHERS = {"prctl", "rand", "zmqtap_attach", "zmqtap_detach", "zmqtap_interface", "zmqtap_name"}
SYMBOLS = {"dlsym", "dlvsym"}
SYMBOLS_MACHINES = {"Advanced Micro Devices X86-64", "AArch64"}

# Functions that end, print, wait for others, or change what belongs to the program.
FORBIDDEN = re.compile(r"""^(
    abort | _?_?exit | _Exit | quick_exit | __assert(_perror)?_fail | __assert | raise | kill | tgkill
  | v?f?printf | __v?f?printf_chk | puts | fputs | fputc | putchar | fwrite | perror | v?syslog
  | __v?syslog_chk | errx? | warnx? | v?errx? | v?warnx? | error | psignal
  | fork | vfork | _Fork | exec.* | posix_spawnp? | system | popen | daemon | wait(pid|id|3|4)?
  | signal | sigaction | sigset | sigwait | sigsuspend | pause | alarm | setitimer | sleep | usleep
  | setenv | putenv | unsetenv | clearenv | chdir | fchdir | umask | setlocale | srand | rand
  | longjmp | siglongjmp | _longjmp | __longjmp_chk | atexit
  | set[re]*[ug]id | setrlimit | prlimit | chroot | mount
)$""", re.X)

# The C library's functions that every process has: glibc of 2012 (2.17) and musl, on 64 bits. What
# is in neither list is younger, lies in libpthread of older days, or is named so by some builders
# only: the process would not start, and src/tap/ground/libc.c is the place for it.
EVERYWHERE = set("""
__errno_location __stack_chk_fail access bcmp bsearch calloc clock_gettime close dl_iterate_phdr dup environ
eventfd faccessat fallocate fchmod fcntl free fstatfs fstatvfs ftruncate futimens getauxval getcwd
getegid getenv geteuid getgid getpagesize getpid getppid getrlimit getrusage gettimeofday getuid
link lseek madvise malloc memchr memcmp memcpy memmove memrchr memset mincore mkdir mmap mprotect
mremap msync munmap nanosleep open openat pipe2 poll posix_fallocate ppoll prctl pread preadv
process_vm_readv pthread_attr_destroy pthread_attr_init pthread_self pthread_setcancelstate pwrite
pwritev qsort random read readlink readlinkat readv realloc rename sched_getcpu sched_yield
secure_getenv sigaddset sigdelset sigemptyset sigfillset sigismember sigpending sigprocmask
sigtimedwait snprintf statfs statvfs stpcpy strcasecmp strcat strchr strcmp strcpy strcspn strdup
strerror strlen strncasecmp strncat strncmp strncpy strnlen strpbrk strrchr strspn strstr strtol
strtoll strtoul strtoull syscall sysconf tolower uname unlink unlinkat vsnprintf write writev
""".split())

# May be missing: the tap asks before it calls them, or the linker does.
WEAK = set("""
_ITM_deregisterTMCloneTable _ITM_registerTMCloneTable __cxa_finalize __gmon_start__
__register_atfork _r_debug _pthread_cleanup_pop _pthread_cleanup_push gnu_get_libc_version
""".split())


def read(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(library, which, kind=None):
    """Names of dynamic symbols, with versions where they have any; only those of a kind."""
    lines = read("nm", "-D", which, library).splitlines()
    return {line.split()[-1] for line in lines if not kind or line.split()[-2] in kind}


def check_exports(library):
    exported = {name.split("@")[0] for name in symbols(library, "--defined-only")}
    hooks = {name.removeprefix("zmq_") for name in exported if name.startswith("zmq_")}
    others = {name for name in exported if not name.startswith("zmq_")}
    for name in sorted(hooks ^ HOOKS):
        yield f"zmq_{name}: " + ("not exported" if name in HOOKS else "exported, but not in this list")
    header = read("readelf", "-hW", library)
    machine = re.search(r"Machine:\s*(.+)", header)[1]
    expected = OTHERS | (SYMBOLS if machine in SYMBOLS_MACHINES and "ELF64" in header else set())
    for name in sorted(others ^ expected):
        yield f"{name}: " + ("not exported" if name in expected else "exported, but not in this list")


def check_imports(library):
    strong = symbols(library, "--undefined-only", "U")
    for name in sorted(strong):
        if name.startswith("zmq"):
            yield f"{name}: the tap calls what it stands before"
        if FORBIDDEN.match(name):
            yield f"{name}: forbidden in somebody else's program"
        if name not in EVERYWHERE:
            yield f"{name}: not in every C library"
    for name in sorted(symbols(library, "--undefined-only") - strong - WEAK):
        yield f"{name}: weak, but not in this list"
    if "No version information found" not in read("readelf", "-VW", library):
        yield "needs or defines versions, which older C libraries do not have"


def check_object(library):
    dynamic = read("readelf", "-dW", library)
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    if needed != ["libc.so.6"]:
        yield f"needs {needed}, not libc alone"
    if "NODELETE" not in dynamic:
        yield "can be unloaded while its thread runs"
    if "RELR" in dynamic:
        yield "has packed relocations, which older dynamic linkers do not know"
    if "TEXTREL" in dynamic:
        yield "has text relocations"
    headers = read("readelf", "-lW", library)
    if re.search(r"GNU_STACK.*RWE", headers):
        yield "asks for an executable stack"
    if "__tls_get_addr" in read("nm", "-D", library):
        yield "its thread-local data are not in the initial block"


def check_silence(library):
    for program in (["/bin/true"], ["/bin/sh", "-c", "exit 7"]):
        plain = subprocess.run(program, capture_output=True)
        tapped = subprocess.run(program, capture_output=True, env={
            **os.environ, "LD_BIND_NOW": "1", "LD_PRELOAD": library})
        for word in ("returncode", "stdout", "stderr"):
            if getattr(plain, word) != getattr(tapped, word):
                yield f"{program}: {word} is {getattr(tapped, word)!r} with the tap"


def main():
    library = os.path.realpath(sys.argv[1])
    found = []
    for check in (check_exports, check_imports, check_object, check_silence):
        found += check(library)
    print("\n".join(found) or f"{library}: fit to be preloaded")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
