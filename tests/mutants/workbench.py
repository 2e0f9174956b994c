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
BOX = ('mount --bind "$1" "$1" && mount -t tmpfs -o mode=1777 tmpfs /tmp && mount -t tmpfs tmpfs /run && '
       'mount -o remount,bind,ro / && cd "$1/$2" && shift 2 && exec "$@"')


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
        self.unsound = set()  # fail without a fault, here

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
        # What the tests of a fault need is built when they are run; here what its source includes.
        quiet = {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(["ninja", "-C", str(folder), "build.ninja"], **quiet)
        targets = json.loads((folder / "meson-info" / "intro-targets.json").read_text())
        made = [os.path.relpath(file, folder) for target in targets if target["type"] == "custom"
                for file in target["filename"] if file.endswith(".h")]
        subprocess.run(["ninja", "-C", str(folder), *made], **quiet)
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
        self.said = done.stdout
        return done.returncode == 0

    def start(self, build, name):
        test = self.tests[build][name]
        command = ["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc",
                   "--propagation", "private", "sh", "-c", BOX, "sh", str(self.folder), build,
                   *test.command]
        log = self.log_of(build, name)
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as output:
            return subprocess.Popen(command, env={**os.environ, **VARIABLES, **test.variables},
                                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def log_of(self, build, name):
        return self.folder / "logs" / f"{build}-{name}.txt"

    def run(self, build, names, limit_s, at_once):
        """The first that does not pass, as (name, "failed" or "hung"); None if all pass.

        Several run beside each other, since most of the time a test waits. `limit_s` is asked for
        each: how long it may take.
        """
        waiting, running = list(names), {}
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    name = waiting.pop(0)
                    running[name] = self.start(build, name), time.monotonic(), limit_s(name)
                for name, (process, begin, limit) in list(running.items()):
                    lasted = time.monotonic() - begin
                    if process.poll() is None:
                        if lasted > limit:
                            return name, "hung"
                        continue
                    del running[name]
                    if process.returncode not in (0, 77):
                        return name, "failed"
                    self.seconds[build, name] = lasted
                time.sleep(0.05)
            return None
        finally:
            for process, _, _ in running.values():
                process.kill()  # and with it its namespace
                process.wait()


def make(top, jobs, name="mutants"):
    folder = pathlib.Path(top) / f"build-{name}"
    folder.mkdir(exist_ok=True)
    bench = Workbench(pathlib.Path(top), folder, jobs)
    bench.copy()
    return bench
