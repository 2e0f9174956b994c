# SPDX-License-Identifier: MPL-2.0
"""Whole scrapes of 10,000 series: the exporter, a static buffer, and other client libraries.

usage: scrape.py SCRAPE_BENCH [SERIES [SECONDS]]

Go's library is measured where Debian's golang-go and golang-github-prometheus-client-golang-dev
are installed.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
GO_SOURCES = "/usr/share/gocode"


def build_go(folder):
    """The server made with Go's library: its path, or why there is none."""
    if not shutil.which("go"):
        return None, "golang-go is not installed"
    if not os.path.isdir(f"{GO_SOURCES}/src/github.com/prometheus/client_golang"):
        return None, "golang-github-prometheus-client-golang-dev is not installed"
    target = folder / "scrape_server"
    variables = {**os.environ, "GO111MODULE": "off", "GOPATH": GO_SOURCES,
                 "GOCACHE": str(folder / "cache"), "GOFLAGS": "-p=1"}
    built = subprocess.run(["go", "build", "-o", target, FOLDER / "scrape_server.go"],
                           env=variables, capture_output=True, text=True, check=False)
    return (target, None) if built.returncode == 0 else (None, built.stderr.strip())


def main():
    bench, series, seconds = (sys.argv[1:] + ["10000", "20"][len(sys.argv) - 2:])[:3]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        page = shlex.quote(str(folder / "page"))
        others = ["python's client",
                  f"exec {shlex.quote(sys.executable)} {FOLDER}/scrape_server.py {page}"]
        go_server, reason = build_go(folder)
        if go_server:
            others += ["Go's client", f"exec {go_server} {page}"]
        else:
            print(f"Go's client library is skipped: {reason}")
        subprocess.run([bench, series, seconds, folder / "page", *others], check=True)


if __name__ == "__main__":
    main()
