# SPDX-License-Identifier: MPL-2.0
"""`zmq_exporter audit`, the policy collector's metrics and the pages of checks."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
import uuid

import pytest
import zmq

from support import products, segment_file, web
from support.agent import Agent
from support.process import Process, run
from support.puppet import Puppet
from support.waiting import DEADLINE_S, wait_for

CARELESS = """
import time, zmq
socket = zmq.Context().socket(zmq.PUB)
socket.sndhwm = 0
socket.bind("tcp://*:*")
open({ready!r}, "w").close()
time.sleep(600)
"""


OF_LIBRARIES = {"vulnerable_library", "replaced_library"}


def audit(*words, **options):
    """Of tapped programs alone: those without are of all tests that run."""
    return run([products.exporter(), "audit", "--no-collector.peek", *words], **options)


@pytest.fixture
def careless(directory):
    with Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "careless"}) as puppet:
        puppet.socket(zmq.PUB, sndhwm=0).bind("tcp://*:*")
        puppet.segment()
        wait_for(lambda: "wildcard_bind" in audit(f"--tap.directory={directory}").stdout, "a finding")
        yield puppet


@pytest.fixture
def careful(directory):
    with Puppet("c", directory, variables={"ZMQ_EXPORTER_PROGRAM": "careful"}) as puppet:
        puppet.socket(zmq.PUB, linger=100).bind("tcp://127.0.0.1:*")
        puppet.segment()
        yield puppet


def test_audit__host__reports_and_fails_as_told(careless, careful, directory):
    where = f"--tap.directory={directory}"
    done = audit(where)
    assert done.returncode == 1 and done.stderr == ""
    assert "careless  PUB tcp://*:*" in done.stdout
    assert "socket.sndhwm = 10000" in done.stdout and "zmq_setsockopt(socket, ZMQ_SNDHWM" in done.stdout
    assert "careful  PUB" not in done.stdout
    assert "\x1b" not in done.stdout
    assert audit(where, "--program=careful").returncode == 0
    assert audit(where, "--program=careless", "--fail-on=critical").returncode == 0
    assert audit(where, "--program=careless", "--fail-on=high").returncode == 1


def test_audit__json_and_sarif__parse_and_say_the_same(careless, directory):
    where = (f"--tap.directory={directory}", "--program=careless")
    found = {v["check"] for v in json.loads(audit(*where, "--format=json").stdout)["violations"]}
    assert {"plaintext_tcp", "wildcard_bind", "unlimited_hwm", "infinite_linger"} <= found
    sarif = json.loads(audit(*where, "--format=sarif").stdout)
    [one] = sarif["runs"]
    assert sarif["version"] == "2.1.0"
    rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    assert {result["ruleId"] for result in one["results"]} == found
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in one["results"])
    assert {result["level"] for result in one["results"]} <= {"note", "warning", "error"}


@pytest.mark.parametrize("words, said", [
    (["--format=xml"], "--format: 'xml' is not one of text, json, sarif"),
    (["--fail-on=bad"], "--fail-on: 'bad' is not one of low, medium, high, critical"),
    (["--tap.directory=/nonexistent/x"], "/nonexistent/x: No such file or directory"),
    (["--url=http://127.0.0.1:1"], "127.0.0.1:1: Connection refused"),
    (["--url=https://127.0.0.1:1"], "127.0.0.1:1: Connection refused"),
    (["--url=ftp://127.0.0.1"], "is not http://HOST:PORT or https://HOST:PORT"),
    (["--url=http://127.0.0.1:0"], "is not http://HOST:PORT"),
    (["--url=http://127.0.0.1:99999"], "is not http://HOST:PORT"),
    (["--url=::1:10556"], "is not http://HOST:PORT"),
    (["--url=http://me:secret@127.0.0.1:1"], "use --url.username and --url.password-file"),
    (["--url=127.0.0.1:1", "--url.username=me"], "--url.username and --url.password-file go together"),
    (["--url=127.0.0.1:1", "--url.username=a:b", "--url.password-file=/x"], "no colon"),
    (["--url=127.0.0.1:1", "--url.username=me", "--url.password-file=/nonexistent/x"], "/nonexistent/x"),
    (["--url.username=me"], "are of an exporter that --url names"),
    (["--explain=plaintext_tpc"], "did you mean 'plaintext_tcp'?"),
    (["--", "/nonexistent/program"], "could not be started"),
])
def test_audit__what_cannot_be__is_an_error_with_its_reason(words, said):
    done = audit(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_audit__explain__has_reason_fix_and_exemption():
    done = audit("--explain=plaintext_tcp")
    assert done.returncode == 0
    assert "curve_server = True" in done.stdout and "exemptions:" in done.stdout


def test_audit__program_to_run__is_looked_at_and_ended(folder):
    ready = folder / "ready"
    done = audit("--seconds=5", "--format=json", "--", products.PYTHON, "-c",
                 CARELESS.format(ready=str(ready)))
    assert ready.exists()
    assert done.returncode == 1, done.stderr
    found = {v["check"] for v in json.loads(done.stdout)["violations"]}
    assert {"wildcard_bind", "unlimited_hwm"} <= found


def test_audit__program_to_run__its_own_libzmq_is_judged(folder):
    ready, config = folder / "ready", folder / "c.yml"
    (folder / "a.txt").write_text("checked 2026-01-01\nX-1 critical 0.0.0..99.0.0 - https://x a flaw\n")
    config.write_text("library: {advisories_file: a.txt}\n")
    words = ("--seconds=5", "--format=json", f"--config.file={config}", "--", products.PYTHON, "-c",
             CARELESS.format(ready=str(ready)))
    report = json.loads(audit(*words).stdout)
    [one] = [v for v in report["violations"] if v["check"] == "vulnerable_library"]
    assert "X-1 (critical)" in one["detail"]
    assert {c["check"]: c["looked_at"] for c in report["checks"]}["vulnerable_library"] == 1


def test_audit__program_that_ends_by_itself__is_clean(folder):
    done = audit("--seconds=60", "--", "sh", "-c", "echo said")
    assert done.returncode == 0
    assert "said" not in done.stdout and "said" in done.stderr
    assert "The program had no ZeroMQ socket" in done.stdout


def test_audit__url__is_the_report_of_the_exporter(careless, agent):
    where = f"--url=http://{agent.address}"
    done = audit(where, "--program=careless")
    assert done.returncode == 1, done.stderr
    assert "careless  PUB tcp://*:*" in done.stdout
    assert audit(where, "--program=nobody here").returncode == 0
    assert json.loads(audit(where, "--format=json").stdout)["sockets"] == 1
    with pytest.raises(urllib.error.HTTPError):
        agent.get("/api/v1/audit?format=xml")


@pytest.mark.parametrize("script, said", [
    ("exit 3", "the program ended with status 3 before a socket of it was seen"),
    ("kill -SEGV $$", "the program was ended by signal 11 (Segmentation fault) before a socket"),
])
def test_audit__program_that_fails_before_a_socket__is_an_error(script, said):
    done = audit("--seconds=60", "--", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_audit__program_that_fails_later__is_reported_with_a_warning(folder):
    careless = CARELESS.replace("time.sleep(600)", "time.sleep(1); sys.exit(7)").replace("import", "import sys,", 1)
    done = audit("--seconds=60", "--", products.PYTHON, "-c", careless.format(ready=str(folder / "ready")))
    assert done.returncode == 1
    assert "wildcard_bind" in done.stdout
    assert "the program ended with status 7; the report is of before" in done.stderr


def test_audit__interrupted__ends_the_program_and_reports(folder):
    script = CARELESS.format(ready=str(folder / "ready"))

    def socket_is_told():
        place = next(folder.glob("zmq_exporter-audit.*"))
        told = segment_file.read_all(place)  # nothing, before its first socket
        return told and told[-1].gauge("BINDS", "PUB") == 1 and next(place.glob("*.seg")).name.split("-")[0]

    with subprocess.Popen([products.exporter(), "audit", "--seconds=600", "--", products.PYTHON, "-c", script],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "TMPDIR": str(folder)}) as process:
        try:
            wait_for((folder / "ready").exists, "the program")
            pid = wait_for(socket_is_told, "its socket")
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "wildcard_bind" in output
    assert not pathlib.Path(f"/proc/{pid}").exists()
    assert not list(folder.glob("zmq_exporter-audit.*"))


UNTAPPED = """
import sys, zmq
context = zmq.Context()
{sockets}
print("ready", flush=True)
sys.stdin.read()
"""
BREAKS = """
a = context.socket(zmq.PULL); a.rcvhwm = 0; a.bind("tcp://*:*")
b = context.socket(zmq.PUSH); b.linger = -1; b.bind("ipc://@{name}")
c = context.socket(zmq.PUB); c.linger = 100; c.bind("ipc://{folder}/open"); os.chmod("{folder}/open", 0o777)
"""
KEEPS = """
a = context.socket(zmq.PULL); a.maxmsgsize = 4096; a.bind("tcp://0.0.0.0:*")
b = context.socket(zmq.PUSH); b.linger = 100; b.bind("ipc://{folder}/closed")
c = context.socket(zmq.PULL); c.rcvhwm = 0; c.sndhwm = 7; c.linger = -1; c.connect("inproc://nobody")
c.rcvhwm = 10
"""


@pytest.fixture
def untapped(folder):
    """Programs without the tap, by names of their own: there are others on the host."""
    with contextlib.ExitStack() as stack:
        names = []
        for sockets in (BREAKS, KEEPS):
            name = f"audit_{uuid.uuid4().hex[:12]}.py"
            text = "import os" + UNTAPPED.format(sockets=sockets.format(folder=folder, name=name))
            (folder / name).write_text(text)
            process = stack.enter_context(Process([products.PYTHON, folder / name], None))
            assert process.line() == "ready"
            names.append(name)
        yield names


def checks_of(report, program):
    return {(v["check"], v["type"]) for v in report["violations"] if v["program"] == program}


def is_seen(report, program):
    return any(v["program"] == program for v in report["violations"])


def test_audit__programs_without_the_tap__are_looked_at_as_far_as_is_seen(untapped, directory):
    breaks, keeps = untapped
    words = [products.exporter(), "audit", f"--tap.directory={directory}", "--format=json"]
    report = wait_for(lambda: is_seen(said := json.loads(run(words).stdout), breaks) and said, "the programs")
    found = checks_of(report, breaks)
    assert {("wildcard_bind", "PULL"), ("plaintext_tcp", "PULL"), ("unlimited_hwm", "PULL"),
            ("no_max_message_size", "PULL"), ("infinite_linger", "PUSH"), ("ipc_abstract", "PUSH"),
            ("ipc_open_to_others", "PUB")} == {
                one for one in found if one[0] not in OF_LIBRARIES}
    assert {one for one in checks_of(report, keeps) if one[0] not in OF_LIBRARIES} == {
        ("wildcard_bind", "PULL"), ("plaintext_tcp", "PULL")}
    assert report["untapped_sockets"] >= 6
    text = run([*words[:-1], f"--program={breaks}"]).stdout
    assert "programs without the tap" in text
    assert not is_seen(json.loads(audit(*words[2:]).stdout), breaks)


def test_audit__program_that_is_excluded__is_not_looked_at(untapped, directory, folder):
    breaks, _ = untapped
    (folder / "c.yml").write_text(f"peek: {{exclude: [{breaks}]}}\n")
    words = [products.exporter(), "audit", f"--tap.directory={directory}", "--format=json"]
    wait_for(lambda: is_seen(json.loads(run(words).stdout), breaks), "the program")
    report = json.loads(run([*words, f"--config.file={folder}/c.yml"]).stdout)
    assert report["untapped_sockets"] >= 3
    assert not {one for one in checks_of(report, breaks) if one[0] not in OF_LIBRARIES}


def test_audit__tapped_program__is_not_told_a_second_time_by_the_reader(careless, directory):
    report = json.loads(run([products.exporter(), "audit", f"--tap.directory={directory}", "--format=json"]).stdout)
    assert {v["count"] for v in report["violations"] if v["check"] == "wildcard_bind"
            and str(v["pid"]) == str(careless.pid)} == {1}
    assert len([v for v in report["violations"] if v["check"] == "wildcard_bind" and v["pid"] == careless.pid]) == 1


def test_page__programs_without_the_tap__are_among_the_violations(untapped, directory):
    breaks, _ = untapped
    with Agent(directory, peeks=True) as agent:
        agent.wait_value(1, "zmq_policy_violations", check="unlimited_hwm", program=breaks, type="PULL")


DAEMON = """
import os, time, zmq
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
with open({ready!r}, "w") as file:
    file.write(str(os.getpid()))
