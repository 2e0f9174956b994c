# SPDX-License-Identifier: MPL-2.0
"""A PULL with CURVE whose ZAP authenticator knows no client. Prints endpoint and public key."""

import sys

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator


def main():
    context = zmq.Context()
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve_callback("*", credentials_provider=Nobody())
    public, secret = zmq.curve_keypair()
    server = context.socket(zmq.PULL)
    server.curve_server = True
    server.curve_secretkey, server.curve_publickey = secret, public
    server.bind("tcp://127.0.0.1:*")
    print(server.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode(), public.decode(), flush=True)
    sys.stdin.read()


class Nobody:
    @staticmethod
    def callback(_domain, _key):
        return False


if __name__ == "__main__":
    main()
