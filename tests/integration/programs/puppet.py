# SPDX-License-Identifier: MPL-2.0
"""The puppet in pyzmq: the same commands and answers as puppet.c (see puppet.h)."""

import sys

import zmq

sockets, contexts = {}, {}


def context(name):
    name = name or "main"
    if name not in contexts:
        contexts[name] = zmq.Context()
    return contexts[name]


def words_from(words, defaults):
    """The words after the defaults' positions, as numbers where the default is one."""
    values = list(defaults)
    for i, word in enumerate(words):
        values[i] = type(defaults[i])(int(word, 0) if isinstance(defaults[i], int) else word)
    return values


def send(socket, *words):
    count, size, frames, flags, spelling, first = words_from(words, (1, 1, 1, 0, "copy", ""))
    message, n, error = [bytes.fromhex(first)] * bool(first) + [bytes(size)] * frames, 0, 0
    while n < count and not error:
        try:
            socket.send_multipart(message, flags, copy=spelling != "nocopy")
            n += 1
        except zmq.ZMQError as failure:
            error = failure.errno
    return f"ok {n} {error}"


def receive(socket, *words):
    count, flags, spelling = words_from(words, (1, 0, "copy"))
    n, size, error = 0, 0, 0
    while n < count and not error:
        try:
            frames = socket.recv_multipart(flags, copy=spelling != "nocopy")
            size += sum(len(frame) for frame in frames)
            n += 1
        except zmq.ZMQError as failure:
            error = failure.errno
    return f"ok {n} {size} {error}"


def send_frames(socket, flags, *frames):
    socket.send_multipart([b"" if f == "-" else bytes.fromhex(f) for f in frames], int(flags))
    return "ok 0"


def receive_frames(socket, flags="0"):
    return "ok " + " ".join(f.hex() or "-" for f in socket.recv_multipart(int(flags)))


def bind(socket, endpoint):
    socket.bind(endpoint)
    return "ok " + socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()


def proxy(frontend, spelling, *names):
    backend, capture, control = ([sockets.get(n) for n in names] + [None, None])[:3]
    if spelling == "steerable":
        return f"ok {zmq.proxy_steerable(frontend, backend, capture, control) or 0}"
    if spelling == "device":
        return f"ok {zmq.device(zmq.QUEUE, frontend, backend) or 0}"
    return f"ok {zmq.proxy(frontend, backend, capture) or 0}"


def done(_):
    return "ok 0"


SOCKET_COMMANDS = {
    "set": lambda s, option, value: done(s.setsockopt(int(option), int(value))),
    "set64": lambda s, option, value: done(s.setsockopt(int(option), int(value))),
    "set_text": lambda s, option, value="": done(s.setsockopt(int(option), value.encode())),
    "get": lambda s, option: f"ok {s.getsockopt(int(option))}",
    "bind": bind,
    "connect": lambda s, endpoint: done(s.connect(endpoint)),
    "unbind": lambda s, endpoint: done(s.unbind(endpoint)),
    "disconnect": lambda s, endpoint: done(s.disconnect(endpoint)),
    "close": lambda s: done(s.close()),
    "poll": lambda s, events="1", timeout="0": f"ok {s.poll(int(timeout), int(events))}",
    "proxy": proxy,
    "send": send,
    "recv": receive,
    "send_frames": send_frames,
    "recv_frames": receive_frames,
}
CONTEXT_COMMANDS = {
    "context_set": lambda c, option, value: done(c.set(int(option), int(value))),
    "context_get": lambda c, option: f"ok {c.get(int(option))}",
    "term": lambda c: done(c.term()),
}


def run(command, name="", *words):
    if command == "socket":
        sockets[name] = context(words[1] if len(words) > 1 else "").socket(int(words[0]))
        return "ok 0"
    if command in CONTEXT_COMMANDS:
        return CONTEXT_COMMANDS[command](context(name), *words)
    if command in SOCKET_COMMANDS and name in sockets:
        return SOCKET_COMMANDS[command](sockets[name], *words)
    return f"unknown {command} {name}"


def main():
    while line := sys.stdin.readline():
        words = line.split()
        if words[0] == "exit":
            return int(words[1]) if len(words) > 1 else 0
        try:
            answer = run(*words)
        except zmq.ZMQError as failure:
            answer = f"error {failure.errno}"
        print(answer, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
