# SPDX-License-Identifier: MPL-2.0
import os
import pathlib
import subprocess
import tempfile

import pytest
import zmq

from support import products
from support.agent import Agent
from support.folders import remove_folder
from support.process import end_all
from support.puppet import Puppet

TMPFS = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture
def folder():
    """A fresh folder with a short name: the path of an ipc endpoint has room for 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="zt-"))
    yield path
    remove_folder(path)


@pytest.fixture
def directory():
    """A private segment directory, on tmpfs as on a host, or in TEST_SEGMENTS_PARENT."""
    parent = pathlib.Path(tempfile.mkdtemp(prefix="zt-", dir=os.environ.get("TEST_SEGMENTS_PARENT", TMPFS)))
    path = parent / "segments"
    path.mkdir()
    yield path
    remove_folder(parent)


def is_on_disk(path):
    told = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True, check=True)
    return told.stdout.strip() not in ("tmpfs", "ramfs")


@pytest.fixture
def directory_on_disk():
    """A private segment directory where the tap writes its file round by round: not on tmpfs, which
    /tmp is on many machines."""
    places = [place for place in (tempfile.gettempdir(), "/var/tmp", products.BUILD) if is_on_disk(place)]
    if not places:
        pytest.skip("there is no file system but tmpfs")
    parent = pathlib.Path(tempfile.mkdtemp(prefix="zt-", dir=places[0]))
    path = parent / "segments"
    path.mkdir()
    yield path
    remove_folder(parent)


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
