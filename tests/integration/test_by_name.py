# SPDX-License-Identifier: MPL-2.0
"""Programs that ask dlsym() for libzmq's functions, as ffi libraries do, find what they would without
the tap, and are counted."""

import pathlib
import platform
import re
import shutil
import subprocess

import pytest

from support import products, segment_file
from support.process import Process, run
from support.waiting import wait_equal

N, N_LONELY = 50, 20
OFF = {"ZMQ_EXPORTER_TAP": "off"}
DLSYM_ON, DLSYM_OFF = {"ZMQ_EXPORTER_TAP_DLSYM": "on"}, {"ZMQ_EXPORTER_TAP_DLSYM": "off"}
WAYS = [OFF, DLSYM_OFF, DLSYM_ON]  # the last one is left in the directory

pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"),
                                reason="the tap does not stand before dlsym() here")


def counted(directory, word="SENT_MESSAGES", kind="PUSH"):
    return sum(segment.counter(word, kind) for segment in segment_file.read_all(directory))


def empty(directory):
    for path in pathlib.Path(directory).iterdir():
        path.unlink()


def run_each_way(command, directory, variables=None):
    """Plain; the tap off, beside dlsym() and before it must not differ from that."""
    variables = variables or {}
    plain = run(command, None, variables)
    for way in WAYS:
        empty(directory)
        tapped = run(command, directory, {**variables, **way})
        assert (tapped.returncode, tapped.stdout, tapped.stderr) == \
            (plain.returncode, plain.stdout, plain.stderr), way
    assert plain.returncode == 0, plain
    return plain.stdout


