# SPDX-License-Identifier: MPL-2.0
"""Checks that libzmqtap.so is fit to be loaded into any program.

usage: tap_preload.py LIBZMQTAP_SO
"""

import os
import re
import subprocess
import sys

LIBC_HOOKS = {"prctl"}  # see src/tap/sandbox.h
HOOKS = set("""
bind close connect connect_peer ctx_destroy ctx_get ctx_get_ext ctx_new ctx_set ctx_set_ext
ctx_shutdown ctx_term device disconnect init msg_recv msg_send proxy proxy_steerable recv recviov recvmsg send send_const
sendiov sendmsg setsockopt socket socket_monitor socket_monitor_versioned term unbind
""".split())

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

GLIBC_LIMIT = (2, 34)  # pthread and dl functions lie in libc itself from here on: Debian 12 has 2.36


def read(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(library, which):
    lines = read("nm", "-D", which, library).splitlines()
    return {line.split()[-1] for line in lines if " w " not in line}


def check_exports(library):
    exported = {name.split("@")[0] for name in symbols(library, "--defined-only")}
    hooks = {name.removeprefix("zmq_") for name in exported if name.startswith("zmq_")}
    others = {name for name in exported if not name.startswith(("zmq_", "zmqtap_"))} - LIBC_HOOKS
    for name in sorted(hooks ^ HOOKS):
        yield f"zmq_{name}: " + ("not exported" if name in HOOKS else "exported, but not in this list")
    for name in sorted(others):
        yield f"{name}: exported, but no hook and not of the interface"


def check_imports(library):
    for symbol in sorted(symbols(library, "--undefined-only")):
        name, _, version = symbol.partition("@")
        if name.startswith("zmq"):
            yield f"{name}: the tap calls what it stands before"
        if FORBIDDEN.match(name):
            yield f"{name}: forbidden in somebody else's program"
        needed = re.fullmatch(r"@?GLIBC_(\d+)\.(\d+)(\.\d+)?", version)
        if needed and (int(needed[1]), int(needed[2])) > GLIBC_LIMIT:
            yield f"{symbol}: needs a newer glibc than {'.'.join(map(str, GLIBC_LIMIT))}"


def check_object(library):
    dynamic = read("readelf", "-dW", library)
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
    if needed != ["libc.so.6"]:
        yield f"needs {needed}, not libc alone"
    if "NODELETE" not in dynamic:
        yield "can be unloaded while its thread runs"
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
