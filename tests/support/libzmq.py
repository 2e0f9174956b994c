# SPDX-License-Identifier: MPL-2.0
"""Cases that need a libzmq of some release: tests/README.md, "By hand"."""

import pytest
import zmq


def has(*release):
    return zmq.zmq_version_info() >= release


def needs(*release, reason):
    """A mark: skips the case with older ones, of which `reason` is what they do not do."""
    name = ".".join(map(str, release))
    return pytest.mark.skipif(not has(*release), reason=f"libzmq before {name} {reason}")


# Without the events of handshakes nobody knows whether there is a peer.
needs_handshakes = needs(4, 3, 0, reason="tells of no handshake")
needs_curve = pytest.mark.skipif(not zmq.has("curve"), reason="libzmq was built without CURVE")
