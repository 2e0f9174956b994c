# SPDX-License-Identifier: MPL-2.0
"""`zmq_exporter check`: what the exporter would say of a configuration file, without running."""

import os

import pytest

from support import products, web
from support.process import run

EXAMPLE = products.TESTS.parent / "packaging" / "zmq_exporter.example.yml"


def check(*words, **options):
    return run([products.exporter(), "check", *words], **options)


def test_check__example__is_valid_and_says_how_each_endpoint_is_probed():
    done = check(EXAMPLE)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "market-data: PUB at tcp://127.0.0.1:5556, by a SUB that stays silent\n" in done.stdout


def test_check__unsafe_pairing__is_refused_with_place_and_reason(folder):
    path = folder / "x.yml"
    path.write_text("probes:\n- {name: a, address: 'tcp://a:1', peer: PUSH, method: socket}\n")
    done = check(path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"{path}:2:")
    assert "meant for its workers" in done.stderr and "method: greeting" in done.stderr


def test_check__password_file_open_to_all__is_refused_without_its_content(folder):
    secret, path = folder / "secret", folder / "x.yml"
    secret.write_text("geheim\n")
    path.write_text("probes:\n- {name: a, address: 'tcp://a:1', peer: PUB, security: "
                    "{mechanism: PLAIN, username: u, password_file: secret}}\n")
    secret.chmod(0o644)
    done = check(path)
    assert done.returncode == 1
    assert f"{secret}: mode 0644 lets others use the secret" in done.stderr
    assert "geheim" not in done.stderr
    secret.chmod(0o600)
    done = check(path)
    assert done.returncode == 0
    assert "geheim" not in done.stdout


@pytest.mark.parametrize("words", [[], ["a", "b"], ["--strict", "a"]])
def test_check__wrong_command_line__explains_itself(words):
    done = check(*words)
    assert done.returncode == 2
    assert "usage: zmq_exporter check" in done.stderr


def test_check__file_that_is_not_there__is_named():
    done = check("/nonexistent.yml")
    assert done.returncode == 1
    assert done.stderr == "/nonexistent.yml: No such file or directory\n"


def test_check__web_config_example__is_valid_with_its_certificates(folder):
    authority = web.Authority(folder, "client_ca")
    authority.issue("server")
    path = folder / "web.yml"
    path.write_text((EXAMPLE.parent / "web.example.yml").read_text())
    done = check(f"--web.config.file={path}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: valid, TLS, 1 user, a rate limit\n"


def test_check__fifo__is_refused_without_waiting_for_its_writer(folder):
    path = folder / "fifo"
    os.mkfifo(path)
    for word in (path, f"--web.config.file={path}"):
        done = check(word)
        assert (done.returncode, done.stderr) == (1, f"{path}: is not a regular file\n")


def test_check__bad_web_config_and_good_file__says_both(folder):
    path = folder / "web.yml"
    path.write_text("rate_limit: {interval: soon}\n")
    done = check(f"--web.config.file={path}", EXAMPLE)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}:1:24: 'interval' must be a duration")
    assert "valid" in done.stdout
