# SPDX-License-Identifier: MPL-2.0
"""What the shells offer, asked of the shells themselves."""

import os
import shutil
import subprocess

import pytest

from support import products

COMPLETIONS = products.TESTS.parent / "packaging/completions"


def run(*command, **options):
    folder = products.exporter().parent if hasattr(products.exporter(), "parent") else os.path.dirname(products.exporter())
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True,
                          env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}, **options).stdout


def lines(*words):
    return dict(line.split("\t") for line in run("zmq_exporter", *words).splitlines())


def bash(*words):
    script = (f"source {COMPLETIONS}/zmq_exporter.bash; COMP_WORDS=(zmq_exporter \"$@\"); "
              "COMP_CWORD=$#; _zmq_exporter; printf '%s\\n' \"${COMPREPLY[@]}\"")
    return set(run("bash", "-c", script, "bash", *words).split())


def fish(*words):
    text = " ".join(["zmq_exporter", *words])
    return {line.split("\t")[0] for line in run(
        "fish", "--no-config", "-c", f"source {COMPLETIONS}/zmq_exporter.fish; complete -C '{text}'").splitlines()}


def test_lists__flags_and_commands__are_those_of_the_help():
    commands = lines("--list-commands")
    assert {"run", "demo", "audit", "check"} <= set(commands)
    for command in ([], *([name] for name in commands)):
        listed, explained = lines(*command, "--list-flags"), run("zmq_exporter", *command, "--help")
        assert "--help" in listed and len(listed) > 1
        for flag, text in listed.items():
            assert flag.rstrip("=") in explained and text.split()[0] in explained


def test_bash__offers_commands_flags_and_files(folder):
    assert {"run", "audit"} <= bash("")
    assert bash("aud") == {"audit"}
    assert bash("--web.tel") == {"--web.telemetry-path="}
    assert bash("audit", "--fail") == {"--fail-on="}
    assert bash("audit", "--web") == set()
    (folder / "feed.yml").touch()
    assert bash("check", f"{folder}/fe") == {f"{folder}/feed.yml"}
    assert f"{folder}/feed.yml" in bash("run", "--program=a", "--", f"{folder}/fe")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish__offers_commands_and_flags():
    assert {"run", "audit"} <= fish("")
    assert "--fail-on=" in fish("audit", "--fail")


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh__function__is_one():
    run("zsh", "-f", "-c", f"autoload -U compinit; compinit -D; fpath=({COMPLETIONS} $fpath); autoload -U +X _zmq_exporter")
