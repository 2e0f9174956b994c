# SPDX-License-Identifier: MPL-2.0
"""A segment directory in any state: the program does not notice, and nobody's file is touched."""

import os
import pathlib
import resource
import subprocess

import pytest
import zmq

from support import products, segment_file
from support.process import run
from support.puppet import Puppet
from support.waiting import wait_for


def exchange(push, pull, n=100):
    """Traffic that comes through whatever the tap meets, over more than one of its rounds."""
    for _ in range(3):
        assert push.send(n) == n
        assert pull.recv(n) == (n, n)
        assert pull.poll(timeout_ms=150) == 0


def pair(puppet):
    push, pull = puppet.socket(zmq.PUSH), puppet.socket(zmq.PULL)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    return push, pull


def end_well(puppet, *sockets):
    for socket in sockets:
        socket.close()
    puppet.term()
    puppet.may_end_with(5)
    puppet.tell("exit", 5)
    assert puppet.popen.wait(30) == 5
    assert puppet.popen.stderr.read() == ""


def file_name(pid):
    ticks = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    return f"{pid}-{ticks}.seg"


def missing(folder):
    return folder / "missing"


def a_file(folder):
    (folder / "file").write_text("mine")
    return folder / "file"


def read_only(folder):
    (folder / "read-only").mkdir(mode=0o555)
    return folder / "read-only"


def loop_of_links(folder):
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def empty_name(_folder):
    return ""


def relative_name(_folder):
    return "no/such/directory"


def endless_name(folder):
    return str(folder) + "/x" * 3000


@pytest.mark.parametrize("make", [missing, a_file, read_only, loop_of_links, empty_name, relative_name,
                                  endless_name], ids=lambda make: make.__name__)
def directory__of_no_use__program_is_well(folder, make):
    directory = make(folder)
    with Puppet("c", directory, stderr=subprocess.PIPE, cwd=folder) as puppet:
        push, pull = pair(puppet)
        exchange(push, pull)
        end_well(puppet, push, pull)
    assert make is not a_file or (folder / "file").read_text() == "mine"


def directory__appears_later__counters_are_there(folder):
    with Puppet("c", folder / "later", stderr=subprocess.PIPE) as puppet:
        push, pull = pair(puppet)
        exchange(push, pull)
        (folder / "later").mkdir()
        puppet.wait_counter(300, "SENT_MESSAGES", "PUSH")
        end_well(puppet, push, pull)


def directory__removed_and_made_again__counters_are_there(directory):
    with Puppet("c", directory, stderr=subprocess.PIPE) as puppet:
        push, pull = pair(puppet)
        exchange(push, pull)
        puppet.wait_counter(300, "SENT_MESSAGES", "PUSH")
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()
        exchange(push, pull)
        directory.mkdir()
        exchange(push, pull)
        puppet.wait_counter(900, "SENT_MESSAGES", "PUSH")
        end_well(puppet, push, pull)


def truncated(path, _victim):
    os.truncate(path, 100)


def emptied(path, _victim):
    os.truncate(path, 0)


def removed(path, _victim):
    path.unlink()


def replaced_by_link(path, victim):
    path.unlink()
    path.symlink_to(victim)


def replaced_by_hard_link(path, victim):
    path.unlink()
    os.link(victim, path)


def replaced_by_pipe(path, _victim):
    path.unlink()
    os.mkfifo(path)


def replaced_by_folder(path, _victim):
    path.unlink()
    path.mkdir()


def overwritten(path, _victim):
    with open(path, "r+b") as file:
        file.write(os.urandom(60000))


def replaced_by_file(path, _victim):
    path.unlink()
    path.write_bytes(b"something else" * 1000)


TAMPER = [removed, replaced_by_link, replaced_by_hard_link, replaced_by_pipe,
          replaced_by_folder, replaced_by_file, overwritten]


def tamper_while_running(directory, tamper):
    victim = directory.parent / "victim"
    victim.write_bytes(b"victim" * 10000)
    with Puppet("c", directory, stderr=subprocess.PIPE) as puppet:
        push, pull = pair(puppet)
        exchange(push, pull)
        tamper(puppet.segment().path, victim)
        exchange(push, pull)
        if tamper not in (overwritten, replaced_by_pipe):  # reading that would wait
            puppet.wait_counter(600, "SENT_MESSAGES", "PUSH")
        end_well(puppet, push, pull)
    assert victim.read_bytes() == b"victim" * 10000


@pytest.mark.parametrize("tamper", TAMPER, ids=lambda tamper: tamper.__name__)
def file__tampered_with_while_running__program_is_well(directory, tamper):
    tamper_while_running(directory, tamper)


@pytest.mark.parametrize("tamper", [truncated, emptied, *TAMPER], ids=lambda tamper: tamper.__name__)
def file_on_disk__tampered_with_while_running__program_is_well(directory_on_disk, tamper):
    tamper_while_running(directory_on_disk, tamper)


PLANT = [replaced_by_link, replaced_by_hard_link, replaced_by_pipe, replaced_by_folder]


