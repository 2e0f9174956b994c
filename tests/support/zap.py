# SPDX-License-Identifier: MPL-2.0
"""A ZAP handler whose answer the domain chooses: "400" is refused with 400. With "200" or none a
user must have the password, and everybody else is let in."""

import threading

import zmq


class ZapHandler:
    def __init__(self, context):
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind("inproc://zeromq.zap.01")
        self.is_ending = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.is_ending.is_set():
            if not self.socket.poll(50):
                continue
            _, request_id, domain, _, _, mechanism, *secrets = self.socket.recv_multipart()
            status = domain or b"200"
            if status == b"200" and mechanism == b"PLAIN" and secrets != [b"probe", b"geheim"]:
                status = b"400"
            self.socket.send_multipart([b"1.0", request_id, status, b"because", b"user", b""])
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_ending.set()
        self.thread.join(30)
