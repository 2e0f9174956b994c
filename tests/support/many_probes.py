# SPDX-License-Identifier: MPL-2.0
"""A thousand endpoints and their probes: four fifths alive, the rest not listening or silent."""

import contextlib
import re
import resource
import socket

from support import products, zmtp_peers
from support.process import Process
from support.probing import ProbingAgent, write_config

DESCRIPTORS_EACH = 4  # of the exporter, and of the program with the endpoints
SETTINGS = {"interval": "5s", "reconnect_interval": "2s", "timeout": "2s"}


def raise_descriptor_limit(n_probes):
    """Whether there are enough descriptors; the soft limit is inherited by what is started."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard == resource.RLIM_INFINITY or hard >= n_probes * DESCRIPTORS_EACH


def refused_endpoints(n):
    """Ports that nobody listens at, all different."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [f"tcp://127.0.0.1:{one.getsockname()[1]}" for one in listeners]


class ManyProbes:
    """`probes` for the configuration; names begin with "up" or "down"."""

    def __init__(self, n, n_down):
        self.n_up, self.n_down = n - n_down, n_down
        self.program = Process([*products.program("endpoints"), self.n_up])
        up = [line.split() for line in iter(self.program.line, "ready")]
        self.full = zmtp_peers.FullBacklog()
        down = refused_endpoints(n_down // 2)
        down += [self.full.endpoint] * (n_down - len(down))
        self.probes = [{"name": f"up{i}", "address": endpoint, "peer": kind, **SETTINGS}
                       for i, (kind, endpoint) in enumerate(up)]
        self.probes += [{"name": f"down{i}", "address": endpoint, "peer": "PUB", **SETTINGS}
                        for i, endpoint in enumerate(down)]

    def start(self, directory, folder):
        return ProbingAgent(directory, folder, self.probes)

    def change(self, n, agent):
        """Writes other settings for the first `n` to the agent's file; their names."""
        changed = {p["name"] for p in self.probes[:n]}
        write_config(agent.config, [{**p, "heartbeat_interval": "9s"} if p["name"] in changed else p
                                    for p in self.probes])
        return changed

    def states(self, text):
        """(live ones that are up, dead ones that are known to be down) on a page, which is long."""
        return (len(re.findall(r'^zmq_probe_success\{probe="up[^}]*\} 1$', text, re.M)),
                len(re.findall(r'^zmq_probe_success\{probe="down[^}]*\} 0$', text, re.M)))

    def are_right(self, text):
        return self.states(text) == (self.n_up, self.n_down)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.end()
        self.full.__exit__()
