# SPDX-License-Identifier: MPL-2.0
"""Workers of multiprocessing that send to their parent and end as it ends them: with os._exit.

usage: multiprocess.py fork|spawn WORKERS MESSAGES. Prints as JSON what was sent and received, and
the pids, then waits for the end of its standard input.
"""

import json
import multiprocessing
import os
import sys

import zmq


def work(endpoint, n_messages):
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.connect(endpoint)
    for i in range(n_messages):
        push.send_multipart([b"%d" % os.getpid(), b"x" * (i % 50)])
    push.close()
    context.term()  # what is queued goes first; the last round of the tap does not


def main():
    method, n_workers, n_messages = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    start = multiprocessing.get_context(method)
    pull = zmq.Context().socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    workers = [start.Process(target=work, args=(f"tcp://127.0.0.1:{port}", n_messages))
               for _ in range(n_workers)]
    for worker in workers:
        worker.start()
    received = received_bytes = 0
    while received < n_workers * n_messages:
        assert pull.poll(60000), "nothing came for a minute"
        received_bytes += sum(map(len, pull.recv_multipart()))
        received += 1
    for worker in workers:
        worker.join()
    print(json.dumps({"received": received, "received_bytes": received_bytes,
                      "status": [worker.exitcode for worker in workers],
                      "pids": [worker.pid for worker in workers]}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
