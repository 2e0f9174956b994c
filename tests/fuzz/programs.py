# SPDX-License-Identifier: MPL-2.0
"""Random programs, plain and tapped: they must be the same, and the tap's account their own.

usage: programs.py [--seconds N | --operations N] [--first SEED] [--steps N] [--jobs N] [--keep DIR]
                   [--descriptors]

A program is fuzz_program (tests/fuzz/programs) with a seed. It runs plain and tapped; its log, its
exit status and what it printed must be the same. One that differs from itself, or does not end, when
it runs plain is no verdict. The tapped one stops twice, and its segment must say what it says itself.

What differs is shown with its seed, made as short as still differs, and its logs stay in --keep.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support import products, segment_file  # noqa: E402
from support.process import environment  # noqa: E402

HANGS_S = 30
N_TAPPED = 5  # runs that must all have other descriptors
TMPFS = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
COUNTERS = {"sent": "SENT_MESSAGES", "sent_bytes": "SENT_BYTES", "received": "RECEIVED_MESSAGES",
            "received_bytes": "RECEIVED_BYTES", "receive_refused": "RECEIVE_WOULD_BLOCK"}
DROPS = {"dropped_hwm": "DROPPED_HWM", "dropped_unroutable": "DROPPED_UNROUTABLE"}
# One message of what these hold may have left libzmq's queue for the socket's own hand.
HOLDS_ONE = {"SUB", "XSUB", "ROUTER", "STREAM"}
# These take subscriptions from the queue by themselves, or never receive what another sent them.
TELLS_NOTHING = {"XPUB", "PUB", "PUSH"}


def merged(parts):
    """By (type, endpoint), what all threads of the program say together."""
    groups = {}
    for part in parts:
        for group in part["groups"]:
            known = groups.setdefault((segment_file.TYPES[group["type"]], group["endpoint"]), {})
            for name, value in group.items():
                if isinstance(value, int):
                    known[name] = known.get(name, 0) + value
    return groups


def counter_faults(segment, groups):
    for (kind, endpoint), group in groups.items():
        words = COUNTERS | (DROPS if group["is_loss_known"] else {})
        if group["is_proxied"]:
            continue
        seen = {name: segment.counter(word, kind, endpoint) for name, word in words.items()}
        seen["send_refused"] = sum(segment.counter(word, kind, endpoint) for word in
                                   ("SEND_WOULD_BLOCK", "SEND_WOULD_BLOCK_NO_PEER"))
        for name, value in seen.items():
            if value != group[name]:
                yield f"{kind} {endpoint or '-'}: {name} is {group[name]}, the page has {value}"


def gauge_faults(segment, groups, parts):
    for (kind, endpoint), group in groups.items():
        if segment.open_sockets(kind, endpoint) != group["open"]:
            yield (f"{kind} {endpoint or '-'}: {group['open']} open sockets, the page has "
                   f"{segment.open_sockets(kind, endpoint)}")
        for name, word in (("sndhwm", "SEND_HWM"), ("rcvhwm", "RECEIVE_HWM")):
            value = segment.gauge(word, kind, endpoint)
            if group["open"] and not group["is_queue_unknown"] and value != group[name]:
                yield f"{kind} {endpoint or '-'}: {name} is {group[name]}, the page has {value}"
    told = sorted(tuple(context) for part in parts for context in part["contexts"])
    seen = sorted((c["n_sockets"], c["max_sockets"], c["io_threads"])
                  for c in segment.contexts if c["is_open"])
    if told != seen:
        yield f"contexts (sockets, limit, threads) are {told}, the page has {seen}"


def queue_faults(segment, groups):
    # A SUB passes over what does not match, which a publisher would not have sent, but an XSUB does.
    tells_nothing = set(TELLS_NOTHING)
    if any(kind == "XSUB" and group["sent"] for (kind, _), group in groups.items()):
        tells_nothing.add("SUB")
    for (kind, endpoint), group in groups.items():
        value = segment.gauge("RECEIVE_QUEUE", kind, endpoint)
        if group["is_queue_unknown"] or group["is_proxied"] or value is None or kind in tells_nothing:
            continue
        in_hand = group["open"] if kind in HOLDS_ONE else 0
        is_good = (value <= group["queued"] if group["is_network"]
                   else group["queued"] - in_hand <= value <= group["queued"])
        if not is_good:
            yield f"{kind} {endpoint or '-'}: {group['queued']} queued, the page has {value}"


def has_passed(first, header, n_beats, has_sockets):
    """Whether the tap has done since what it does again and again."""
    return n_beats > 3 and (not has_sockets or header["samples"] >= first["samples"] + 2)


class Run:
    """One run of a program: `outcome` and, tapped, `faults` of the page."""

    def __init__(self, options, seed, steps, is_tapped):
        # On tmpfs, where the tap opens no file while the program runs.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="zt-", dir=TMPFS))
        self.directory = self.folder / "segments" if is_tapped else None
        self.faults = []
        self.has_hung = False
        if is_tapped:
            self.directory.mkdir()
        (self.folder / "work").mkdir()
        with open(self.folder / "errors", "w", encoding="utf-8") as errors:
            self.popen = subprocess.Popen(
                [str(options.program), str(seed), str(steps), str(self.folder / "log"),
                 *(["descriptors"] if options.descriptors else [])],
                cwd=self.folder / "work", env=environment(self.directory), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
            self._watch()
        self.outcome = self._outcome()

    def _watch(self):
        timer = threading.Timer(HANGS_S, self._give_up)
        timer.start()
        try:
            self._converse()
            self.status = self.popen.wait()
        finally:
            timer.cancel()
            self.popen.stdout.close()
            with contextlib.suppress(BrokenPipeError):  # it ended before it read all
                self.popen.stdin.close()

    def _give_up(self):
        self.has_hung = True
        self.popen.kill()

    def _go_on(self):
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.write("\n")
            self.popen.stdin.flush()

    def _converse(self):
        first = self.popen.stdout.readline()
        segment = self._compare(first) if first and self.directory else None
        self._go_on()
        second = self.popen.stdout.readline()
        if second and self.directory:
            if segment:
                self.faults += queue_faults(segment, merged(json.loads(second)))
            self._compare(second)
        self._go_on()

    def _compare(self, line):
        """Until the segment is as the program says, or does not come to be so. Returns it once its
        queues were looked at since, which on a busy machine is not so in every round."""
        parts = json.loads(line)
        groups = merged(parts)
        deadline = time.monotonic() + 10
        n_open = sum(group["open"] for group in groups.values())
        first, beats = None, set()
        while True:
            segments = segment_file.read_all(self.directory, self.popen.pid)
            if not segments:
                faults = ["no segment"] if any(g["open"] for g in groups.values()) else []
            else:
                segment = segments[-1]
                faults = [*counter_faults(segment, groups), *gauge_faults(segment, groups, parts)]
                first = first or segment.header
                beats.add(segment.header["updated_ns"])
                if not faults and has_passed(first, segment.header, len(beats), n_open > 0):
                    return segment
            if (not segments and not faults) or time.monotonic() > deadline or self.has_hung:
                self.faults += faults
                return None
            time.sleep(0.02)

    def _outcome(self):
        logs = [path.read_text(encoding="utf-8", errors="replace")
                for path in sorted(self.folder.glob("log.*"))]
        errors = (self.folder / "errors").read_text(encoding="utf-8", errors="replace")
        return self.status, errors, logs

    def first_difference(self, other):
        """Where this one's outcome differs from another one's."""
        if self.has_hung:
            return "it does not end"
        for mine, its in zip(self.outcome[2], other.outcome[2]):
            pairs = zip(mine.splitlines() + ["(end)"], its.splitlines() + ["(end)"])
            for number, (one, two) in enumerate(pairs, 1):
                if one != two:
                    before = mine.splitlines()[max(0, number - 4):number - 1]
                    return "\n".join([*before, f"plain:  {two}", f"tapped: {one}"])
        return f"ended with {self.outcome[:2]}, plain with {other.outcome[:2]}"

    def differs_in_descriptors(self, other):
        """Whether those that are open at some moment are the first that differs."""
        return " descriptors " in self.first_difference(other).splitlines()[-1]

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def verdict(options, seed, steps):
    """(fault or None, whether there is one, [runs])"""
    plain = Run(options, seed, steps, False)
    runs = [plain]
    if plain.has_hung:
        return None, False, runs
    tapped = Run(options, seed, steps, True)
    runs.append(tapped)
    if tapped.outcome != plain.outcome:
        # Again, since a machine that is busy makes a program differ from itself.
        for _ in range(7):
            again = Run(options, seed, steps, False)
            is_same = again.outcome == plain.outcome
            again.remove()
            if not is_same:
                return None, False, runs
        # Again, and where it is descriptors some times more: a busy machine closes them later.
        for _ in range(N_TAPPED if tapped.differs_in_descriptors(plain) else 1):
            tapped.remove()
            tapped = runs[1] = Run(options, seed, steps, True)
            if tapped.outcome == plain.outcome:
                break
        if tapped.outcome != plain.outcome:
            return tapped.first_difference(plain), True, runs
    if tapped.faults:
        return "\n".join(tapped.faults[:8]), True, runs
    return None, True, runs


def is_faulty(options, seed, steps):
    fault, _, runs = verdict(options, seed, steps)
    for run in runs:
        run.remove()
    return fault is not None


def shrink(options, seed, steps):
    """The fewest steps found that still differ."""
    low, high = 0, steps
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        if is_faulty(options, seed, middle):
            high = middle
        else:
            low = middle
    return high


def keep(options, seed, runs):
    for run, name in zip(runs, ("plain", "tapped")):
        folder = options.keep / f"{seed}-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("work"))


def try_seed(options, seed):
    """(steps that were judged, fault or None)"""
    fault, is_judged, runs = verdict(options, seed, options.steps)
    if fault and options.keep:
        keep(options, seed, runs)
    for run in runs:
        run.remove()
    if fault and options.shrinks:
        steps = shrink(options, seed, options.steps)
        fault += f"\nstill so with --first {seed} --operations 1 --steps {steps}"
    return options.steps if is_judged else 0, fault


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--operations", type=int)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--descriptors", action="store_true",
                        help="their numbers must be the same, too, while the program runs")
    parser.add_argument("--no-shrinking", dest="shrinks", action="store_false")
    parser.add_argument("--program", type=pathlib.Path,
                        default=products.BUILD / "tests/fuzz/programs/fuzz_program")
    options = parser.parse_args()
    if not options.seconds and not options.operations:
        options.seconds = 60
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    return options


def seeds_within(options, end):
    """As many as the operations ask for, or as there is time for."""
    seed = options.first
    while (seed - options.first) * options.steps < options.operations if options.operations \
            else time.monotonic() < end:
        yield seed
        seed += 1


def main():
    options = parse()
    end = time.monotonic() + (options.seconds or 0)
    seeds = seeds_within(options, end)
    lock = threading.Lock()
    totals = {"programs": 0, "operations": 0, "no verdict": 0, "differences": 0}

    def work():
        while True:
            with lock:
                seed = next(seeds, None)
            if seed is None:
                return
            steps, fault = try_seed(options, seed)
            with lock:
                totals["programs"] += 1
                totals["operations"] += steps
                totals["no verdict"] += steps == 0
                totals["differences"] += fault is not None
                if fault:
                    print(f"seed {seed}:\n{fault}\n", flush=True)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for job in [pool.submit(work) for _ in range(options.jobs)]:
            job.result()
    print(", ".join(f"{value} {name}" for name, value in totals.items()))
    is_empty = totals["operations"] == 0
    return 1 if totals["differences"] or is_empty else 0


if __name__ == "__main__":
    sys.exit(main())
