# SPDX-License-Identifier: MPL-2.0
"""Nothing is silently off. Where the tap does not know a thing it says so, and the cases about it
skip: so a calibration that never succeeds would look like a libzmq that does not tell. On the one
that the build has found, all is known."""

import pytest
import zmq

from support.puppet import LANGUAGES
from support.waiting import wait_equal

# What can only be a lower bound with any libzmq, by what it is.
BOUNDS = {"endings"}


@pytest.mark.parametrize("language", LANGUAGES)
def capabilities__on_the_libzmq_of_the_build__are_all_on(start, language):
    puppet = start(language)
    for kind in (zmq.PUSH, zmq.PULL, zmq.PUB, zmq.SUB, zmq.ROUTER, zmq.DEALER):
        puppet.socket(kind)

    def what_is_off():
        capabilities = puppet.segment().capabilities
        assert capabilities
        return {name: told for name, told in capabilities.items()
                if told[0] != ("bound" if name in BOUNDS else "on")}

    wait_equal(what_is_off, {}, "capabilities that are off")
