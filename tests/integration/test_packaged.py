# SPDX-License-Identifier: MPL-2.0
"""Packaged software of others under the tap, unmodified: it works as without, and is seen."""

import pytest

from support import products, segment_file
from support.process import run


@pytest.fixture
def jupyter(folder):
    pytest.importorskip("ipykernel")
    pytest.importorskip("jupyter_client")
    return {"HOME": str(folder), "IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder),
            "PYTHONWARNINGS": "ignore", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def jupyter_kernel__at_work__is_the_same_and_seen(directory, jupyter):
    command = products.program("kernel_client.py")
    plain = run(command, None, jupyter)
    tapped = run(command, directory, jupyter)
    assert (tapped.returncode, tapped.stdout) == (plain.returncode, plain.stdout)
    assert plain.stdout.endswith("False\n") and plain.stdout.count("ok\n") == 6

    segments = {s.header["program"]: s for s in segment_file.read_all(directory)}
    kernel, client = segments["ipykernel_launcher"], segments["kernel_client.py"]
    assert kernel.header["state"] == client.header["state"] == 2
    # What the kernel published, the client received; its shell answered every request.
    assert kernel.counter("SENT_MESSAGES", "PUB") >= client.counter("RECEIVED_MESSAGES", "SUB") > 20
    assert kernel.counter("RECEIVED_MESSAGES", "ROUTER") >= client.counter("SENT_MESSAGES", "DEALER") >= 7