socket = zmq.Context().socket(zmq.PUB)
socket.sndhwm = 0
socket.bind("inproc://daemon")
time.sleep({seconds})
"""


@pytest.mark.parametrize("seconds, limit", [(1, 60), (600, 3)], ids=("ends", "is_ended"))
def test_audit__program_that_becomes_a_daemon__is_looked_at_to_its_end(folder, seconds, limit):
    ready = folder / "ready"
    done = audit(f"--seconds={limit}", "--format=json", "--", products.PYTHON, "-c",
                 DAEMON.format(ready=str(ready), seconds=seconds))
    assert (done.returncode, done.stderr) == (1, "")
    # A look that comes before its bind is of a socket without an address.
    [pid] = {v["pid"] for v in json.loads(done.stdout)["violations"] if v["check"] == "unlimited_hwm"}
    assert pid == int(ready.read_text())
    assert not pathlib.Path(f"/proc/{pid}").exists()


FAMILY = """
import os, signal, sys, time, zmq
def use(name):
    socket = zmq.Context().socket(zmq.PUSH)
    socket.sndhwm = 0
    socket.bind("inproc://" + name)
    time.sleep(600)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) > 1:
    use("after")
if os.fork() == 0:
    os.execv(sys.executable, [sys.executable, "-c", {script!r}, "after"])
