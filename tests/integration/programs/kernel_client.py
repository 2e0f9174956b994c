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


def show(message):
    kind, content = message["msg_type"], message["content"]
    if kind == "stream":
        print(content["name"], content["text"])
    elif kind == "execute_result":
        print("result", content["data"]["text/plain"])
    elif kind == "error":
        print(content["ename"], content["evalue"])


def main():
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    for cell in CELLS:
        answer = client.execute_interactive(cell, output_hook=show, timeout=60)
        print(answer["content"]["status"])
    client.stop_channels()
    manager.shutdown_kernel()
    print(manager.is_alive())


if __name__ == "__main__":
    main()
