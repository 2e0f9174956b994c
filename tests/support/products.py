# SPDX-License-Identifier: MPL-2.0
"""Where the things under test are. meson sets the variables; by hand, ./build is taken."""

import os
import pathlib

TESTS = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("TEST_BUILD_ROOT", TESTS.parent / "build"))
PYTHON = "/usr/bin/python3"
PROGRAMS_SOURCE = TESTS / "integration" / "programs"


def tap_library():
    return pathlib.Path(os.environ.get("TEST_TAP_LIBRARY", BUILD / "src/tap/libzmqtap.so"))


def exporter():
    return pathlib.Path(os.environ.get("TEST_EXPORTER", BUILD / "src/cli/zmq_exporter"))


def program(name):
    """A program of tests/integration/programs: the command's words."""
    if name.endswith(".py"):
        return [PYTHON, str(PROGRAMS_SOURCE / name)]
    return [str(BUILD / "tests/integration/programs" / name)]


def has_program(name):
    """Whether it was built: some need what is not on every machine."""
    return pathlib.Path(program(name)[-1]).exists()
