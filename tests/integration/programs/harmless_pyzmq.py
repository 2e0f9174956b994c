# SPDX-License-Identifier: MPL-2.0
"""pyzmq programs, as cases: run with and without the tap, outputs compared. See cases.h."""

import asyncio
import errno
import multiprocessing
import sys
import threading

import zmq
import zmq.asyncio
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message


def pair(context, kind=(zmq.PUSH, zmq.PULL)):
    sender, receiver = context.socket(kind[0]), context.socket(kind[1])
    port = receiver.bind_to_random_port("tcp://127.0.0.1")
    sender.connect(f"tcp://127.0.0.1:{port}")
    return sender, receiver


def print_events(monitor, last):
    while monitor.poll(20000):
        event = recv_monitor_message(monitor)
        print(int(event["event"]), event["endpoint"].rpartition(b":")[0])
        if event["event"] == last:
            return
    print("no event")


def own_monitor():
    with zmq.Context() as context:
        server = context.socket(zmq.PULL)
        monitor = server.get_monitor_socket()
        port = server.bind_to_random_port("tcp://127.0.0.1")
        client = context.socket(zmq.PUSH)
        client.connect(f"tcp://127.0.0.1:{port}")
        client.send(b"x")
        print(server.recv())
        print_events(monitor, zmq.EVENT_HANDSHAKE_SUCCEEDED)
        client.close()
        print_events(monitor, zmq.EVENT_DISCONNECTED)
        server.disable_monitor()
        again = server.get_monitor_socket(zmq.EVENT_ACCEPTED, "inproc://again")
        client = context.socket(zmq.PUSH)
        client.connect(f"tcp://127.0.0.1:{port}")
        print_events(again, zmq.EVENT_ACCEPTED)
        client.close()
        server.close()
        again.close()
    print("ended")


def own_asyncio():
    async def main():
        context = zmq.asyncio.Context()
        push, pull = pair(context)
        await asyncio.gather(*(push.send_multipart([b"%d" % i, b"x" * i]) for i in range(100)))
        print([len(await pull.recv_multipart()) for _ in range(100)])
        try:
            await asyncio.wait_for(pull.recv(), 0.05)
        except asyncio.TimeoutError:
            print("timeout")
        context.destroy(0)

    asyncio.run(main())


def own_authenticator():
    context = zmq.Context()
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_plain("*", {"user": "password"})
    for password in (b"password", b"wrong"):
        server, client = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        server.plain_server = True
        client.plain_username, client.plain_password = b"user", password
        client.linger = 0
        port = server.bind_to_random_port("tcp://127.0.0.1")
        monitor = server.get_monitor_socket()
        client.connect(f"tcp://127.0.0.1:{port}")
        if password == b"password":
            client.send(b"hello")
            print_events(monitor, zmq.EVENT_HANDSHAKE_SUCCEEDED)
            print(server.recv())
        else:  # refused for good: a send would wait for ever
            print_events(monitor, zmq.EVENT_DISCONNECTED)
        client.close()
        server.disable_monitor()
        monitor.close()
        server.close()
    authenticator.stop()
    context.term()


def errors():
    with zmq.Context() as context:
        socket = context.socket(zmq.REQ)
        for call in (lambda: socket.recv(zmq.DONTWAIT), lambda: socket.connect("x://y"),
                     lambda: socket.setsockopt(9999, 1), lambda: socket.bind("tcp://nowhere:1:1"),
                     lambda: context.socket(99), lambda: socket.send("text")):
            try:
                print(call())
            except zmq.ZMQError as error:
                print(errno.errorcode.get(error.errno, error.errno))
            except TypeError as error:
                print(error)
        socket.close(0)
        try:
            socket.send(b"x")
        except zmq.ZMQError as error:
            print(errno.errorcode[error.errno])


def request_and_reply():
    with zmq.Context() as context:
        reply = context.socket(zmq.REP)
        port = reply.bind_to_random_port("tcp://127.0.0.1")

        def serve():
            for _ in range(50):
                reply.send(reply.recv().upper())
            reply.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with context.socket(zmq.REQ) as request:
            request.connect(f"tcp://127.0.0.1:{port}")
            for i in range(50):
                request.send(b"abc%d" % i, copy=i % 2 == 0)
                print(request.recv())
        thread.join()


def publish_and_subscribe():
    with zmq.Context() as context:
        publisher, subscriber = context.socket(zmq.XPUB), context.socket(zmq.SUB)
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        subscriber.connect(f"tcp://127.0.0.1:{port}")
        subscriber.subscribe("b")
        print(publisher.recv())
        for text in (b"a1", b"b1", b"c1", b"b2"):
            publisher.send(text)
        print(subscriber.recv(), subscriber.recv(), subscriber.poll(50))
        publisher.close()
        subscriber.close()


def work(connection):
    with zmq.Context() as context:
        push, pull = pair(context)
        push.send(b"from a child")
        connection.send(pull.recv())
        push.close()
        pull.close()


def children(method):
    context = zmq.Context()
    push, pull = pair(context)
    push.send(b"before")
    print(pull.recv())
    start = multiprocessing.get_context(method)
    for _ in range(3):
        here, there = start.Pipe()
        child = start.Process(target=work, args=(there,))
        child.start()
        print(here.recv())
        child.join()
        print(child.exitcode)
    push.send(b"after")
    print(pull.recv())
    context.destroy()


def children_forked():
    children("fork")


def children_spawned():
    children("spawn")


def ended_by_the_collector():
    context = zmq.Context()
    push, pull = pair(context)
    push.send(b"x" * 100000, copy=False)
    print(len(pull.recv(copy=False).bytes))
    sys.exit(4)


def many_sockets():
    with zmq.Context() as context:
        sockets = [context.socket(zmq.PUB) for _ in range(300)]
        print(len(sockets), context.get(zmq.MAX_SOCKETS))
        context.destroy()


CASES = {f.__name__: f for f in (
    own_monitor, own_asyncio, own_authenticator, errors, request_and_reply, publish_and_subscribe,
    children_forked, children_spawned, ended_by_the_collector, many_sockets)}

if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(*CASES, sep="\n")
    else:
        CASES[sys.argv[1]]()
