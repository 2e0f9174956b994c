# SPDX-License-Identifier: MPL-2.0
"""The tests' own tools: the puppets do the same in both languages, untapped."""

import os
import signal

import pytest
import zmq

from support.process import end_all
from support.puppet import LANGUAGES, Puppet, PuppetError
from support.waiting import DEADLINE_S


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


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def puppet__crashed_after_its_last_answer__fails_the_test(number):
    with pytest.raises(AssertionError, match=f"ended by itself with -{int(number)}"):
        with Puppet("c") as puppet:
            assert puppet.socket(zmq.PUSH).get(zmq.SNDHWM) == 1000
            os.kill(puppet.pid, number)  # behind its back, as a fault does
            puppet.popen.wait(DEADLINE_S)


def puppet__exit_status__is_to_be_expected():
    with pytest.raises(AssertionError, match="ended by itself with 5"):
        with Puppet("c") as puppet:
            puppet.tell("exit", 5)
            puppet.popen.wait(DEADLINE_S)
    with Puppet("c") as puppet:
        puppet.may_end_with(5)
        puppet.tell("exit", 5)
        assert puppet.popen.wait(DEADLINE_S) == 5


def puppet__signalled_by_the_test__is_no_crash():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Puppet("c") as puppet:
            puppet.send_signal(number)
            assert puppet.popen.wait(DEADLINE_S) == -number


def end_all__one_has_crashed__ends_the_others_and_fails():
    puppets = [Puppet("c") for _ in range(3)]
    os.kill(puppets[0].pid, signal.SIGKILL)
    puppets[0].popen.wait(DEADLINE_S)
    with pytest.raises(AssertionError, match=str(puppets[0].pid)):
        end_all(puppets)
    assert all(puppet.popen.poll() == -signal.SIGKILL for puppet in puppets)


@pytest.mark.parametrize("language", LANGUAGES)
def puppet__told_to_fill__stops_at_the_mark(language):
    with Puppet(language) as puppet:
        push, pull = puppet.socket(zmq.PUSH, sndhwm=3), puppet.socket(zmq.PULL, rcvhwm=4)
        push.connect(pull.bind("inproc://full"))
        assert push.fill() == 7