@pytest.fixture
def second_libzmq(folder):
    """A copy of the system's libzmq under a name of its own."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    path = re.search(r"libzmq\.so\.5 .*x86-64.* => (\S+)", listed) or \
        re.search(r"libzmq\.so\.5 .* => (\S+)", listed)
    data = pathlib.Path(path[1]).read_bytes()
    assert b"libzmq.so.5\0" in data
    target = folder / "libzmr.so.5"
    target.write_bytes(data.replace(b"libzmq.so.5\0", b"libzmr.so.5\0"))
    return target


def by_name(*words):
    return [*products.program("by_name"), *words]


def one_copy__by_handle__is_counted(directory):
    output = run_each_way(by_name("open", "libzmq.so.5", "functions", 0, "use", 0, N, "use", 0, 10,
                                  "missing", 0, "libc", "end", 0, "close", 0), directory)
    assert output.startswith(f"error: none\nown: 1 1, sockets at most: 1023\n0: {N}\n")
    assert counted(directory) == counted(directory, "RECEIVED_MESSAGES", "PULL") == N + 10


def errors__of_dlsym__are_the_linkers(directory):
    output = run_each_way(by_name("open", "libzmq.so.5", "missing", 0), directory)
    assert re.search(r"missing: 0, \S*libzmq.so.5: undefined symbol: zmq_no_such_function, none\n", output)
    assert "there: 1, none, none\n" in output and "reset: 1, none, none\n" in output


def two_copies__by_handle__are_never_mixed(directory, second_libzmq):
    output = run_each_way(by_name("open", "libzmq.so.5", "open", second_libzmq, "functions", 0,
                                  "functions", 1, "use", 1, 30, "use", 0, N, "use", 1, 5, "use", 0, 10,
                                  "mix", 0, 1, "mix", 1, 0, "end", 0, "end", 1), directory)
    assert re.findall(r"own: (. .)", output) == ["1 1"] * 4
    assert re.findall(r"^\d: (\d+)", output, re.M) == ["30", str(N), "5", "10"]
    assert counted(directory) == N + 45


def second_copy__opened_when_the_first_is_in_use__is_its_own(directory, second_libzmq):
    output = run_each_way(by_name("open", "libzmq.so.5", "functions", 0, "use", 0, 10, "open",
                                  second_libzmq, "use", 0, 20, "functions", 1, "use", 1, 30, "use", 0, 40,
                                  "end", 1, "end", 0), directory)
    assert re.findall(r"own: (. .)", output) == ["1 1"] * 4
    assert counted(directory) == 100


def copies__more_than_have_functions_of_their_own__work(directory, second_libzmq, folder):
    data, words = second_libzmq.read_bytes(), []
    for k in range(8):
        path = folder / f"libzm{k}.so.5"
        path.write_bytes(data.replace(b"libzmr.so.5\0", b"libzm%d.so.5\0" % k))
        words += ["open", path, "functions", k, "use", k, 10]
    output = run_each_way(by_name(*words, *(word for k in range(8) for word in ("end", k))), directory)
    assert re.findall(r"own: (. .)", output) == ["1 1"] * 8
    assert counted(directory) == 40  # four copies' are


def copies__closed_and_opened_again__are_their_own(directory, second_libzmq):
    words = []
    for k, path in enumerate(["libzmq.so.5", second_libzmq] * 5):
        words += ["open", path, "functions", k, "use", k, 10, "end", k, "close", k]
    output = run_each_way(by_name(*words), directory)
    assert re.findall(r"own: (. .)", output) == ["1 1"] * 10
    assert counted(directory) == 100


def namespace_of_its_own__by_handle__is_left_alone(directory):
    output = run_each_way(by_name("apart", "libzmq.so.5", "open", "libzmq.so.5", "functions", 0,
                                  "functions", 1, "use", 0, N, "use", 1, 10, "missing", 0, "end", 0,
                                  "end", 1), directory)
    assert re.findall(r"own: (. .)", output) == ["1 1"] * 2
    assert counted(directory) == 10


@pytest.mark.parametrize("is_tap_first", [True, False], ids=["behind", "before"])
def another_library__before_dlsym__is_asked_as_it_would(directory, is_tap_first):
    other = products.program("libdlsym_wrapper.so")[0]
    command = by_name("open", "libzmq.so.5", "functions", 0, "use", 0, N, "missing", 0, "libc", "end", 0)
    plain = run(command, None, {"LD_PRELOAD": other})
    words = [str(products.tap_library()), other]
    for way in WAYS:
        empty(directory)
        tapped = run(command, directory,
                     {"LD_PRELOAD": ":".join(words if is_tap_first else reversed(words)), **way})
        assert (tapped.returncode, tapped.stdout, tapped.stderr) == (0, plain.stdout, plain.stderr), way
    assert re.search(r"\d\d asked", plain.stdout)
    assert counted(directory) == N


PLACES = {  # behind the tap, or before it
    "functions-behind": ("libby_handle1.so", True),
    "functions-before": ("libby_handle1.so", False),
    "all-before": ("libby_handle2.so", False),
}


def run_linked(directory, other, is_tap_first, way):
    empty(directory)
    words = [str(products.tap_library()), other]
    preloaded = ":".join(words if is_tap_first else reversed(words))
    return run([*products.program("linked"), N], directory, {"LD_PRELOAD": preloaded, **way})


@pytest.mark.parametrize("place", PLACES)
def library_before_libzmq__that_reaches_it_by_handle__is_counted_once(directory, place):
    name, is_tap_first = PLACES[place]
    other = products.program(name)[0]
    plain = run([*products.program("linked"), N], None, {"LD_PRELOAD": other})
    assert f"{N} sent by handle" in plain.stdout
    for way in WAYS:
        tapped = run_linked(directory, other, is_tap_first, way)
        assert (tapped.returncode, tapped.stdout, tapped.stderr) == (0, plain.stdout, plain.stderr), way
    assert counted(directory) == N


def library_in_libzmqs_place__behind_the_tap__leads_to_no_circle(directory):
    """Its sockets are those of the libzmq behind it, on or off, as the first word of each says."""
    for way in WAYS:
        tapped = run_linked(directory, products.program("libby_handle2.so")[0], True, way)
        assert tapped.returncode == 0 and tapped.stdout.startswith(f"0: {N * 10}\nend\n"), way
    assert counted(directory) == N


def has(command, *words):
    return bool(shutil.which(command)) and \
        subprocess.run([command, *words], capture_output=True, check=False).returncode == 0


BINDINGS = {  # the program's words: how to see that it can run
    "ctypes": ([products.PYTHON, "by_name_ctypes.py"], [products.PYTHON, "-c", "import ctypes"]),
    "cffi": ([products.PYTHON, "by_name_cffi.py"], [products.PYTHON, "-c", "import cffi"]),
    "ruby": (["/usr/bin/ruby", "by_name.rb"], ["/usr/bin/ruby", "-e", "require 'ffi-rzmq'"]),
    "perl": (["/usr/bin/perl", "by_name.pl"], ["/usr/bin/perl", "-MZMQ::FFI", "-e", "1"]),
    "luajit": (["/usr/bin/luajit", "by_name.lua"], ["/usr/bin/luajit", "-e", "require 'ffi'"]),
}


def answers(command, directory, variables):
    """All that it prints, its exit status and, in the middle, what was counted."""
    with Process(command, directory, variables) as program:
        first = program.line()
        if directory and variables is DLSYM_ON:
            wait_equal(lambda: counted(directory), N + N_LONELY, "sent")
            wait_equal(lambda: counted(directory, "RECEIVED_MESSAGES", "PULL"), N, "received")
            wait_equal(lambda: program.segment().gauge("SEND_QUEUE", "PUSH", "ipc://@nobody"), N_LONELY,
                       "queued for nobody")
        rest = program.popen.communicate(timeout=60)[0]
        return first, rest, program.popen.returncode


@pytest.mark.parametrize("name", BINDINGS)
def binding__by_name__is_counted(directory, name):
    words, check = BINDINGS[name]
    if not has(*check):
        pytest.skip(f"{' '.join(check)} fails here")
    command = [words[0], products.PROGRAMS_SOURCE / words[1], N]
    plain = answers(command, None, {})
    assert plain[0] == "ready" and plain[2] == 0
    for way in WAYS:
        empty(directory)
        assert answers(command, directory, way) == plain, way


@pytest.mark.parametrize("extension", ["zmq", "ffi"])
def binding__of_php__is_left_alone(directory, extension):
    """PHP opens its extensions with RTLD_DEEPBIND: what they call goes past all that is preloaded."""
    check = ["/usr/bin/php", "-r", f"exit(extension_loaded('{extension}') ? 0 : 1);"]
    if not has(*check):
        pytest.skip(f"{' '.join(check)} fails here")
    name = {"zmq": "deep.php", "ffi": "by_name.php"}[extension]
    run_each_way(["/usr/bin/php", products.PROGRAMS_SOURCE / name, N], directory)
    assert not segment_file.read_all(directory)


def memcheck__of_a_program_by_name__has_no_finding_of_the_taps(directory):
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    command = ["valgrind", "-q", "--error-exitcode=9", *by_name(
        "open", "libzmq.so.5", "functions", 0, "use", 0, 10, "end", 0, "libc")]
    plain, tapped = run(command), run(command, directory, DLSYM_ON)
    assert (tapped.returncode, tapped.stdout) == (plain.returncode, plain.stdout), tapped.stderr
    assert "libzmqtap" not in tapped.stderr, tapped.stderr
    assert counted(directory) == 10


SANITIZER_OPTIONS = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0",
                     "TSAN_OPTIONS": "report_bugs=0"}  # libzmq's locks are not seen


@pytest.mark.parametrize("sanitizer", ["address", "thread", "undefined"])
@pytest.mark.parametrize("name", ["by_name", "linked"])
def program__with_a_sanitizer__goes_on(directory, name, sanitizer):
    if not products.has_program(f"{name}_{sanitizer}"):
        pytest.skip(f"the compiler has no -fsanitize={sanitizer}")
    words = [N] if name == "linked" else ["open", "libzmq.so.5", "functions", 0, "use", 0, N, "missing", 0,
                                          "end", 0, "libc"]
    run_each_way([*products.program(f"{name}_{sanitizer}"), *words], directory, SANITIZER_OPTIONS)
    assert counted(directory) == N
