# SPDX-License-Identifier: MPL-2.0
"""What people get wrong first: one line that names the place and the remedy, and the right status."""

import os
import shutil
import socket

import pytest

from support import products
from support.agent import Agent
from support.process import run

MISUSED, FAILED = 2, 1

COMMAND_LINES = [
    (["--web.listen-adress=:1"], "did you mean '--web.listen-address'?"),
    (["-p", "3"], "flags begin with two dashes"),
    (["--tap.max-groups"], "--tap.max-groups needs a value: --tap.max-groups=N"),
    (["--tap.directory", "--web.config.file=/no/such.yml"], "--tap.directory needs a value: "
     "--tap.directory=DIRECTORY"),
    (["--web.config.file", "--version"], "--web.config.file needs a value"),
    (["--web.listen-address", "--", "x"], "--web.listen-address needs a value"),
    (["run", "--tap.library", "--program=feed", "true"], "--tap.library needs a value"),
    (["check", "--web.config.file", "--help"], "--web.config.file needs a value"),
    (["demo", "--role", "--with-exporter"], "--role needs a value: --role=NAME"),
    (["--tap.directory="], "--tap.directory needs a value"),
    (["--web.config.file="], "--web.config.file needs a value"),
    (["--config.file", ""], "--config.file needs a value"),
    (["run", "--tap.directory=", "true"], "--tap.directory needs a value"),
    (["check", "--web.config.file=", "/dev/null"], "--web.config.file needs a value"),
    (["--tap.max-groups=0"], "'0' is not a number from 1 to 1000000"),
    (["--log.level=loud"], "'loud' is not debug, info, warn or error"),
    (["--log.level=info", "extra"], "'extra' is not a flag"),
    (["chek", "file.yml"], "did you mean 'check'?"),
    (["run"], "name the program to start"),
    (["check"], "check takes one file"),
    (["demo", "--role=nobody"], "no role is called 'nobody'"),
    (["help", "nothing"], "unknown command 'nothing'; --help lists them"),
]


@pytest.mark.parametrize("words,message", COMMAND_LINES, ids=lambda value: "_".join(value)
                         if isinstance(value, list) else "")
def command_line__wrong__is_refused_with_the_remedy(words, message):
    done = run([products.exporter(), *words])
    assert done.returncode == MISUSED
    assert done.stderr.startswith("zmq_exporter") and message in done.stderr.splitlines()[0]
    assert done.stdout == ""


def refused(directory, *flags, **options):
    """What the log says of an exporter that does not start."""
    done = run([products.exporter(), f"--tap.directory={directory}", *flags], **options)
    assert done.returncode == FAILED
    errors = [line for line in done.stderr.splitlines() if "level=error" in line]
    assert len(errors) == 1, done.stderr
    return errors[0]


def start__port_in_use__names_the_address(directory):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused(directory, f"--web.listen-address={address}")
    assert f"--web.listen-address: cannot listen on '{address}': Address already in use" in said


@pytest.mark.parametrize("flag,message", [
    ("--web.listen-address=localhost", "'localhost' is not an address; write ':10556'"),
    ("--web.listen-address=127.0.0.1:70000", "a port is at most 65535"),
    ("--web.telemetry-path=metrics", "'metrics' is not a path; write for example '/metrics'"),
    ("--config.file=/no/such.yml", "--config.file: /no/such.yml: No such file or directory"),
    ("--web.config.file=/no/such.yml", "--web.config.file: /no/such.yml: No such file or directory"),
    ("--web.systemd-socket", "is there a socket unit of this service's name?"),
], ids=lambda value: value.split("=")[0].strip("-") if value.startswith("--") else "")
def start__wrong_value__names_the_flag_and_what_to_write(directory, flag, message):
    assert message in refused(directory, flag)


ACTIVATIONS = [
    ("5", "LISTEN_FDS=5, but descriptor 4 is not open; it is the number of sockets"),
    ("0", "LISTEN_FDS='0' with LISTEN_PID="),
    ("many", "LISTEN_FDS='many' with LISTEN_PID="),
    ("100000", "LISTEN_FDS=100000, but descriptor 4 is not open"),
]


def activated(directory, listener, n, more=""):
    """An exporter with one socket, descriptor 3, that is told of `n`."""
    def give():
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)  # also where it was that number already

    script = f"{more} LISTEN_PID=$$ LISTEN_FDS={n} exec \"$0\" \"$@\""
    return run(["sh", "-c", script, products.exporter(), "--web.systemd-socket",
                f"--tap.directory={directory}"],
               preexec_fn=give, close_fds=False)


