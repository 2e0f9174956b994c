# SPDX-License-Identifier: MPL-2.0
"""Writes the first inputs of peek_memory_fuzz.c: memory as libzmq has it, and as a liar would.

usage: peek_memory_corpus.py FOLDER
"""

import pathlib
import struct
import sys

POINTER, VTABLE, TAG, CONTEXT_TAG, NUMBER, NARROW, PUT_OFF = 0, 1, 2, 3, 4, 12, 255
PUSH, PULL, PIPE, MAILBOX, QUEUE, CONFLATING, COMMANDS, IO_THREAD = 8, 7, 21, 22, 24, 25, 26, 27
STACK_END, CONTEXT, LIST, SOCKETS, PIPES = 0xE000, 0x1000, 0x1800, (0x2000, 0x3000), (0x4000, 0x4800)
PEER, SOCKET_TAG = 128, 640


class Memory:
    def __init__(self):
        self.words = []

    def put(self, place, kind, number=0):
        self.words.append(struct.pack("<HBH", place, kind, number))
        return self

    def vector(self, place, begin, n):
        self.put(place, POINTER, begin).put(place + 8, POINTER, begin + 8 * n)
        return self.put(place + 16, POINTER, begin + 8 * n)

    def context(self, sockets=SOCKETS):
        self.put(0xFFF0 - 8, POINTER, CONTEXT).put(STACK_END, POINTER, CONTEXT)
        self.put(CONTEXT + 64, CONTEXT_TAG).vector(CONTEXT + 72, LIST, len(sockets))
        for i, socket in enumerate(sockets):
            self.put(LIST + 8 * i, POINTER, socket)
        return self

    def socket(self, i, kind):
        at, pipe = SOCKETS[i], PIPES[i]
        self.put(at, VTABLE, kind).put(at + 8, POINTER, CONTEXT).put(at + 16, NARROW, i + 1)
        self.put(at + 24, NARROW, 10).put(at + 28, NARROW, 10).put(at + 332, NARROW, kind)
        self.put(at + SOCKET_TAG, TAG).put(at + SOCKET_TAG + 8, POINTER, 0x6000 + 0x400 * i)
        self.put(0x6000 + 0x400 * i, VTABLE, MAILBOX).put(0x6008 + 0x400 * i, VTABLE, COMMANDS)
        self.vector(at + SOCKET_TAG + 16, 0x1C00 + 64 * i, 1).put(0x1C00 + 64 * i, POINTER, pipe)
        return self.put(at + SOCKET_TAG + 40, POINTER, at + SOCKET_TAG + 56)

    def pipe(self, i, written, read, queue=QUEUE):
        at, other = PIPES[i], PIPES[1 - i]
        self.put(at, VTABLE, PIPE).put(at + 8, POINTER, CONTEXT).put(at + 16, NARROW, i + 1)
        self.put(at + PEER, POINTER, other).put(at + PEER - 64, POINTER, 0x5000 + 0x400 * i)
        self.put(at + PEER - 56, POINTER, 0x5000 + 0x400 * (1 - i)).put(0x5000 + 0x400 * i, VTABLE, queue)
        self.put(at + PEER - 47, NUMBER, 1).put(at + PEER - 44, NARROW, 20).put(at + PEER - 40, NARROW, 10)
        self.put(at + PEER - 24, NUMBER, read).put(at + PEER - 16, NUMBER, written)
        return self.put(at + PEER + 8, POINTER, SOCKETS[i])

    def pair(self, queue=QUEUE):
        self.context().socket(0, PUSH).socket(1, PULL)
        return self.pipe(0, 7, 0, queue).pipe(1, 0, 2, queue)

    def bytes(self):
        return b"".join(self.words)


def inputs():
    yield "pair", Memory().pair()
    yield "conflating", Memory().pair(CONFLATING)
    yield "own_peer", Memory().pair().put(PIPES[0] + PEER, POINTER, PIPES[0])
    yield "one_socket_often", Memory().pair().vector(CONTEXT + 72, LIST, 512)
    yield "long_list", Memory().pair().vector(CONTEXT + 72, 0, 0x1FFF)
    yield "many_pipes", Memory().pair().vector(SOCKETS[0] + SOCKET_TAG + 16, 0, 0x1FFF)
    yield "freed_meanwhile", Memory().pair().put(0, PUT_OFF, 40).put(SOCKETS[0], NUMBER, 0)
    yield "another_meanwhile", Memory().pair().put(0, PUT_OFF, 45).put(PIPES[0] + PEER - 16, NUMBER, 3)
    yield "backwards_list", Memory().pair().put(CONTEXT + 80, POINTER, 0)
    waiting = Memory().pair()
    for i in range(64):
        waiting.put(0x6010 + 8 * i, POINTER, 0x6010 + 8 * i)
    yield "mailbox_loops", waiting


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, memory in inputs():
        (folder / name).write_bytes(memory.bytes())


main()
