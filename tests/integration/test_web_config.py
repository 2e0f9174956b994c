# SPDX-License-Identifier: MPL-2.0
"""--web.config.file against real TLS clients: certificates, passwords, reloading, activation."""

import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from support import http, products, web
from support.agent import Agent, Page
from support.process import Process, run
from support.waiting import wait_equal, wait_for

PASSWORD = "open sesame"
WRONG_TLS = (ssl.SSLError, ConnectionError)


@pytest.fixture
def authority(folder):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    return web.Authority(folder, "authority")


@pytest.fixture
def serve(folder, directory):
    """Starts an exporter with a web configuration: serve("text", "--flag")."""
    agents = []

    def start(text, *flags):
        (folder / "web.yml").write_text(text)
        agents.append(Agent(directory, f"--web.config.file={folder}/web.yml", *flags))
        agents[-1].keep_log()
        return agents[-1]

    yield start
    for agent in agents:
        agent.end()


TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
USERS = f"basic_auth_users:\n  prometheus: {web.bcrypt(PASSWORD)}\n"


def tls_and_password__right_or_wrong__200_or_401(authority, serve):
    authority.issue("server")
    agent = serve(TLS + USERS)
    context = authority.context()

    answer = web.fetch(agent.address, "/metrics", context, web.basic("prometheus", PASSWORD))
    assert answer.status == 200
    assert Page(answer.text).value("zmq_exporter_build_info") == 1
    assert Page(answer.text).value("zmq_exporter_web_config_last_reload_successful") == 1
    assert Page(answer.text).value("zmq_exporter_web_info", scheme="https") == 1

    for path in ("/metrics", "/", "/-/healthy", "/-/ready", "/nothing"):
        answer = web.fetch(agent.address, path, context)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Basic"), path
    for user, password in (("prometheus", "x"), ("nobody", PASSWORD), ("", ""), ("prometheus", "")):
        assert web.fetch(agent.address, "/", context, web.basic(user, password)).status == 401
    assert web.fetch(agent.address, "/", context, {"Authorization": "Basic ???"}).status == 401
    assert web.fetch(agent.address, "/nothing", context,
                     web.basic("prometheus", PASSWORD)).status == 404


def connection__many_requests__each_is_answered(authority, serve):
    authority.issue("server")
    agent = serve(TLS + USERS)
    connection = web.connect(agent.address, authority.context())
    for _ in range(20):
        assert web.get(connection, "/metrics", web.basic("prometheus", PASSWORD)).status == 200
    connection.close()


def scheme__with_or_without_tls__is_in_the_commands_of_runbooks(authority, serve):
    authority.issue("server")
    for text, scheme, context in ((TLS, "https", authority.context()), ("", "http", None)):
        agent = serve(text)
        path = f"/runbooks/ZeroMQReceiverStuck?instance={agent.address}&scheme=ftp"
        page = web.fetch(agent.address, path, context).text
        assert f"api='{scheme}://{agent.address}/api/v1/sockets/open?" in page
        metrics = Page(web.fetch(agent.address, "/metrics", context).text)
        assert metrics.value("zmq_exporter_web_info", scheme=scheme) == 1


