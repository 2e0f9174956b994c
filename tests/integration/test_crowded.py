# SPDX-License-Identifier: MPL-2.0
"""A segment directory that some user has filled: programs of others are on the page."""

import os

import pytest
import zmq

from support.agent import Agent
from support.waiting import wait_for

NOBODY, DAEMON = 65534, 1
N_FILES = 4096
HEADER_SIZE = 16384
OFFSETS = {"updated_ns": 80, "n_groups_n_lanes": 88, "pid": 104, "start_ticks": 112, "pid_namespace": 120,
           "created_ns": 488}
SEGMENTS = "zmq_exporter_segments"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="other users' files need root")


def write(path, data=b"", size=0):
    with open(path, "wb") as file:
        file.write(data)
        if size:
            file.truncate(size)
    os.chown(path, NOBODY, NOBODY)


def fill_one_byte(directory, i):
    write(directory / f"1-{i}.seg", b"x")


def fill_empty(directory, i):
    write(directory / f"1-{i}.seg")


def fill_zeros(directory, i):
    write(directory / f"1-{i}.seg", size=HEADER_SIZE)


def fill_rubbish(directory, i):
    write(directory / f"{1 + i % 9}-{i}.seg", b"rubbish!", HEADER_SIZE)


def fill_unreadable(directory, i):
    path = directory / f"1-{i}.seg"
    write(path, size=HEADER_SIZE)
    path.chmod(0)


def fill_no_files(directory, i):
    """What cannot be opened as a file at all."""
    path = directory / f"1-{i}.seg"
    if i % 3 == 0:
        os.mkfifo(path)
    elif i % 3 == 1:
        path.symlink_to("1-0.seg")
    else:
        path.mkdir()
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def fill_beginning(directory, i):
    """What begins like a segment and is none: another version."""
    header = (0x0150544D51415A).to_bytes(8, "little") + (7).to_bytes(4, "little")
    write(directory / f"1-{i}.seg", header, HEADER_SIZE)


KINDS = [fill_one_byte, fill_empty, fill_zeros, fill_rubbish, fill_unreadable, fill_no_files,
         fill_beginning]


def open_push(puppet):
    push = puppet.socket(zmq.PUSH)
    push.bind("inproc://push")


def change(data, **fields):
    for name, value in fields.items():
        data[OFFSETS[name]:OFFSETS[name] + 8] = value.to_bytes(8, "little")
    return data


def one_segment(start, directory):
    """What a tap writes, less the sockets, of a puppet that lives on."""
    maker = start("c")
    open_push(maker)
    maker.wait_counter(0, "SENT_MESSAGES", zmq.PUSH, "inproc://push")
    data = bytearray(next(directory.glob("*.seg")).read_bytes())
    return maker, change(data[:HEADER_SIZE], n_groups_n_lanes=0)


def page_with(agent, name):
    page = agent.scrape()
    return page if page.find(name, type="PUSH") else None


def put(directory, pid, start_ticks, data, owner=None):
    """Whole at once, as no reader meets half of it."""
    path = directory / "new"
    path.write_bytes(change(data, start_ticks=start_ticks))
    if owner:
        os.chown(path, owner, owner)
    path.rename(directory / f"{pid}-{start_ticks}.seg")


@pytest.mark.parametrize("fill", KINDS, ids=lambda fill: fill.__name__[5:])
@pytest.mark.parametrize("user", ["another", "the_same"])
def test_files__that_are_no_segments__take_no_places(directory, start, fill, user):
    directory.chmod(0o1777)
    for i in range(N_FILES):
        fill(directory, i)

    def become_nobody():
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)

    directory.parent.chmod(0o755)
    with Agent(directory) as agent:
        agent.wait_value(1, "zmq_exporter_collector_success", collector="tap")
        puppet = start("c", preexec_fn=become_nobody if user == "the_same" else None)
        open_push(puppet)
        page = wait_for(lambda: page_with(agent, "zmq_sockets"), agent.get)
        assert page.value(SEGMENTS, state="left_out") == 0
        assert page.value("zmq_exporter_collector_success", collector="tap") == 1


def test_files__that_never_were_segments__are_removed_though_the_process_lives(directory):
    for i in range(3):
        fill_one_byte(directory, i)
        fill_rubbish(directory, 10 + i)
    fill_empty(directory, 20)
    with Agent(directory):
        wait_for(lambda: [p.name for p in directory.glob("*.seg")] == ["1-20.seg"],
                 lambda: list(directory.iterdir()))


def test_segments__more_than_a_user_may_have__leave_others_their_places(directory, start):
    maker, data = one_segment(start, directory)
    maker.end()
    with Agent(directory) as agent:
        agent.keep_log()
        wait_for(lambda: not list(directory.glob("*.seg")), lambda: list(directory.iterdir()))
        for i in range(N_FILES):  # cannot be seen from here, and so count as running
            change(data, pid=1, pid_namespace=1, created_ns=5, updated_ns=2**62)
            put(directory, 1, i + 1, data, NOBODY)
        agent.wait_value(N_FILES // 2, SEGMENTS, state="left_out")
        agent.wait_value(0, "zmq_exporter_collector_success", collector="tap")
        page = agent.scrape()
        kept = [page.value(SEGMENTS, state=state) for state in ("live", "silent")]
        assert sum(kept) == N_FILES // 2
        puppet = start("c", variables={"ZMQ_EXPORTER_PROGRAM": "later"})
        open_push(puppet)
        agent.wait_value(1, "zmq_sockets", program="later")

        for path in directory.glob("1-*.seg"):
            path.unlink()
        agent.wait_value(0, SEGMENTS, state="left_out")
        agent.wait_value(1, "zmq_exporter_collector_success", collector="tap")
        log = agent.end_and_read_log()
    # Not of other tests' programs, which this host has as well.
    warnings = [line for line in log.splitlines()
                if "level=warn" in line and "has the tap and no segment" not in line]
    # On a busy machine a scrape with so many files may be too slow, which is another message.
    told = [line for line in warnings if "too slow" not in line]
    assert 1 <= len(told) <= 1 + len(warnings) - len(told), log
    assert all("some segment files" in line and "left_out" in line for line in told)


def n_folded(directory):
    return (directory / "state").read_text().count("\nfolded ")


def test_names__start_times_without_end__are_not_remembered(directory, start):
    """By the names, dead processes that had the id of a living one: each is counted, none is kept."""
    maker, data = one_segment(start, directory)
    with Agent(directory) as agent:
        for i in range(1, 2000):
            put(directory, maker.pid, i, data)
        wait_for(lambda: len(list(directory.glob("*.seg"))) == 1, lambda: len(os.listdir(directory)))
        put(directory, maker.pid, 5, data)
        wait_for(lambda: len(list(directory.glob("*.seg"))) == 1, lambda: len(os.listdir(directory)))
        wait_for(lambda: n_folded(directory) < 10, lambda: (directory / "state").read_text())
        agent.wait_value(1, SEGMENTS, state="live")
        assert agent.scrape().value("zmq_processes", program="puppet") == 1