@pytest.mark.parametrize("n,message", ACTIVATIONS)
def start__activation_without_its_sockets__says_what_the_variable_is(directory, n, message):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = activated(directory, listener, n)
    if "built without systemd" in done.stderr:
        pytest.skip("built without systemd")
    assert done.returncode == FAILED, done.stderr
    assert f"--web.systemd-socket: {message}" in done.stderr


def start__activation_with_what_is_no_socket__names_the_descriptor(directory):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = activated(directory, listener, 2, "exec 4</dev/null;")
    if "built without systemd" in done.stderr:
        pytest.skip("built without systemd")
    assert done.returncode == FAILED, done.stderr
    assert "descriptor 4 is not a listening stream socket; a socket unit opens" in done.stderr


def become_nobody():
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


@pytest.mark.parametrize("place,message", [
    ("missing/parent", "cannot make segment directory {}: No such file or directory; make its parent"),
    ("file", "cannot open segment directory {}: Not a directory; make it a folder"),
])
def start__directory_of_no_use__is_told_at_once_and_by_the_collector(folder, place, message):
    (folder / "file").touch()
    directory = folder / place
    with Agent(directory, has_details=False) as agent:
        agent.keep_log()
        assert agent.scrape().value("zmq_exporter_collector_success", collector="tap") == 0
        assert agent.scrape().value("zmq_exporter_collector_success", collector="self") == 1
        log = agent.end_and_read_log()
    # Not of other tests' programs, which this host has as well.
    warnings = [line for line in log.splitlines()
                if "level=warn" in line and "has the tap and no segment" not in line]
    assert len(warnings) == 2, log  # at the start, and when the first scrape failed
    for line in warnings:
        assert message.format(directory) in line and "--tap.directory" in line


@pytest.fixture
def open_folder(folder, monkeypatch):
    """The folder with the exporter in it, for a test that starts it as nobody."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    folder.chmod(0o755)
    program = folder / "zmq_exporter"
    shutil.copy(products.exporter(), program)
    monkeypatch.setenv("TEST_EXPORTER", str(program))
    return folder


def start__directory_of_another_user__is_told_at_once(open_folder):
    directory = open_folder / "segments"
    directory.mkdir(mode=0o700)
    with Agent(directory, preexec_fn=become_nobody) as agent:
        said = "".join(agent.log)  # up to its address
    assert "Permission denied; systemd-tmpfiles makes it for the exporter's user" in said


def start__state_file_of_another_user__says_whose_it_has_to_be(open_folder):
    directory = open_folder / "segments"
    directory.mkdir(mode=0o700)
    (directory / "state").touch(mode=0o600)
    os.chown(directory, 65534, 65534)
    with Agent(directory, preexec_fn=become_nobody) as agent:
        said = "".join(agent.log)
    assert f"cannot take state file {directory}/state: Permission denied; it has to be" in said
    assert "run as the exporter's user" in said and "chown" not in said


def start__state_file_that_is_none__says_what_becomes_of_it(directory):
    (directory / "state").write_text("rubbish\n")
    with Agent(directory) as agent:
        said = "".join(agent.log)
    assert f"state file {directory}/state: Bad message; it is damaged, and a new one" in said


def start__port_of_the_privileged__names_the_capability(open_folder):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
        if int(file.read()) <= 1:
            pytest.skip("this host gives any port to anybody")
    said = refused(open_folder, "--web.listen-address=127.0.0.1:1", preexec_fn=become_nobody)
    assert "cannot listen on '127.0.0.1:1': Permission denied; a port below 1024 needs" in said


def start__socket_file_in_a_folder_of_another__names_the_folder(open_folder):
    said = refused(open_folder, f"--web.listen-address=unix:{open_folder}/socket",
                   preexec_fn=become_nobody)
    assert f"'unix:{open_folder}/socket': Permission denied; let the exporter's user write in" in said


def start__socket_file_that_is_served__says_how_to_find_who(folder, directory):
    path = folder / "socket"
    with socket.socket(socket.AF_UNIX) as served:
        served.bind(str(path))
        served.listen()
        said = refused(directory, f"--web.listen-address=unix:{path}")
    assert f"cannot listen on 'unix:{path}': Address already in use; a program serves" in said
    assert path.is_socket()
