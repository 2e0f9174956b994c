# SPDX-License-Identifier: MPL-2.0
"""Cases that need a libzmq of some release: tests/README.md, "By hand"."""

import os
import pathlib

import pytest
import zmq

DRAFT = "ZMQTAP_TEST_DRAFT_LIBZMQ"  # path of a libzmq.so.5 that was built with drafts


def draft_variables():
    """Of a program that is to use it; none if it is not named."""
    path = os.environ.get(DRAFT)
    return {"LD_LIBRARY_PATH": str(pathlib.Path(path).parent)} if path else {}


def has(*release):
    return zmq.zmq_version_info() >= release


def needs(*release, reason):
    """A mark: skips the case with older ones, of which `reason` is what they do not do."""
    name = ".".join(map(str, release))
    return pytest.mark.skipif(not has(*release), reason=f"libzmq before {name} {reason}")


# Without the events of handshakes nobody knows whether there is a peer.
needs_handshakes = needs(4, 3, 0, reason="tells of no handshake")
needs_curve = pytest.mark.skipif(not zmq.has("curve"), reason="libzmq was built without CURVE")
