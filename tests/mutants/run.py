# SPDX-License-Identifier: MPL-2.0
"""Tries whether the tests notice small faults: changes one place of the sources at a time, in a copy.

A fault is noticed if a test fails or does not end. What survives is printed with its place and
its change, and makes the command fail, unless reviewed.txt has it with a reason.
"""

import argparse
import os
import pathlib
import random
import signal
import sys

import faults
import known
import workbench
from guards import GUARDS, guards_of

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
DEFAULT = ["src"]


def say(text):
    print(text, flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./dev mutants", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="or file, as src/segment (all of src/)")
    parser.add_argument("--count", type=int, default=20, help="how many faults are tried (20); 0: all")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--given", action="store_true", help="those of given.txt instead")
    parser.add_argument("--unit", action="store_true", help="unit and fuzz tests alone, plain and sanitized")
    parser.add_argument("--without", nargs="+", default=[], metavar="TEST",
                        help="leave these out, as those that take long: what only they notice survives")
    parser.add_argument("--list", action="store_true", help="print the faults and try none")
    parser.add_argument("--jobs", type=int, default=2, help="of the build (2)")
    parser.add_argument("--at-once", type=int, default=4, help="tests beside each other (4)")
    parser.add_argument("--bench", default="mutants", help="name of the copy: one command each at a time")
    return parser.parse_args()


def choose(options, bench, reviewed):
    """The faults to try; reviewed ones are no part of a sample."""
    if options.given:
        chosen = []
        for entry in known.read(HERE / "given.txt"):
            if options.folders and not entry.path.startswith(tuple(options.folders)):
                continue
            file = TOP / entry.path
            found = list(known.faults_of(entry, file.read_bytes())) if file.exists() else []
            if len(found) != 1:
                say(f"{entry.where}: {len(found)} places of {entry.path} are like this, not one")
            chosen += found[:1]
        return chosen
    everything = faults.all_faults(bench.tree, bench.build_folder("plain"), options.folders or DEFAULT, say)
    texts = {f.path: (TOP / f.path).read_bytes() for f in everything}
    unreviewed = [f for f in everything if known.key_of(f, texts[f.path]) not in reviewed]
    say(f"{len(everything)} faults, {len(everything) - len(unreviewed)} of them reviewed")
    random.Random(options.seed).shuffle(unreviewed)
    return unreviewed[: options.count or None]


def stages(path, bench, options, is_unit):
    """(build, names of tests) one after the other."""
    names = [n for n in guards_of(path, bench.tests["plain"]) if n not in options.without]
    quick = [n for n in names if bench.tests["plain"][n].suite in ("unit", "fuzz")]
    slow = [] if is_unit else [n for n in names if n not in quick]
    sanitized = [n for n in quick if n in bench.tests["address"]]
    return [(build, tests) for build, tests in
            (("plain", quick), ("address", sanitized), ("plain", slow)) if tests]


def check_sound(bench, build, names, at_once):
    """The tests pass without a fault, and how long each takes sets its limit. One that does not,
    here and now, says nothing of a fault either."""
    names = [name for name in names if (build, name) not in bench.seconds]
    if not bench.compile(build, names):
        raise SystemExit(f"mutants: the tree does not build\n{bench.said[-4000:]}")
    while names:
        wrong = bench.run(build, names, lambda _: 600, at_once)
        if not wrong:
            return
        bench.unsound.add((build, wrong[0]))
        say(f"{wrong[0]} ({build}) {wrong[1]} without a fault, and is left out")
        names = [name for name in names if name != wrong[0] and (build, name) not in bench.seconds]


def notice(bench, fault, text, options):
    """What notices it: "test result"; "" where nothing does; None where it does not compile."""
    file = bench.tree / fault.path

    for build, names in stages(fault.path, bench, options, options.unit):
        file.write_bytes(fault.apply(text))
        if not bench.compile(build, names):
            return None
        wrong = first_wrong(bench, build, names, options.at_once)
        while wrong and (build, wrong[0]) not in bench.seconds:  # never ran before: is it the fault?
            file.write_bytes(text)
            check_sound(bench, build, [wrong[0]], 1)
            if (build, wrong[0]) in bench.seconds and wrong[1] == "failed":
                break  # one that did not end has another limit now
            file.write_bytes(fault.apply(text))
            bench.compile(build, names)
            wrong = first_wrong(bench, build, names, options.at_once)
        if wrong:
            return f"{wrong[0]}{'' if build == 'plain' else ' (' + build + ')'} {wrong[1]}"
    return ""


def first_wrong(bench, build, names, at_once):
    """The first that does not pass; a test of whole programs fails twice, since on a busy machine
    one that waits may fail by chance."""

    def limit(name):
        known_s = bench.seconds.get((build, name))
        return 30 + 6 * known_s if known_s else 300

    left = [name for name in names if (build, name) not in bench.unsound]
    while True:
        wrong = bench.run(build, left, limit, at_once)
        if not wrong or wrong[1] == "hung" or bench.tests[build][wrong[0]].suite != "integration":
            return wrong
        again = bench.run(build, [wrong[0]], limit, 1)
        if again:
            return again
        left.remove(wrong[0])


def try_fault(bench, fault, options):
    file = bench.tree / fault.path
    text = file.read_bytes()
    try:
        return notice(bench, fault, text, options)
    finally:
        file.write_bytes(text)


def main():
    options = parse_arguments()
    os.nice(5)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = workbench.make(TOP, options.jobs, options.bench)
    reviewed = {e.key() for e in known.read(HERE / "reviewed.txt")}
    for build in workbench.BUILDS:
        bench.set_up(build)
    chosen = choose(options, bench, reviewed)
    if options.list:
        for f in chosen:
            old, new = f.change((TOP / f.path).read_bytes())
            say(f"{f.path}:{f.line((TOP / f.path).read_bytes())}: {f.kind}\n  - {' '.join(old)}\n  + {' '.join(new)}")
        return 0
    for path in sorted({f.path for f in chosen}):
        for build, names in stages(path, bench, options, True):
            check_sound(bench, build, names, options.at_once)

    n_noticed, survivors = 0, []
    for number, fault in enumerate(chosen, 1):
        text = (bench.tree / fault.path).read_bytes()
        old, new = fault.change(text)
        by = try_fault(bench, fault, options)
        place = f"[{number}/{len(chosen)}] {fault.path}:{fault.line(text)}: {fault.kind}"
        if by is None:
            say(f"{place}: does not compile")
        elif by:
            n_noticed += 1
            say(f"{place}: {by}")
        elif known.key_of(fault, text) in reviewed:
            say(f"{place}: survives, reviewed")
        else:
            survivors.append(place)
            say("\n".join([f"{place}: SURVIVES", fault.path, *[f"- {s}" for s in old], *[f"+ {s}" for s in new]]))
    n = n_noticed + len(survivors)
    say(f"{n_noticed} of {n} noticed ({100 * n_noticed // n if n else 100} %)")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
