# SPDX-License-Identifier: MPL-2.0
"""However libzmq is reached, and of whichever copy of it, a call goes where it goes without the tap."""

import pathlib
import re

import pytest

from support import libzmq, products, segment_file
from support.process import run

N = 50
HOWS = ["local", "global", "deep", "apart"]
PLUGINS = ["libplugin.so", "libplugin_of_2.so", "libplugin_of_3.so"]
BUILDS = {"release": {}, "drafts": libzmq.draft_variables()}
OFF = {"ZMQ_EXPORTER_TAP": "off"}


def plugin(name):
    return products.program(name)[0]


def copies(*words):
    """The words of a command; names of plug-ins become paths."""
    return [*products.program("copies"),
            *(plugin(word) if str(word).startswith("lib") else word for word in words)]


def run_each_way(command, directory, variables=None):
    """Plain; the tap on and off must not differ from that."""
    variables = variables or {}
    plain = run(command, None, variables)
    for way in ({}, OFF):
        tapped = run(command, directory, {**variables, **way})
        assert (tapped.returncode, tapped.stdout, tapped.stderr) == \
            (plain.returncode, plain.stdout, plain.stderr), way
    assert plain.returncode == 0 and plain.stdout.endswith("end\n"), plain
    return plain.stdout


def counted(directory, word, kind):
    return sum(segment.counter(word, kind) for segment in segment_file.read_all(directory))


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", PLUGINS)
@pytest.mark.parametrize("how", HOWS)
def plugin__opened__works_and_is_counted(directory, how, name, build):
    if build == "drafts" and not BUILDS[build]:
        pytest.skip(f"no libzmq with drafts: {libzmq.DRAFT} names none")
    output = run_each_way(copies(how, name, "use", 0, N), directory, BUILDS[build])
    assert output.startswith(f"0: {N * 10}\n")
    # A namespace of its own has no tap in it, and RTLD_DEEPBIND goes past it.
    expected = N if how in ("local", "global") else 0
    assert counted(directory, "SENT_MESSAGES", "PUSH") == expected
    assert counted(directory, "RECEIVED_MESSAGES", "PULL") == expected


@pytest.mark.parametrize("opened", [
    ("local", "libuser1.so", "local", "libuser2.so"),
    ("global", "libuser1.so", "local", "libuser2.so"),
    ("local", "libuser1.so", "global", "libuser2.so"),
    ("deep", "libuser1.so", "deep", "libuser2.so"),
    ("deep", "libuser1.so", "local", "libuser2.so"),
    ("apart", "libuser1.so", "local", "libuser2.so"),
    ("local", "libplugin_of_3.so", "local", "libuser2.so"),
    ("local", "libuser1.so", "local", "libplugin_of_3.so"),
    ("global", "libplugin_of_2.so", "local", "libuser2.so"),
    ("local", "libuser1.so", "deep", "libplugin_of_2.so"),
], ids=lambda words: "-".join(word.removeprefix("lib").removesuffix(".so") for word in words))
def two_copies__used_in_turn__are_those_that_the_linker_chose(directory, opened):
    run_each_way(copies(*opened, "use", 0, 10, "use", 1, 10, "use", 0, 20, "use", 1, 20), directory)


def linked__to_a_library_that_needs_libzmq__works_and_is_counted(directory):
    assert run_each_way([*products.program("linked"), N], directory) == f"0: {N * 10}\nend\n"
    assert counted(directory, "SENT_MESSAGES", "PUSH") == N


@pytest.mark.parametrize("is_tap_first", [True, False], ids=["behind", "before"])
@pytest.mark.parametrize("name", ["libinterposer1.so", "libinterposer2.so"])
def another_preloaded_library__stands_before_functions__sees_what_it_would(directory, name,
                                                                         is_tap_first):
    command, other = [*products.program("linked"), N], plugin(name)
    plain = run(command, None, {"LD_PRELOAD": other})
    words = [str(products.tap_library()), other]
    for way in ({}, OFF):
        preloaded = " ".join(words if is_tap_first else reversed(words))
        tapped = run(command, directory, {"LD_PRELOAD": preloaded, **way})
        assert (tapped.returncode, tapped.stdout) == (0, plain.stdout), way
    assert f"{N} sent" in plain.stdout
    assert counted(directory, "SENT_MESSAGES", "PUSH") == N


def two_copies__called_from_code_in_no_object__has_a_context(directory):
    words = ["local", "libuser1.so", "local", "libuser2.so", "generated", 0, "generated", 1]
    assert run_each_way(copies(*words), directory) == "0: a context, 0\n1: a context, 0\nend\n"
    assert run_each_way(copies("local", "libplugin.so", "generated", 0), directory)


def copies__unloaded_and_others_in_their_place__are_each_their_own(directory):
    words = []
    for k in range(40):
        words += ["local", f"libuser{k % 2 + 1}.so", "use", k, 10, "close", k]
    output = run_each_way(copies(*words), directory)
    assert re.findall(r": (\d+)", output) == ["20", "40"] * 20


def copies__more_than_the_tap_remembers__are_each_their_own(directory, folder):
    """24 copies at once: each is a file of its own, under a name of its own."""
    words, variables = [], {"LD_LIBRARY_PATH": str(folder)}
    for k in range(24):
        for name in ("libuser1.so", "libstandin1.so"):
            data = pathlib.Path(plugin(name)).read_bytes()
            assert b"libstandin1.so\0" in data
            data = data.replace(b"libstandin1.so\0", b"libmessag%02d.so\0" % k)
            target = folder / (f"user{k}.so" if name == "libuser1.so" else f"libmessag{k:02}.so")
            target.write_bytes(data)
        words += ["local", folder / f"user{k}.so"]
    for _ in range(2):
        for k in range(24):
            words += ["use", k, 10]
    output = run_each_way(copies(*words), directory, variables)
    assert re.findall(r": (\d+)", output) == ["20"] * 48


@pytest.mark.parametrize("opened", [
    ("local", "libplugin.so"),
    ("local", "libuser1.so", "local", "libuser2.so"),
], ids=["one copy", "two copies"])
def error_of_the_linker__not_yet_asked_for__is_still_there(directory, opened):
    output = run_each_way(copies(*opened, "fail", "use", 0, 10, "error", "error"), directory)
    assert "error: /nowhere/lib.so: cannot open" in output and "error: none" in output


def constructor__waits_for_a_thread_that_uses_libzmq__goes_on(directory):
    """libzmq itself opens libraries when it is first used: that comes before."""
    words = ["local", "libplugin.so", "use", 0, 10, "local", "libconstructor.so", "use", 1, 0]
    output = run_each_way(copies(*words), directory)
    assert output == "0: 100\n1: 100\nend\n"
    assert counted(directory, "SENT_MESSAGES", "PUSH") == 110


def constructor__waits_for_a_thread_with_drafts__goes_on(directory):
    if not BUILDS["drafts"]:
        pytest.skip(f"no libzmq with drafts: {libzmq.DRAFT} names none")
    words = ["local", "libconstructor.so", "use", 0, 0]
    assert run_each_way(copies(*words), directory, BUILDS["drafts"]) == "0: 100\nend\n"