@pytest.mark.parametrize("plant", PLANT, ids=lambda plant: plant.__name__.removeprefix("replaced_by_"))
def file__planted_before_the_first_socket__is_left_alone(directory, plant):
    victim = directory.parent / "victim"
    victim.write_bytes(b"victim")
    with Puppet("c", directory, stderr=subprocess.PIPE) as puppet:
        path = directory / file_name(puppet.pid)
        path.touch()
        plant(path, victim)
        before = path.lstat()
        push, pull = pair(puppet)
        exchange(push, pull)
        end_well(puppet, push, pull)
    assert victim.read_bytes() == b"victim"
    assert plant is not replaced_by_folder or path.lstat().st_ino == before.st_ino


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def file_size__limited__no_signal_comes(directory):
    """A write beyond RLIMIT_FSIZE raises SIGXFSZ, which would end the program."""
    with Puppet("c", directory, stderr=subprocess.PIPE, preexec_fn=limit_file_size) as puppet:
        push, pull = pair(puppet)
        exchange(push, pull)
        end_well(puppet, push, pull)


SMALL_SPACES = [
    *((resource.RLIMIT_AS, mib, "harmless_end contexts_come_and_go") for mib in (36, 40, 46, 60, 64, 68, 72, 100, 160, 200)),
    (resource.RLIMIT_AS, 200, "harmless_threads sockets_handed_on"),
    (resource.RLIMIT_AS, 260, "harmless_threads small_stack"),
    *((resource.RLIMIT_DATA, mib, "harmless_end contexts_come_and_go") for mib in (26, 30, 36, 60)),
    (resource.RLIMIT_DATA, 60, "harmless_threads sockets_handed_on"),
    (resource.RLIMIT_DATA, 60, "harmless_threads small_stack"),
]


@pytest.mark.parametrize("kind,mib,case", SMALL_SPACES)
def address_space__almost_used_up__program_is_well(directory, kind, mib, case):
    """libzmq ends the program where it gets no memory: the tap must not be the one who takes it."""
    def limit():
        resource.setrlimit(kind, (mib << 20, mib << 20))

    name, argument = case.split()
    command = [*products.program(name), argument]
    expected = run(command).stdout
    plain = [run(command, preexec_fn=limit) for _ in range(3)]
    if any((result.returncode, result.stdout) != (0, expected) for result in plain):
        pytest.skip("too little for the program itself")
    tapped = run(command, directory, preexec_fn=limit)
    assert (tapped.returncode, tapped.stdout, tapped.stderr) == (0, expected, "")


@pytest.fixture
def tiny(folder):
    """A file system with room for two pages."""
    path = folder / "tiny"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k,mode=0777", "zt", path],
                      capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small tmpfs here")
    yield path
    subprocess.run(["umount", path], check=True)


def directory__full__program_is_well(tiny):
    (tiny / "filler").write_bytes(bytes(4096))
    with Puppet("c", tiny, stderr=subprocess.PIPE) as puppet:
        push, pull = pair(puppet)
        exchange(push, pull)
        end_well(puppet, push, pull)


def ended_processes__each_way__leave_one_file_each(directory):
    """Children that fork and images that follow one another have a file each, with their own."""
    run([*products.program("harmless_fork"), "child_has_its_own_context"], directory)
    run([*products.program("harmless_fork"), "execute_oneself"], directory)
    segments = segment_file.read_all(directory)
    sent = sorted(s.counter("SENT_MESSAGES") for s in segments)
    assert sent == [2, 2, 2, 2, 2]  # parent, child; three images
    assert len({s.header["pid"] for s in segments}) == 3
    assert all(s.header["state"] == 2 for s in segments)


PLAIN_PROGRAMS = {
    "true": ["/bin/true"],
    "shell": ["/bin/sh", "-c", "echo $((6 * 7)); ls /; exit 3"],
    "bash": ["/bin/bash", "-c", "echo hello | tr a-z A-Z; type -t echo"],
    "python": [products.PYTHON, "-c", "import threading; print(threading.active_count())"],
    "missing": ["/bin/ls", "/nonexistent"],
}


@pytest.mark.parametrize("name", PLAIN_PROGRAMS)
def unrelated_program__preloaded__is_the_same(directory, name):
    command = PLAIN_PROGRAMS[name]
    plain = run(command)
    tapped = run(command, directory, {"LD_BIND_NOW": "1"})
    assert (tapped.returncode, tapped.stdout, tapped.stderr) == (
        plain.returncode, plain.stdout, plain.stderr)
    assert not list(directory.iterdir())


def process_that_only_loads_libzmq__preloaded__has_no_thread_and_no_file(directory):
    code = "import zmq, os; zmq.zmq_version(); print(os.listdir('/proc/self/task') == [str(os.getpid())])"
    result = run([products.PYTHON, "-c", code], directory)
    assert result.stdout == "True\n"
    assert not list(directory.iterdir())


def tap__switched_off__leaves_no_file(directory):
    with Puppet("c", directory, variables={"ZMQ_EXPORTER_TAP": "off"}) as puppet:
        push, pull = pair(puppet)
        exchange(push, pull)
        assert len(os.listdir(f"/proc/{puppet.pid}/task")) == 3  # libzmq's reaper and I/O thread
        assert not list(directory.iterdir())


def last_context__ends__takes_the_tap_thread_with_it(directory):
    with Puppet("c", directory) as puppet:
        for _ in range(3):
            push, pull = pair(puppet)
            exchange(push, pull, 10)
            assert "zmqtap" in names_of_threads(puppet.pid)
            push.close()
            pull.close()
            puppet.term()
            wait_for(lambda: os.listdir(f"/proc/{puppet.pid}/task") == [str(puppet.pid)], "one thread")
        puppet.wait_counter(90, "SENT_MESSAGES", "PUSH")


def names_of_threads(pid):
    return [path.read_text().strip() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/comm")]
