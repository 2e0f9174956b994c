# SPDX-License-Identifier: MPL-2.0
"""Starts an IPython kernel and has it work; prints what it answers.

The kernel is a program of others with many sockets: ROUTER, PUB, DEALER, REP, inproc between its
threads, a monitor of its own, and forks.
"""

from jupyter_client.manager import start_new_kernel

CELLS = [
    "print(6 * 7)",
    "2 + 2",
    "print('x' * 100000)",
    "1 / 0",
    "import os\npid = os.fork()\nif pid == 0:\n    os._exit(7)\nprint(os.waitpid(pid, 0)[1] >> 8)",
    "import subprocess\nprint(subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout)",
    "import zmq\nwith zmq.Context() as c:\n    s = c.socket(zmq.PAIR)\n    print(s.bind_to_random_port('tcp://127.0.0.1') > 0)\n    s.close()",
]


class Answer:
    """What a cell said. Its output may come in pieces, cut where the kernel's timer struck."""

    def __init__(self):
        self.streams, self.results = {}, []

    def take(self, message):
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            name = content["name"]
            self.streams[name] = self.streams.get(name, "") + content["text"]
        elif kind == "execute_result":
            self.results.append(f"result {content['data']['text/plain']}")
        elif kind == "error":
            self.results.append(f"{content['ename']} {content['evalue']}")

    def show(self):
        for name, text in sorted(self.streams.items()):
            print(name, text)
        print("\n".join(self.results))


def main():
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    for cell in CELLS:
        answer = Answer()
        # After an error a kernel aborts what comes within a moment; these cells are on their own.
        reply = client.execute_interactive(cell, output_hook=answer.take, timeout=60,
                                           stop_on_error=False)
        answer.show()
        print(reply["content"]["status"])
    client.stop_channels()
    manager.shutdown_kernel()
    print(manager.is_alive())


if __name__ == "__main__":
    main()
