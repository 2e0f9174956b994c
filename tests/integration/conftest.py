# SPDX-License-Identifier: MPL-2.0
import os
import pathlib
import shutil
import tempfile

import pytest
import zmq

from support.agent import Agent
from support.process import end_all
from support.puppet import Puppet

TMPFS = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture
def folder():
    """A fresh folder with a short name: the path of an ipc endpoint has room for 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="zt-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def directory():
    """A private segment directory, on tmpfs as on a host, or in TEST_SEGMENTS_PARENT."""
    parent = pathlib.Path(tempfile.mkdtemp(prefix="zt-", dir=os.environ.get("TEST_SEGMENTS_PARENT", TMPFS)))
    path = parent / "segments"
    path.mkdir()
    yield path
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def directory_on_disk(folder):
    """A private segment directory where the tap writes its file round by round."""
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
