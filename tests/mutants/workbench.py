# SPDX-License-Identifier: MPL-2.0
"""A copy of the tree with builds of its own, where faults are tried; the checkout is only read.

A test with a fault in it may do anything: signal every process, remove any file. So each runs in
PID and mount namespaces of its own, where all but its folder and an empty /tmp is read-only.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time
from typing import NamedTuple

BUILDS = {
    "plain": [],
    "address": ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dvariant=address"],
}
VARIABLES = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1",
             "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": "/tmp"}
BOX = ('mount --bind "$1" "$1" && mount -t tmpfs -o mode=1777 tmpfs /tmp && '
       'mount -o remount,bind,ro / && shift && cd / && exec "$@"')


class Test(NamedTuple):
    name: str
    suite: str
    command: list
    variables: dict
    outputs: list


class Workbench:
    def __init__(self, top, folder, jobs):
        self.top, self.folder, self.jobs = top, folder, jobs
        self.tree = folder / "tree"
        self.tests = {}
        self.seconds = {}

    def build_folder(self, build):
        return self.folder / build

    def copy(self):
        """Takes over what the checkout has now, touching only files that differ."""
        listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=self.top,
                                check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0")
        wanted = {name for name in listed if name and (self.top / name).is_file()}
        for path in [p for p in self.tree.rglob("*") if p.is_file()] if self.tree.exists() else []:
            if str(path.relative_to(self.tree)) not in wanted:
                path.unlink()
        for name in sorted(wanted):
            source, target = self.top / name, self.tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.read_bytes() != source.read_bytes():
                shutil.copyfile(source, target)
            shutil.copymode(source, target)

    def set_up(self, build):
        folder = self.build_folder(build)
        if not (folder / "build.ninja").exists():
            subprocess.run(["meson", "setup", str(folder), str(self.tree), "-Dtests=true", *BUILDS[build]],
                           check=True, stdout=subprocess.DEVNULL)
        built = subprocess.run(["ninja", "-C", str(folder), "--quiet", f"-j{self.jobs}"], check=False,
                               stdout=subprocess.PIPE, text=True)
        if built.returncode != 0:
            raise SystemExit(f"mutants: the tree does not build\n{built.stdout[-4000:]}")
        self.tests[build] = self.read_tests(folder)

    def read_tests(self, folder):
        info = folder / "meson-info"
        outputs = {t["id"]: t["filename"] for t in json.loads((info / "intro-targets.json").read_text())}
        result = {}
        for entry in json.loads((info / "intro-tests.json").read_text()):
            files = [os.path.relpath(f, folder) for i in entry["depends"] for f in outputs.get(i, [])]
            suite = entry["suite"][0].partition(":")[2] or entry["suite"][0]
            result[entry["name"]] = Test(entry["name"], suite, entry["cmd"], entry["env"], files)
        return result

    def compile(self, build, names):
        """Builds what these tests need; False where the fault is none that compiles."""
        targets = sorted({file for name in names for file in self.tests[build][name].outputs})
        if not targets:
            return True
        done = subprocess.run(["ninja", "-C", str(self.build_folder(build)), "--quiet", f"-j{self.jobs}",
                               *targets], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        return done.returncode == 0

    def run(self, build, name, limit_s):
        """"passed", "failed" or "hung"."""
        test = self.tests[build][name]
        command = ["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc",
                   "--propagation", "private", "sh", "-c", BOX, "sh", str(self.folder), *test.command]
        begin = time.monotonic()
        with subprocess.Popen(command, env={**os.environ, **VARIABLES, **test.variables},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as running:
            try:
                self.output, _ = running.communicate(timeout=limit_s)
            except BaseException as error:
                running.kill()  # and with it its namespace
                self.output, _ = running.communicate()
                if isinstance(error, subprocess.TimeoutExpired):
                    return "hung"
                raise
        self.seconds[build, name] = time.monotonic() - begin
        return "passed" if running.returncode in (0, 77) else "failed"


def make(top, jobs, name="mutants"):
    folder = pathlib.Path(top) / f"build-{name}"
    folder.mkdir(exist_ok=True)
    bench = Workbench(pathlib.Path(top), folder, jobs)
    bench.copy()
    return bench