if os.fork() == 0:
    use("child")
use("parent")
"""


def test_audit__children_and_exec_that_ignore_the_end__are_looked_at_and_ended():
    script = FAMILY.format(script=FAMILY.format(script=""))
    done = audit("--seconds=4", "--format=json", "--", products.PYTHON, "-c", script)
    found = [v for v in json.loads(done.stdout)["violations"] if v["check"] == "unlimited_hwm"]
    assert {v["address"] for v in found} == {"inproc://parent", "inproc://child", "inproc://after"}
    assert done.returncode == 1
    assert not [v for v in found if pathlib.Path(f"/proc/{v['pid']}").exists()]


@pytest.fixture
def guarded(folder, directory):
    """An exporter with TLS and a password, and the authority of its certificate."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    authority = web.Authority(folder, "authority")
    authority.issue("server")
    (folder / "password").write_text("s3cret\n")
    (folder / "password").chmod(0o600)
    (folder / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
                                    f"basic_auth_users: {{me: '{web.bcrypt('s3cret')}'}}\n")
    with Agent(directory, f"--web.config.file={folder}/web.yml") as agent:
        yield agent, authority


def test_audit__url_with_tls_and_password__is_the_report(guarded, folder):
    agent, authority = guarded
    https = f"--url=https://{agent.address}"
    me = ("--url.username=me", f"--url.password-file={folder}/password")
    trust = f"--url.ca-file={authority.certificate}"
    done = audit(https, trust, *me)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 violations" in done.stdout
    assert audit(https, "--url.insecure-skip-verify", *me).returncode == 0
    assert json.loads(audit(https.replace("127.0.0.1", "localhost"), trust, "--format=json", *me).stdout)

    other = web.Authority(folder, "other")
    (folder / "wrong").write_text("secret")
    (folder / "wrong").chmod(0o600)
    (folder / "open").write_text("s3cret")
    (folder / "open").chmod(0o644)
    port = agent.address.rsplit(":", 1)[1]
    for words, said in [
        ((https, *me), "--url.ca-file names the authority"),
        ((https, f"--url.ca-file={other.certificate}", *me), "--url.insecure-skip-verify does without"),
        ((f"--url=https://127.0.0.2:{port}", trust, *me), "Connection refused"),
        ((https, f"--url.ca-file={folder}/nothing.crt"), f"{folder}/nothing.crt: "),
        ((https, trust), "asks for a user name and password: --url.username and --url.password-file"),
        ((https, trust, me[0], f"--url.password-file={folder}/wrong"), "does not accept this user name"),
        ((https, trust, me[0], f"--url.password-file={folder}/open"), "lets others use the secret"),
        ((f"--url=http://{agent.address}", *me), "is it https://?"),
    ]:
        done = audit(*words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert said in done.stderr, words
        assert "s3cret" not in done.stderr


def test_audit__url_of_another_name__is_not_trusted(guarded, folder, directory):
    _, authority = guarded
    authority.issue("elsewhere", "DNS:elsewhere.example")
    (folder / "other.yml").write_text("tls_server_config: {cert_file: elsewhere.crt, key_file: elsewhere.key}\n")
    with Agent(directory, f"--web.config.file={folder}/other.yml") as agent:
        trust = f"--url.ca-file={authority.certificate}"
        done = audit(f"--url=https://{agent.address}", trust)
        assert done.returncode == 2 and "name" in done.stderr
        assert audit(f"--url=https://{agent.address}", trust, "--url.insecure-skip-verify").returncode == 0


def test_audit__url_that_asks_for_a_certificate__gets_it(guarded, folder, directory):
    _, authority = guarded
    authority.issue("scraper")
    (folder / "mutual.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: authority.crt, "
        "client_auth_type: RequireAndVerifyClientCert}\n")
    with Agent(directory, f"--web.config.file={folder}/mutual.yml") as agent:
        words = (f"--url=https://{agent.address}", f"--url.ca-file={authority.certificate}")
        done = audit(*words)
        assert done.returncode == 2 and "--url.cert-file" in done.stderr
        own = (f"--url.cert-file={folder}/scraper.crt", f"--url.key-file={folder}/scraper.key")
        assert audit(*words, *own).returncode == 0
        assert "go together" in audit(*words, own[0]).stderr


def test_audit__url_of_plain_http__is_told_from_tls(agent):
    done = audit(f"--url=https://{agent.address}")
    assert done.returncode == 2 and "is it http://?" in done.stderr


@pytest.mark.parametrize("answer, said", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nX-Zmq-Violations: none\r\n\r\nshort", "did not come whole"),
    (b"HTTP/1.1 302 Found\r\nLocation: https://there/\r\n\r\n", "status 302: it is now at https://there/"),
    (b"HTTP/1.1 404 Not Found\r\n\r\nnothing here\r\n", "status 404; is it an exporter, of this release? "
                                                     "It says: nothing here"),
    (b"HTTP/1.1 200 OK\r\n\r\nX-Zmq-Violations: none", "is it an exporter"),
    (b"SSH-2.0-OpenSSH\r\n", "speaks no HTTP"),
    (b"", "is it https://?"),
])
def test_audit__url_of_something_else__says_so(answer, said):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        done = audit(f"--url=http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_metrics__violations__one_series_each_and_none_for_what_is_kept(careless, careful, agent):
    page = wait_for(lambda: (p := agent.scrape()).find("zmq_policy_violations", program="careless") and p,
                    "violations on the page")
    assert page.find("zmq_policy_violations", check="wildcard_bind", severity="medium",
                     program="careless", type="PUB", address="tcp://*:*") == [1]
    assert page.find("zmq_policy_violations", program="careful") == []
    assert page.value("zmq_policy_checks", check="wildcard_bind") == 2
    assert page.value("zmq_policy_checks", check="incompatible_peers") is not None
    assert page.value("zmq_policy_folded_violations") == 0


def test_configuration__policy__is_in_force_after_a_reload(careless, directory, folder):
    config = folder / "c.yml"
    config.write_text("")
    with Agent(directory, f"--config.file={config}") as agent:
        wait_for(lambda: agent.scrape().find("zmq_policy_violations", check="wildcard_bind"), "a violation")
        config.write_text("policy: {checks: {wildcard_bind: {enabled: false}}}\n")
        urllib.request.urlopen(urllib.request.Request(f"http://{agent.address}/-/reload", method="POST"),
                               timeout=30).close()
        page = agent.scrape()
        assert not page.find("zmq_policy_violations", check="wildcard_bind")
        assert not page.find("zmq_policy_checks", check="wildcard_bind")
        assert page.find("zmq_policy_violations", check="unlimited_hwm")
        config.write_text("policy: {checks: {wildcard: {enabled: false}}}\n")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(
                urllib.request.Request(f"http://{agent.address}/-/reload", method="POST"), timeout=30)
        assert b"there is no check 'wildcard'" in refused.value.read()
        assert not agent.scrape().find("zmq_policy_violations", check="wildcard_bind")


def test_pages__each_check__has_one(agent, directory):
    index = agent.get("/checks/")
    names = [c["check"] for c in json.loads(audit(f"--tap.directory={directory}", "--format=json").stdout)["checks"]]
    assert len(names) > 20
    for name in names:
        assert f'href="{name}"' in index
        page = agent.get(f"/checks/{name}")
        assert "How to fix it, in Python" in page and f"check: {name}" in page
    with pytest.raises(urllib.error.HTTPError):
        agent.get("/checks/nothing")
