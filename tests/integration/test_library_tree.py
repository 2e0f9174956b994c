# SPDX-License-Identifier: MPL-2.0
"""Programs in roots of their own, whose libzmq is a distribution's, a wheel's, or gone from disk."""

import os
import shutil
import subprocess

import pytest

from support import products, rpm_database
from support.agent import Agent
from support.process import Process
from support.waiting import wait_for

DEBIAN = "/usr/lib/x86_64-linux-gnu"


def libraries(program):
    """The files that the dynamic linker finds for a program, and itself."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    words = [word for line in listed.splitlines() for word in line.split()]
    return [word for word in words if word.startswith("/")]


class Tree:
    """Untapped programs, each with a root of its own, and a libzmq of a name of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []

    def root(self, name, place, file):
        """A folder with the C puppet and all that it needs; `file` is its libzmq."""
        root = self.folder / name
        for source in libraries(products.program("puppet")[0]):
            is_libzmq = "/libzmq.so" in source
            target = root / place.lstrip("/") / file if is_libzmq else root / source.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
            if is_libzmq:
                (target.parent / "libzmq.so.5").symlink_to(file)
        shutil.copy(products.program("puppet")[0], root / name)
        return root

    def start(self, root, place):
        """Runs the program of that root in it."""
        environment = {**os.environ, "LD_LIBRARY_PATH": place}
        environment.pop("LD_PRELOAD", None)
        process = Process(["chroot", str(root), f"/{root.name}"], variables=environment)
        self.running.append(process)
        process.popen.stdin.write("socket s PUSH\n")
        process.popen.stdin.flush()
        assert process.line().startswith("ok")
        return process


@pytest.fixture
def tree(folder):
    if os.geteuid() != 0:
        pytest.skip("another root needs root")
    folder.chmod(0o755)
    made = Tree(folder)
    yield made
    for process in made.running:
        process.end()


def dpkg(root, version, file):
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    (info / "libzmq5:amd64.list").write_text(f"/.\n{file}\n")
    (root / "var/lib/dpkg/status").write_text(
        "Package: libzmq5\nStatus: install ok installed\nArchitecture: amd64\nSource: zeromq3\n"
        f"Version: {version}\n")


def apk(root, version, file):
    database = root / "usr/lib/apk/db/installed"
    database.parent.mkdir(parents=True)
    folder, _, name = file.lstrip("/").rpartition("/")
    database.write_text(f"P:libzmq\nV:{version}\no:zeromq\nF:{folder}\nR:{name}\n\n")


def verdicts(page, program):
    return {name: page.value(f"zmq_library_{name}_vulnerabilities", program=program, severity="critical")
            for name in ("known", "patched")}


def package(page, program):
    found = [s.labels for s in page.samples
             if s.name == "zmq_library_package_info" and s.labels["program"] == program]
    return [(one["manager"], one["package_version"]) for one in found]


def version(page, program):
    return [s.labels["version"] for s in page.samples
            if s.name == "zmq_library_info" and s.labels["program"] == program]


def test_tree__five_distributions__each_has_its_own_row_and_verdict(tree, directory):
    for name, place, file, database, told in (
            ("bookworm", DEBIAN, "libzmq.so.5.2.4", dpkg, "4.3.4-6"),
            ("buster", DEBIAN, "libzmq.so.5.2.1", dpkg, "4.3.1-4+deb10u2"),
            ("upstream", "/usr/local/lib", "libzmq.so.5.2.1", None, None),
            ("alpine", "/usr/lib", "libzmq.so.5.1.5", apk, "4.2.5-r1"),
            ("fedora", "/usr/lib64", "libzmq.so.5.2.4", None, None)):
        root = tree.root(name, place, file)
        if database:
            database(root, told, f"{place}/{file}")
        if name == "fedora":
            rpm_database.write(root / "usr/lib/sysimage/rpm/rpmdb.sqlite", [rpm_database.zeromq()])
        tree.start(root, place)
    with Agent(directory) as agent:
        page = wait_for(lambda: (p := agent.scrape()) and all(
            version(p, name) for name in ("bookworm", "buster", "upstream", "alpine", "fedora")) and p, "five rows")
    assert version(page, "bookworm") == ["4.3.4"] and package(page, "bookworm") == [("dpkg", "4.3.4-6")]
    assert version(page, "buster") == ["4.3.1"] and package(page, "buster") == [("dpkg", "4.3.1-4+deb10u2")]
    assert version(page, "upstream") == ["4.3.1"] and package(page, "upstream") == []
    assert version(page, "alpine") == ["4.2.5"] and package(page, "alpine") == [("apk", "4.2.5-r1")]
    assert version(page, "fedora") == ["4.3.4"] and package(page, "fedora") == [("rpm", "4.3.4-2.fc38")]
    assert verdicts(page, "bookworm") == {"known": 0, "patched": 0}
    assert verdicts(page, "buster") == {"known": 3, "patched": 1}
    assert verdicts(page, "upstream") == {"known": 3, "patched": None}
    assert verdicts(page, "alpine") == {"known": 3, "patched": 1}
    assert verdicts(page, "fedora") == {"known": 0, "patched": 0}


def test_tree__wheel_and_deleted__have_their_rows(tree, directory):
    """Of what is linked into an executable the reader tells, as test_library.py has it."""
    wheel = tree.root("wheel", "/opt/pyzmq.libs", "libzmq-0d4b1a6c.so.5.2.5")
    tree.start(wheel, "/opt/pyzmq.libs")
    gone = tree.root("gone", DEBIAN, "libzmq.so.5.2.1")
    dpkg(gone, "4.3.1-4+deb10u2", f"{DEBIAN}/libzmq.so.5.2.1")
    tree.start(gone, DEBIAN)
    (gone / DEBIAN.lstrip("/") / "libzmq.so.5.2.1").unlink()
    with Agent(directory) as agent:
        page = wait_for(lambda: (p := agent.scrape()) and version(p, "wheel") and version(p, "gone") and p,
                        "the rows")
    assert version(page, "wheel") == ["4.3.5"] and package(page, "wheel") == []
    assert page.value("zmq_library_replaced_on_disk", program="wheel") == 0
    assert version(page, "gone") == ["4.3.1"] and package(page, "gone") == []
    assert page.value("zmq_library_replaced_on_disk", program="gone") == 1
    assert verdicts(page, "gone") == {"known": 3, "patched": None}
