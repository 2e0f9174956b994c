# SPDX-License-Identifier: MPL-2.0
"""What the tests of lost messages share: counted drops, and queues that come and go."""

import zmq

from support import loss_table, segment_file
from support.waiting import wait_equal, wait_for

NAMES = dict(enumerate(segment_file.TYPES))
REASONS = tuple(reason.upper() for reason in loss_table.DROPPED)
TRANSPORTS = ["inproc", "tcp", "ipc"]


def endpoint_of(transport, folder):
    return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/q", "inproc": "inproc://q"}[transport]


def drops(puppet, kind, endpoint=None):
    segment = puppet.segment()
    return {reason: n for reason in REASONS
            if (n := segment.counter(f"DROPPED_{reason}", kind, endpoint))}


def wait_drops(puppet, kind, **expected):
    """Waits for these drops, and sees that they stay and that there are no others."""
    wait_equal(lambda: drops(puppet, kind), expected, f"drops of {kind}")
    puppet.wait_next_rounds()
    assert drops(puppet, kind) == expected


def attach(socket, n_peers, kind):
    def is_attached():
        socket.poll(zmq.POLLIN | zmq.POLLOUT)
        return socket.puppet.segment().gauge("PIPES", kind) == n_peers

    wait_for(is_attached, f"{n_peers} pipes of {kind}")


def wait_pipes(socket, n_pipes):
    """Lets libzmq take in what it has to; a full socket is asked for room."""
    def has_pipes():
        socket.poll(zmq.POLLIN | zmq.POLLOUT)
        return socket.puppet.segment().gauge("PIPES", NAMES[socket.kind]) == n_pipes

    wait_for(has_pipes, f"{n_pipes} pipes of {NAMES[socket.kind]}")


def receive_all(socket):
    """Until nothing more comes; how many messages."""
    n = 0
    while True:
        n += socket.recv(100000, zmq.DONTWAIT)[0]
        if not socket.poll(timeout_ms=300):
            return n
