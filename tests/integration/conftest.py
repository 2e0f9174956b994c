# SPDX-License-Identifier: MPL-2.0
import pathlib
import shutil
import tempfile

import pytest
import zmq

from support.agent import Agent
from support.process import end_all
from support.puppet import Puppet


@pytest.fixture
def folder():
    """A fresh folder with a short name: the path of an ipc endpoint has room for 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="zt-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def directory(folder):
    """A private segment directory."""
    path = folder / "segments"
    path.mkdir()
    return path


@pytest.fixture
def context():
    """A context for the test's own sockets, which go with it, also when the test has failed."""
    one = zmq.Context()
    yield one
    one.destroy(linger=0)


@pytest.fixture
def start(directory):
    """Starts tapped puppets, which end with the test: start("c"), start("pyzmq")."""
    puppets = []

    def start_one(language="c", **options):
        puppets.append(Puppet(language, directory, **options))
        return puppets[-1]

    yield start_one
    end_all(puppets)


@pytest.fixture
def agent(directory):
    with Agent(directory) as running:
        yield running