def tls__client_of_http_or_old_tls__gets_nothing(authority, serve):
    authority.issue("server")
    agent = serve(TLS)
    with pytest.raises(Exception):
        web.fetch(agent.address)
    old = authority.context(minimum_version=ssl.TLSVersion.TLSv1,
                            maximum_version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(WRONG_TLS):
        web.fetch(agent.address, context=old)
    assert web.fetch(agent.address, context=authority.context()).status == 200


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tls__handshake_begun_and_left__costs_nothing(authority, serve):
    authority.issue("server")
    agent = serve(TLS)
    with http.open_connection(agent.address) as stream:
        stream.sendall(b"\x16\x03\x01")
        before = cpu_seconds(agent.pid)
        stream.settimeout(1)
        with pytest.raises(TimeoutError):
            stream.recv(1)
        assert cpu_seconds(agent.pid) - before < 0.1


def tls__too_many_handshakes__are_cut_and_open_connections_go_on(authority, serve):
    authority.issue("server")
    agent = serve(TLS)
    context = authority.context()
    connection = web.connect(agent.address, context)
    assert web.get(connection).status == 200

    def some_are_cut():
        crowd = [http.open_connection(agent.address) for _ in range(300)]
        cut = select.select(crowd, [], [], 1)[0]
        for stream in crowd:
            stream.close()
        return cut

    wait_for(some_are_cut, "connections that were cut")
    text = web.get(connection, "/metrics").text
    assert Page(text).value("zmq_exporter_http_limited_total", limit="handshakes") > 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def client_certificate__name_allowed_or_not__is_served_or_cut(authority, folder, serve, version):
    other = web.Authority(folder, "other")
    authority.issue("server")
    authority.issue("scraper", "DNS:prometheus.example.net,URI:spiffe://example.net/prometheus")
    authority.issue("stranger", "DNS:stranger.example.net")
    other.issue("foreign", "DNS:prometheus.example.net")
    agent = serve(TLS + "  client_ca_file: authority.crt\n"
                  "  client_auth_type: RequireAndVerifyClientCert\n"
                  "  client_allowed_sans: ['spiffe://example.net/prometheus']\n")

    def status(client):
        context = authority.context(client, minimum_version=version, maximum_version=version)
        return web.fetch(agent.address, context=context).status

    assert status("scraper") == 200
    for client in (None, "stranger", "foreign"):
        with pytest.raises(WRONG_TLS):
            status(client)
    assert status("scraper") == 200


def fingerprint(agent, context):
    connection = web.connect(agent.address, context)
    connection.connect()
    certificate = connection.sock.getpeercert(binary_form=True)
    assert web.get(connection).status == 200
    connection.close()
    return certificate


def certificate__renewed__holds_from_the_next_connection(authority, serve):
    authority.issue("server")
    agent = serve(TLS)
    context = authority.context()
    former = fingerprint(agent, context)
    kept = web.connect(agent.address, context)
    assert web.get(kept).status == 200

    authority.issue("server")
    wait_for(lambda: fingerprint(agent, context) != former, "the renewed certificate")
    assert web.get(kept).status == 200  # what is open stays open
    kept.close()


def success(agent, context, headers):
    page = web.fetch(agent.address, "/metrics", context, headers)
    assert page.status == 200
    return Page(page.text).value("zmq_exporter_web_config_last_reload_successful")


def web_config__turns_bad__former_rules_stay_and_one_report(authority, folder, serve):
    authority.issue("server")
    agent = serve(TLS + USERS)
    context, known = authority.context(), web.basic("prometheus", PASSWORD)
    assert success(agent, context, known) == 1

    (folder / "web.yml").write_text(TLS + USERS.replace("basic_auth_users", "basic_auth_user"))
    wait_equal(lambda: success(agent, context, known), 0, "reload")
    assert web.fetch(agent.address, "/", context).status == 401
    for _ in range(20):
        assert success(agent, context, known) == 0

    (folder / "web.yml").write_text(TLS + USERS.replace("prometheus", "scraper"))
    known = web.basic("scraper", PASSWORD)
    wait_equal(lambda: web.fetch(agent.address, "/", context, known).status, 200, "the new user")
    assert success(agent, context, known) == 1
    assert web.fetch(agent.address, "/", context, web.basic("prometheus", PASSWORD)).status == 401
    log = agent.end_and_read_log()
    assert log.count("cannot take the changed web configuration") == 1, log
    assert "did you mean 'basic_auth_users'?" in log
    assert log.count("took the changed web configuration") == 1, log


@pytest.mark.parametrize("name", ["web.yml", "server.crt", "server.key", "authority.crt"])
def web_config__file_turns_into_a_fifo__former_rules_stay(authority, folder, serve, name):
    authority.issue("server")
    authority.issue("scraper")
    agent = serve(TLS + "  client_ca_file: authority.crt\n"
                  "  client_auth_type: RequireAndVerifyClientCert\n")
    context = authority.context("scraper")
    assert success(agent, context, {}) == 1
    (folder / name).unlink()
    os.mkfifo(folder / name)
    wait_equal(lambda: success(agent, context, {}), 0, "reload")
    log = agent.end_and_read_log()
    assert "is not a regular file" in log, log


def web_config__with_secrets__shows_none_of_them(authority, folder, serve):
    authority.issue("server")
    key = (folder / "server.key").read_text()
    indented = "".join(f"    {line}\n" for line in key.splitlines())
    agent = serve(f"tls_server_config:\n  cert_file: server.crt\n  key: |\n{indented}{USERS}",
                  "--log.level=debug")
    context, known = authority.context(), web.basic("prometheus", PASSWORD)
    seen = ""
    for path in ("/metrics", "/", "/nothing?" + PASSWORD.replace(" ", "+"), "/-/ready"):
        for headers in (known, web.basic("prometheus", "guess-of-mine"), {}):
            answer = web.fetch(agent.address, path, context, headers)
            seen += answer.text + str(answer.headers)
    (folder / "web.yml").write_text("basic_auth_users: {prometheus: my-plain-password}\n")
    web.fetch(agent.address, "/", context, known)
    seen += agent.end_and_read_log()
    secrets = [PASSWORD, "guess-of-mine", "my-plain-password", web.bcrypt(PASSWORD)[7:],
               known["Authorization"].split()[1], key.splitlines()[1]]
    assert [secret for secret in secrets if secret in seen] == []


def headers_and_limit__as_configured__until_changed(folder, serve):
    agent = serve("http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n"
                  "    Strict-Transport-Security: max-age=31536000\n"
                  "    Content-Security-Policy: ''\n"
                  "rate_limit: {interval: 1h, burst: 3}\n")
    for _ in range(3):
        answer = web.fetch(agent.address)
        assert answer.status == 200
        assert answer.headers.get_all("X-Frame-Options") == ["sameorigin"]
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert answer.headers["Content-Security-Policy"] is None
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert web.fetch(agent.address).status == 429
    (folder / "web.yml").write_text("rate_limit: {interval: 0}\n")
    wait_equal(lambda: web.fetch(agent.address).status, 200, "the limit taken away")


def limit__loosened_when_used_up__holds_at_once(folder, serve):
    agent = serve("rate_limit: {interval: 1h, burst: 3}\n")
    assert [web.fetch(agent.address).status for _ in range(5)] == [200] * 3 + [429] * 2
    (folder / "web.yml").write_text("rate_limit: {interval: 1ms, burst: 1000}\n")
    wait_equal(lambda: web.fetch(agent.address).status, 200, "the looser limit")
    assert {web.fetch(agent.address).status for _ in range(100)} == {200}


def password__being_guessed__does_not_keep_a_scraper_out(serve):
    agent = serve(f"basic_auth_users:\n  prometheus: {web.bcrypt(PASSWORD, 9)}\n")
    known = web.basic("prometheus", PASSWORD)
    assert web.fetch(agent.address, "/metrics", headers=known).status == 200
    seen, stop = set(), threading.Event()

    def guess(number):
        for i in range(10000):
            if stop.is_set():
                return
            seen.add(web.fetch(agent.address, headers=web.basic("prometheus", f"{number} {i}")).status)

    guessers = [threading.Thread(target=guess, args=(i,)) for i in range(16)]
    for guesser in guessers:
        guesser.start()
    wait_for(lambda: seen == {401, 503}, lambda: f"guesses were answered with {seen}")
    for _ in range(50):
        assert web.fetch(agent.address, "/metrics", headers=known).status == 200
    assert niceness(agent.pid, "bcrypt") == min(niceness(agent.pid, "zmq_exporter") + 10, 19)
    stop.set()
    for guesser in guessers:
        guesser.join(web.DEADLINE_S)
    assert seen == {401, 503}


def niceness(pid, thread):
    """That of the process's thread of this name."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii") as stat:
            name, _, rest = stat.read().partition("(")[2].rpartition(")")
        if name == thread:
            return int(rest.split()[16])
    raise AssertionError(f"no thread {thread}")


@pytest.mark.parametrize("text, message", [
    ("tls_server_config: {cert_file: no.crt, key_file: no.key}", "No such file or directory"),
    ("basic_auth_user: {}", "did you mean 'basic_auth_users'?"),
    ("basic_auth_users: {prometheus: plain}", "is not a bcrypt hash"),
])
def start__bad_web_config__refuses_with_its_place(folder, directory, text, message):
    (folder / "web.yml").write_text(text)
    ended = run([products.exporter(), f"--web.config.file={folder}/web.yml",
                 f"--tap.directory={directory}", "--web.listen-address=127.0.0.1:0"])
    assert ended.returncode == 1
    assert message in ended.stderr and f"{folder}/web.yml:1:" in ended.stderr
    assert "listening" not in ended.stderr


def unix_socket__with_password__is_served(folder, directory):
    path = folder / "web.sock"
    (folder / "web.yml").write_text(USERS)
    with Process([products.exporter(), f"--web.config.file={folder}/web.yml",
                  f"--tap.directory={directory}", f"--web.listen-address=unix:{path}"]):
        wait_for(path.exists, "the socket")
        connection = web.UnixConnection(path)
        wait_for(lambda: can_connect(connection), "the listener")
        assert web.get(connection).status == 401
        assert web.get(web.UnixConnection(path),
                       headers=web.basic("prometheus", PASSWORD)).status == 200
        assert path.stat().st_mode & 0o777 == 0o660


def can_connect(connection):
    try:
        connection.connect()
    except OSError:
        return False
    return True


def socket_activation__by_a_manager__serves_and_reports(folder, directory):
    """As the service manager does it: the socket is descriptor 3, word goes to NOTIFY_SOCKET."""
    help_text = run([products.exporter(), "--help"]).stdout
    assert "--web.systemd-socket" in help_text
    listener = socket.create_server(("127.0.0.1", 0))
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(folder / "notify"))
    manager.settimeout(web.DEADLINE_S)
    script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\""
    command = ["sh", "-c", script, products.exporter(), "--web.systemd-socket",
               f"--tap.directory={directory}"]
    with Process(command, variables={"NOTIFY_SOCKET": str(folder / "notify")},
                 preexec_fn=lambda: os.dup2(listener.fileno(), 3), close_fds=False,
                 stderr=subprocess.PIPE) as process:
        first = process.popen.stderr.readline() + process.popen.stderr.readline()
        if "built without systemd" in first:
            pytest.skip("built without systemd")
        assert b"READY=1" in manager.recv(4096), first
        address = "%s:%d" % listener.getsockname()
        assert web.fetch(address).status == 200
        process.send_signal(signal.SIGTERM)
        assert b"STOPPING=1" in manager.recv(4096)
    listener.close()
    manager.close()


def curl__with_or_without_password__200_or_401(authority, serve):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    authority.issue("server")
    agent = serve(TLS + USERS)
    for more, expected in ((["-u", f"prometheus:{PASSWORD}"], "200"), ([], "401")):
        ended = run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{http_version}",
                     "--cacert", authority.certificate, "--compressed", *more,
                     f"https://{agent.address}/metrics"])
        assert ended.stdout == f"{expected} 1.1", ended


PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: zmq
    scheme: https
    basic_auth: {{username: prometheus, password: '{password}'}}
    tls_config: {{ca_file: authority.crt, cert_file: scraper.crt, key_file: scraper.key}}
    static_configs: [{{targets: ['{address}']}}]
"""


def prometheus__with_certificate_and_password__is_up(authority, folder, serve):
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed")
    authority.issue("server")
    authority.issue("scraper")
    agent = serve(TLS + "  client_ca_file: authority.crt\n"
                  "  client_auth_type: RequireAndVerifyClientCert\n" + USERS)
    (folder / "prometheus.yml").write_text(
        PROMETHEUS.format(password=PASSWORD, address=agent.address))
    with Process(["prometheus", f"--config.file={folder}/prometheus.yml",
                  f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0",
                  "--log.format=json"], stderr=subprocess.PIPE) as prometheus:
        port = wait_for(lambda: listening_port(prometheus.pid), "prometheus listening")
        wait_equal(lambda: query_up(port), "1", "up of the exporter")


def listening_port(pid):
    """The port on which a process listens, from the kernel's table and its descriptors."""
    inodes = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except OSError:
                pass
        with open("/proc/net/tcp", encoding="ascii") as table:
            for row in list(table)[1:]:
                words = row.split()
                if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                    return int(words[1].split(":")[1], 16)
    except OSError:
        pass
    return None


def query_up(port):
    try:
        answer = web.fetch(f"127.0.0.1:{port}", "/api/v1/query?query=up")
    except OSError:
        return None
    if answer.status != 200:  # it listens before it is ready
        return None
    values = [r["value"][1] for r in json.loads(answer.text)["data"]["result"]]
    return values[0] if values else None
