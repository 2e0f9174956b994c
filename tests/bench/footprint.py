# SPDX-License-Identifier: MPL-2.0
"""What 100 tapped sockets cost: the tap's thread, and the agent's memory and start.

usage: footprint.py [SECONDS]

100 sockets are 50 PUSH, each connected over tcp to a PULL, with something queued and no traffic.
"""

import pathlib
import sys
import tempfile
import time

import zmq

from support.agent import Agent
from support.puppet import Puppet

N_PAIRS = 50


def connected(directory):
    """One process with 100 sockets, 50 pairs over tcp with some traffic."""
    puppet = Puppet("c", directory)
    for _ in range(N_PAIRS):
        pull, push = puppet.socket(zmq.PULL), puppet.socket(zmq.PUSH)
        push.connect(pull.bind("tcp://127.0.0.1:*"))
        push.send(10)
        pull.recv(5)
    puppet.wait_gauge(5 * N_PAIRS, "RECEIVE_QUEUE", "PULL")
    return puppet


def tap_thread(puppet):
    tasks = pathlib.Path(f"/proc/{puppet.pid}/task").iterdir()
    return next(task for task in tasks if (task / "comm").read_text().strip() == "zmqtap")


def thread_cpu_share(puppet, seconds):
    """CPU time of the tap's own thread, as the kernel counts it, over wall time."""
    def look():
        return time.monotonic_ns(), int((tap_thread(puppet) / "schedstat").read_text().split()[0])

    begin, used_before = look()
    time.sleep(seconds)
    end, used_after = look()
    return (used_after - used_before) / (end - begin)


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def ready_ms(directory):
    """From the start of the agent's process until it has said its address: it listens by then."""
    begin = time.monotonic()
    with Agent(directory):
        return (time.monotonic() - begin) * 1000


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    print("| figure | value |\n|---|---|")
    with tempfile.TemporaryDirectory(prefix="zt-") as directory, connected(directory) as puppet:
        share = thread_cpu_share(puppet, seconds)
        print(f"| the tap's thread, 100 idle connected sockets | {share * 100:.2f} % of a core |")
        with Agent(directory) as agent:
            for _ in range(20):
                agent.scrape()
            print(f"| the agent, resident after 20 scrapes | {resident_kib(agent.pid) / 1024:.1f} MiB |")
            print(f"| sockets on its page | {agent.scrape().value('zmq_sockets'):.0f} |")
        times = sorted(ready_ms(directory) for _ in range(11))
        print(f"| the agent, start to listening, median of 11 | {times[5]:.0f} ms |")


if __name__ == "__main__":
    main()
