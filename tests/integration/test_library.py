# SPDX-License-Identifier: MPL-2.0
"""Which libzmq processes run: tapped and not, several copies, replaced on disk, and liars."""

import os
import shutil
import subprocess

import pytest
import zmq

from support import products
from support.agent import Agent
from support.peeked import ReaderSocket
from support.process import Process
from support.puppet import Puppet
from support.waiting import wait_equal, wait_for

VERSION = zmq.zmq_version()
# Loads a copy of libzmq that nobody else can see, and waits.
LOADER = """
import ctypes, os, sys
library = ctypes.CDLL(sys.argv[1], mode=os.RTLD_LOCAL)
print("loaded", flush=True)
sys.stdin.read()
"""


def library_file():
    """The file of the libzmq that this process has loaded."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return next(line.split(maxsplit=5)[5].strip() for line in maps if "/libzmq.so" in line)


@pytest.fixture
def copies(folder):
    """Makes copies of libzmq under other names."""
    def copy(name):
        shutil.copy(library_file(), folder / name)
        return folder / name
    return copy


@pytest.fixture
def load():
    """Starts untapped programs that load a library."""
    running = []

    def start(path):
        running.append(Process([products.PYTHON, "-c", LOADER, path]))
        assert running[-1].line() == "loaded"
        return running[-1]

    yield start
    for process in running:
        process.end()


def info(agent, **labels):
    return [s.labels for s in agent.scrape().samples if s.name == "zmq_library_info"
            and all(s.labels.get(k) == v for k, v in labels.items())]


def test_library__tapped_program__has_its_program_and_exact_version(agent, start):
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "feed"})
    puppet.socket(zmq.PUB)
    found = wait_for(lambda: info(agent, program="feed"), "the tapped program")
    assert [label["version"] for label in found] == [VERSION]
    assert found[0]["path"] == library_file()
    assert len(found[0]["build_id"]) == 40
    assert agent.scrape().value("zmq_library_processes", program="feed") == 1


def test_library__program_without_tap__is_named_by_its_script(agent):
    with Puppet("pyzmq") as puppet:
        puppet.socket(zmq.PUB)
        found = wait_for(lambda: info(agent, program="puppet.py", path=library_file()), "the program")
        assert found[0]["version"] == VERSION


def test_library__old_file_name__is_a_range_and_behind(agent, copies, load):
    path = copies("libzmq-0d4b1a6c.so.5.0.0")
    load(path)
    labels = wait_for(lambda: info(agent, path=str(path)), "the copy")[0]
    assert labels["version"] == "4.1.2-4.1.4"
    page = agent.scrape()
    assert page.value("zmq_library_releases_behind", path=str(path)) >= 10
    assert page.value("zmq_library_release_age_seconds", path=str(path)) > 10 * 365 * 86400


def test_library__file_replaced_by_an_update__is_told_until_the_restart(agent, copies, load):
    path = copies("libzmq.so.5.2.4")
    process = load(path)
    replaced = lambda: agent.scrape().value("zmq_library_replaced_on_disk", path=str(path))
    wait_equal(replaced, 0, "replaced")
    fresh = copies("libzmq.so.5.2.4.new")
    fresh.rename(path)
    wait_equal(replaced, 1, "replaced")
    process.end()
    wait_equal(replaced, None, "replaced")


def test_library__name_that_says_nothing__is_exact_under_the_tap_and_open_without(agent, copies, load, start):
    path = copies("libzmq.so.5")
    load(path)
    untapped = wait_for(lambda: info(agent, path=str(path)), "the untapped copy")
    assert [labels["version"] for labels in untapped] == [""]
    assert agent.scrape().value("zmq_library_releases_behind", path=str(path)) is None

    puppet = start("c", variables={"LD_LIBRARY_PATH": str(path.parent)})
    puppet.socket(zmq.PUB)
    tapped = wait_for(lambda: info(agent, path=str(path), program="puppet"), "the tapped copy")
    wait_equal(lambda: [labels["version"] for labels in info(agent, path=str(path), program="puppet")],
               [VERSION], "version")
    assert len(tapped) == 1


def test_library__file_of_another_user__does_not_speak_for_the_process(agent, directory, start):
    if os.geteuid() != 0:
        pytest.skip("giving a file away needs root")
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "liar"})
    puppet.socket(zmq.PUB)
    wait_for(lambda: info(agent, program="liar"), "its word")
    segment = next(directory.glob(f"{puppet.pid}-*.seg"))
    # Stopped, so that the tap does not make its file anew; another's file takes the name.
    subprocess.run(["kill", "-STOP", str(puppet.pid)], check=True)
    content = segment.read_bytes()
    segment.unlink()
    segment.write_bytes(content)
    os.chown(segment, 65534, 65534)
    try:
        with Agent(directory) as other:
            wait_for(lambda: info(other, program="puppet"), "the program by its own name")
            assert not info(other, program="liar")
    finally:
        subprocess.run(["kill", "-CONT", str(puppet.pid)], check=True)


def test_library__processes_of_others__are_counted_where_they_cannot_be_read(directory):
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    directory.chmod(0o777)
    os.chmod(directory.parent, 0o777)
    with Agent(directory) as privileged, Agent(directory, user=65534, group=65534, extra_groups=[]) as plain:
        wait_for(lambda: privileged.scrape().value("zmq_library_unreadable_processes") is not None, "a scan")
        page = plain.scrape()
        assert page.value("zmq_library_unreadable_processes") > 0
        assert page.value("zmq_exporter_collector_success", collector="library") == 1
        assert page.value("zmq_library_scanned_processes") > page.value("zmq_library_unreadable_processes")


@pytest.mark.parametrize("is_root", [True, False])
def test_library__told_by_the_reader__is_as_the_exporter_sees_it(directory, folder, copies, load, start,
                                                                 is_root):
    """Through a reader with privilege, to an exporter that has it or not."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    for place in (folder, directory, directory.parent):
        place.chmod(0o755)
    path = copies("libzmq-others.so.5.2.4")
    load(path)
    gone = copies("libzmq-gone.so.5.2.4")
    load(gone)
    gone.unlink()
    puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "feed"})
    puppet.socket(zmq.PUB)
    user = {} if is_root else {"user": 65534, "group": 65534, "extra_groups": []}
    directory.chmod(0o777)
    with ReaderSocket(folder / "peek.sock") as readers:
        with Agent(directory, f"--collector.peek.socket={readers.path}", peeks=True, **user) as agent:
            found = wait_for(lambda: info(agent, path=str(path)), "root's program")
            assert len(found[0]["build_id"]) == 40
            assert found[0]["program"].startswith("python")
            assert agent.scrape().value("zmq_library_replaced_on_disk", path=str(gone)) == 1
            assert len(info(agent, path=str(gone))[0]["build_id"]) == 40
            if is_root:  # whose tap's word counts
                assert [one["version"] for one in info(agent, program="feed")] == [VERSION]


def test_library__inside_an_executable__is_found(directory, folder):
    if not products.has_program("puppet_static"):
        pytest.skip("libzmq.a cannot be linked here")
    path = folder / "all_in_one"
    shutil.copy(products.program("puppet_static")[0], path)
    with Process([path]) as process, Agent(directory, peeks=True) as agent:
        process.popen.stdin.write("socket s PUSH\n")
        process.popen.stdin.flush()
        assert process.line().startswith("ok")
        found = wait_for(lambda: info(agent, path=str(path)), "the program")
        # No string of libzmq is its version, so it may be unknown; never another one.
        assert [one["version"] for one in found] in ([""], [VERSION])
        assert found[0]["program"] == "all_in_one"
        assert len(found[0]["build_id"]) == 40
