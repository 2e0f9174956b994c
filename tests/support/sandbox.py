# SPDX-License-Identifier: MPL-2.0
"""What a systemd unit takes from its program, put on a program without systemd running.

User, capabilities, no_new_privs, umask and system calls are those of the unit's own lines, the
groups of system calls being systemd's. File systems are not hidden: that needs the manager.
"""

import ctypes
import os
import re
import resource
import shutil
import socket
import subprocess

EPERM_ACTION = 0x00050001
ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
MASKED_EQ, EQUAL = 7, 4
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_KEEPCAPS, PR_CAP_AMBIENT = 38, 24, 8, 47
PROT_WRITE, PROT_EXEC = 2, 4
CAPABILITIES = {"CAP_DAC_READ_SEARCH": 2, "CAP_SYS_PTRACE": 19}
N_CAPABILITIES = 41
NOBODY = 65534


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def why_not():
    """Why a sandbox cannot be made here, or None."""
    if os.geteuid() != 0:
        return "changing user and capabilities needs root"
    if not shutil.which("systemd-analyze"):
        return "systemd-analyze is not installed"
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return "libseccomp is not installed"
    return None


def read_unit(path):
    """The lines of [Service], name to list of values."""
    lines = {}
    for line in path.read_text().splitlines():
        found = re.match(r"(\w+)=(.*)", line)
        if found:
            lines.setdefault(found.group(1), []).append(found.group(2))
    return lines


def group_of_calls(name):
    """The system calls of a group, groups within it too."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    calls = set()
    for line in listed.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            calls |= group_of_calls(word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def allowed_calls(unit):
    """As systemd.exec(5) has it: the first line allows, later ones with ~ take away."""
    allowed = group_of_calls("@default")
    for line in unit["SystemCallFilter"]:
        words = line.lstrip("~").split()
        calls = set().union(*(group_of_calls(w) if w[0] == "@" else {w} for w in words))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


class Sandbox:
    """`Popen(preexec_fn=sandbox)`. With `is_strict`, what is not allowed ends the program."""

    def __init__(self, unit_path, capabilities=None, is_strict=True):
        unit = read_unit(unit_path)
        self.calls = allowed_calls(unit)
        self.families = [getattr(socket, name)
                         for name in unit["RestrictAddressFamilies"][0].split() if name != "none"]
        assert unit["NoNewPrivileges"] == unit["MemoryDenyWriteExecute"] == ["yes"]
        assert unit["PrivateMounts"] == ["yes"]
        assert set(unit["AmbientCapabilities"]) == set(unit["CapabilityBoundingSet"])
        names = unit["AmbientCapabilities"][0].split() if capabilities is None else capabilities
        self.capabilities = [CAPABILITIES[name] for name in names]
        self.umask = int(unit["UMask"][0], 8)
        self.n_files = int(unit["LimitNOFILE"][0])
        self.core_size = int(unit["LimitCORE"][0])
        self.action = KILL_PROCESS if is_strict else EPERM_ACTION
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.seccomp = ctypes.CDLL("libseccomp.so.2")
        self.seccomp.seccomp_init.restype = ctypes.c_void_p
        self.seccomp.seccomp_init.argtypes = [ctypes.c_uint32]
        self.seccomp.seccomp_rule_add_array.argtypes = [
            ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
            ctypes.POINTER(Comparison)]
        self.seccomp.seccomp_load.argtypes = [ctypes.c_void_p]

    def _prctl(self, *words):
        words = [ctypes.c_ulong(w) for w in words] + [ctypes.c_ulong(0)] * (5 - len(words))
        if self.libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), f"prctl {words}")

    def _rule(self, context, name, *comparisons):
        number = self.seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:  # not of this architecture
            return
        array = (Comparison * len(comparisons))(*comparisons)
        if self.seccomp.seccomp_rule_add_array(context, ALLOW, number, len(comparisons), array):
            raise OSError(f"no rule for {name}")

    def _load_filter(self):
        context = self.seccomp.seccomp_init(self.action)
        special = {"socket": [(Comparison(0, EQUAL, family, 0),) for family in self.families],
                   "mmap": [(Comparison(2, MASKED_EQ, PROT_EXEC, 0),),
                            (Comparison(2, MASKED_EQ, PROT_WRITE, 0),)],
                   "mprotect": [(Comparison(2, MASKED_EQ, PROT_EXEC, 0),)]}
        for name in sorted(self.calls):
            for comparisons in special.get(name, [()]):
                self._rule(context, name, *comparisons)
        if self.seccomp.seccomp_load(context) != 0:
            raise OSError("the kernel refuses the filter")

    def _set_capabilities(self):
        bits = sum(1 << number for number in self.capabilities)
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        data = (ctypes.c_uint32 * 6)(bits & 0xFFFFFFFF, bits & 0xFFFFFFFF, bits & 0xFFFFFFFF)
        if self.libc.capset(header, data) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        for number in self.capabilities:
            self._prctl(PR_CAP_AMBIENT, 2, number)

    def __call__(self):
        os.umask(self.umask)
        limit = min(self.n_files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (self.core_size, self.core_size))
        for number in range(N_CAPABILITIES):
            if number not in self.capabilities:
                self._prctl(PR_CAPBSET_DROP, number)
        self._prctl(PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        self._set_capabilities()
        self._prctl(PR_SET_NO_NEW_PRIVS, 1)
        self._load_filter()
