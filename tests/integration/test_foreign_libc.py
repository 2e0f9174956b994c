# SPDX-License-Identifier: MPL-2.0
"""The tap is loaded by programs of another C library: they run, and it stays out."""

import shutil
import subprocess

import pytest

from support import products
from support.process import run

HELLO = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *work(void *p) { return p; }
int main(void)
{
    pthread_t thread;
    int rc = pthread_create(&thread, 0, work, 0);
    srand(1);
    printf("hello %d %d %d\n", rc, pthread_join(thread, 0), rand());
    return 7;
}
"""

TALK = r"""
#include <errno.h>
#include <stdio.h>
void *zmq_ctx_new(void), *zmq_socket(void *, int);
int zmq_bind(void *, const char *), zmq_send(void *, const void *, unsigned long, int);
int zmq_ctx_set(void *, int, int), zmq_close(void *), zmq_ctx_term(void *);
int main(void)
{
    int sum = 0;
    errno = EXDEV;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, 8);
    sum += zmq_ctx_set(context, 1, 1) + zmq_bind(socket, "inproc://a");
    for (int i = 0; i < 1000; i++)
        sum += zmq_send(socket, "abc", 3, 0);
    sum += zmq_close(socket) + zmq_ctx_term(context);
    printf("%d %d\n", sum, errno == EXDEV);
    return 0;
}
"""


@pytest.fixture
def compile_with_musl(folder):
    """Makes a program of musl of a source."""
    if not shutil.which("musl-gcc"):
        pytest.skip("musl-gcc is not installed")

    def compile_one(name, source, *more):
        (folder / f"{name}.c").write_text(source)
        subprocess.run(["musl-gcc", "-w", "-o", folder / name, folder / f"{name}.c", *more], check=True)
        return folder / name

    return compile_one


def run_both_ways(program, directory):
    plain, tapped = run([program]), run([program], directory)
    assert (tapped.returncode, tapped.stdout, tapped.stderr) == \
        (plain.returncode, plain.stdout, plain.stderr)
    assert not list(directory.iterdir())
    return plain.stdout


def musl__without_libzmq__runs(directory, compile_with_musl):
    assert run_both_ways(compile_with_musl("hello", HELLO), directory).startswith("hello 0 0 ")


def musl__with_a_libzmq__passes_through(directory, compile_with_musl):
    standin = (products.PROGRAMS_SOURCE / "copies_standin.c").read_text()
    standin = standin.replace("#include <zmq.h>", "#define ZMQ_PUSH 8\n#define ZMQ_PULL 7\n"
                              "void *zmq_socket(void *, int);\n")
    library = compile_with_musl("libmessaging.so", standin, "-shared", "-fPIC", "-DCOPY=3")
    talk = compile_with_musl("talk", TALK, library)
    assert run_both_ways(talk, directory) == "3000 1\n"
