# SPDX-License-Identifier: MPL-2.0
"""Who was given the tap and is not heard, and who is not seen at all, is told, with the likely reason."""

import os
import pathlib
import shutil
import subprocess

import pytest

from support import products
from support.agent import Agent
from support.process import Process, end_all
from support.waiting import wait_for
from test_page import browser, open_page  # noqa: F401

NAME = "zmq_tap_missing_processes"


@pytest.fixture
def program(folder):
    """A program by a name of its own, since all programs of the host are on the page."""
    path = folder / f"unheard_{os.getpid()}_{os.urandom(3).hex()}.py"
    path.write_text((products.PROGRAMS_SOURCE / "by_name_ctypes.py").read_text())
    return path


@pytest.fixture
def launch(program):
    running = []

    def launch_one(directory, **variables):
        process = Process([products.PYTHON, program, 10], directory, variables)
        running.append(process)
        assert process.line() == "ready"
        return process

    yield launch_one
    end_all(running)


def value(agent, program, reason, name=NAME):
    return agent.scrape().value(name, program=program.name, reason=reason)


def reasons(agent, program):
    return {sample.labels["reason"]: sample.value for sample in agent.scrape().samples
            if sample.name == NAME and sample.labels["program"] == program.name}


def wait_reason(agent, program, reason):
    return wait_for(lambda: value(agent, program, reason) == 1, f"{reason} of {program.name}")


@pytest.mark.parametrize("variables,reason", [
    ({"ZMQ_EXPORTER_TAP": "off"}, "off"),
    ({"ZMQ_EXPORTER_TAP_DLSYM": "off"}, "dlsym"),
    ({"ZMQ_EXPORTER_DIR": "/nowhere"}, "other_directory"),
], ids=lambda word: word if isinstance(word, str) else "")
def tapped_program__tells_nothing__is_told_with_the_reason(directory, launch, program, variables, reason):
    process = launch(directory, **variables)
    with Agent(directory) as agent:
        agent.keep_log()
        wait_reason(agent, program, reason)
        assert reasons(agent, program) == {reason: 1}
        process.end()
        wait_for(lambda: value(agent, program, reason) is None, "its end")
    told = [line for line in agent.log if program.name in line]
    assert len(told) == 1 and reason in told[0] and str(process.pid) in told[0], told


@pytest.mark.parametrize("is_tapped", [True, False], ids=["heard", "without the tap"])
def program__that_nothing_is_wrong_with__is_not_told(directory, launch, program, is_tapped):
    launch(directory if is_tapped else None)
    launch(directory, ZMQ_EXPORTER_TAP="off")  # is looked at as often
    with Agent(directory) as agent:
        wait_reason(agent, program, "off")
        assert reasons(agent, program) == {"off": 1}


def tapped_program__without_a_socket__is_not_told(directory, launch, folder, program):
    idle = folder / f"idle_{os.urandom(3).hex()}.py"
    idle.write_text("import ctypes, sys\nctypes.CDLL('libzmq.so.5')\nprint('ready', flush=True)\nsys.stdin.read()\n")
    with Process([products.PYTHON, idle], directory) as process, Agent(directory) as agent:
        assert process.line() == "ready"
        launch(directory, ZMQ_EXPORTER_TAP="off")
        wait_reason(agent, program, "off")
        assert reasons(agent, idle) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
@pytest.mark.parametrize("peeks", [False, True], ids=["exporter", "reader"])
def directory__that_its_user_may_not_write__is_the_reason(directory, folder, program, peeks):
    pathlib.Path(directory).chmod(0o755)
    for path in (folder, folder.parent, program):
        path.chmod(0o755)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", products.PYTHON, program, 10]
    with Process(command, directory) as process, Agent(directory, peeks=peeks) as agent:
        assert process.line() == "ready"
        wait_reason(agent, program, "directory")


def php__by_its_extension__is_told(directory, folder):
    check = ["/usr/bin/php", "-r", "exit(extension_loaded('zmq') ? 0 : 1);"]
    if not shutil.which("php") or subprocess.run(check, check=False).returncode:
        pytest.skip("needs Debian's php-zmq")
    path = folder / f"deep_{os.urandom(3).hex()}.php"
    path.write_text((products.PROGRAMS_SOURCE / "deep.php").read_text())
    with Process(["/usr/bin/php", path, 10], directory) as process, Agent(directory) as agent:
        assert process.line() == "ready"
        wait_reason(agent, path, "deepbind")


def program__that_nobody_sees__is_listed(directory, launch, program):
    launch(None)
    with Agent(directory, f"--collector.peek.exclude={program.name}", peeks=True) as agent:
        wait_for(lambda: value(agent, program, "excluded", "zmq_unseen_processes") == 1, "excluded")


def page__program_that_is_not_heard__comes_first(directory, launch, program, browser):
    launch(directory, ZMQ_EXPORTER_TAP="off")
    with Agent(directory) as agent:
        wait_reason(agent, program, "off")
        open_page(browser, agent)
        text = wait_for(lambda: [one.text for one in browser.find_elements("css selector", "#problems li")
                                 if program.name in one.text], "what is wrong")
        assert "has the tap, which tells nothing" in text[0] and "ZMQ_EXPORTER_TAP=off" in text[0]
