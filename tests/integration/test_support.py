# SPDX-License-Identifier: MPL-2.0
"""The tests' own tools: the puppets do the same in both languages, untapped."""

import pytest
import zmq

from support.puppet import LANGUAGES, Puppet, PuppetError


@pytest.mark.parametrize("language", LANGUAGES)
def puppet__told_to_send__delivers_and_answers(language):
    with Puppet(language) as puppet:
        push, pull = puppet.socket(zmq.PUSH, sndhwm=10), puppet.socket(zmq.PULL, rcvhwm=10)
        assert pull.get(zmq.RCVHWM) == 10
        endpoint = pull.bind("tcp://127.0.0.1:*")
        assert endpoint.startswith("tcp://127.0.0.1:")
        push.connect(endpoint)
        assert push.send(5, size=3, frames=2) == 5
        assert pull.recv(5) == (5, 30)
        assert pull.recv(1, zmq.DONTWAIT) == (0, 0)
        push.send_frames(b"a", b"", b"\xff")
        assert pull.recv_frames() == [b"a", b"", b"\xff"]
        with pytest.raises(PuppetError) as failure:
            push.connect("nonsense")
        assert failure.value.errno == 22
        push.close()
        pull.close()
        puppet.term()


@pytest.mark.parametrize("language", LANGUAGES)
def puppet__told_to_fill__stops_at_the_mark(language):
    with Puppet(language) as puppet:
        push, pull = puppet.socket(zmq.PUSH, sndhwm=3), puppet.socket(zmq.PULL, rcvhwm=4)
        push.connect(pull.bind("inproc://full"))
        assert push.fill() == 7
