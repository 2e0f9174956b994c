# SPDX-License-Identifier: MPL-2.0
"""Programs with a socket of every type, in C, CZMQ and pyzmq, for probes to look at.

`endpoints` by socket type. With a status their ZAP handler gives that answer to everybody.
"""

import zmq

from support import products
from support.process import Process
from support.probing import SOCKET_TYPES
from support.zap import ZapHandler

LIBRARIES = ("zmq", "czmq", "pyzmq")
MECHANISMS = ("NULL", "PLAIN", "CURVE")
SERVER_PUBLIC, SERVER_SECRET = (key.decode() for key in zmq.curve_keypair())


class PeerProgram(Process):
    def __init__(self, library, mechanism, status=None):
        super().__init__([*products.program("probe_peer"), library, mechanism, SERVER_SECRET,
                          *([status] if status else [])])
        self.endpoints = {}
        for line in iter(self.line, "ready"):
            kind, endpoint = line.split()
            self.endpoints[kind] = endpoint


class PyzmqPeers:
    def __init__(self, mechanism, status=None):
        self.context = zmq.Context()
        self.zap = ZapHandler(self.context)
        self.sockets = {kind: self.context.socket(getattr(zmq, kind)) for kind in SOCKET_TYPES}
        self.endpoints = {}
        for kind, one in self.sockets.items():
            one.linger = 0
            if mechanism == "PLAIN":
                one.plain_server = True
            elif mechanism == "CURVE":
                one.curve_server, one.curve_secretkey = True, SERVER_SECRET.encode()
            if mechanism == "PLAIN" or status:
                one.zap_domain = (status or "200").encode()
            one.bind("tcp://127.0.0.1:*")
            self.endpoints[kind] = one.last_endpoint.decode().rstrip("\0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets.values():
            one.close()
        self.zap.__exit__()
        self.context.term()


def start_peers(library, mechanism, status=None):
    if library == "pyzmq":
        return PyzmqPeers(mechanism, status)
    return PeerProgram(library, mechanism, status)


def security(mechanism, folder):
    """What lets a probe in; the password's file is made in the folder of its configuration."""
    (folder / "password").write_text("geheim\n")
    (folder / "password").chmod(0o600)
    return {
        "NULL": {"mechanism": "NULL"},
        "PLAIN": {"mechanism": "PLAIN", "username": "probe", "password_file": "password"},
        "CURVE": {"mechanism": "CURVE", "server_key": SERVER_PUBLIC},
    }[mechanism]
