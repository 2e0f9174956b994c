# SPDX-License-Identifier: MPL-2.0
"""Checks that what the documents name is there: links, headings, flags, configurations.

Links between Markdown files resolve, their headings too; what lies in doc/ is installed, so its links
stay within doc/ and README.md. Every flag of ours that stands in a command or in backticks is in
`zmq_exporter [COMMAND] --list-flags`, and every metric in the family table. Every example of YAML can
be read, and of prometheus.yml promtool finds it good.

usage: docs.py SOURCE_ROOT ZMQ_EXPORTER PROMTOOL FAMILY_LIST
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

import families

LINK = re.compile(r"(?<!`)\[(?:[^\]\[]|!\[[^\]]*\])*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FLAG = re.compile(r"(?<![\w/-])--[a-z][\w.-]*")
METRIC = re.compile(r"(?<![\w./-])zmq_(?:context|exporter|library|lingering|policy|probe|process|socket|tap|unseen)"
                    r"_\w*\w\b(?![.(/-])")
OF_LIBZMQ = {"zmq_socket_monitor", "zmq_socket_monitor_versioned"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def documents(root):
    yield from sorted(root.glob("*.md"))
    for folder in ("alerts", "dashboards", "doc", "src", "tests"):
        yield from sorted((root / folder).rglob("*.md"))


def anchor(heading):
    """As the usual forges make it."""
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda found: found.group(1) or "", heading)
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def without_code(text):
    return re.sub(r"`[^`\n]*`", "``", FENCE.sub("", text))


def headings(path):
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    return {anchor(line) for line in re.findall(r"^#+ (.*)$", text, re.M)}


def wrong_links(root, path):
    for found in LINK.finditer(without_code(path.read_text(encoding="utf-8"))):
        link = found.group(1) or found.group(2)
        if re.match(r"\w+:", link):
            continue
        name, _, heading = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            yield f"there is no {link}"
        elif heading and heading not in headings(target):
            yield f"{name or path.name} has no heading {heading}"
        elif path.parent == root / "doc" and target != root / "README.md" and target.parent != path.parent:
            yield f"{link} is not installed with doc/"


def listed(program, *words):
    done = subprocess.run([program, *words], check=True, text=True, stdout=subprocess.PIPE)
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def flags_of(program):
    """command, "" for none: its flags, without values."""
    return {command: {flag.rstrip("=") for flag in listed(program, *filter(None, [command]), "--list-flags")}
            for command in ["", *listed(program, "--list-commands")]}


def call_of(commands):
    """A command of ours, up to where the shell's line or another command begins."""
    return re.compile(rf"zmq_exporter(?: ({'|'.join(filter(None, commands))})\b)?((?: [^|;&\n`#]*)?)")


def wrong_flags(path, table):
    text, known = path.read_text(encoding="utf-8"), set().union(*table.values())
    for found in call_of(table).finditer(text.replace("\\\n", " ")):
        own = found.group(2).split(" -- ")[0]
        for flag in FLAG.findall(own):
            if flag.rstrip(".") not in table[found.group(1) or ""]:
                yield f"{found.group(0).strip()}: there is no {flag}"
    prefixes = {flag.split(".")[0] + "." for flag in known if "." in flag}
    for quoted in re.findall(r"`(--[a-z][\w.-]*)[^`]*`", text):
        if quoted.startswith(tuple(prefixes)) and quoted not in known:
            yield f"there is no {quoted}"


def wrong_metrics(path, names):
    for name in METRIC.findall(path.read_text(encoding="utf-8")):
        if name not in names and name not in OF_LIBZMQ:
            yield f"there is no metric {name}"


def wrong_yaml(path, promtool):
    for kind, text in FENCE.findall(path.read_text(encoding="utf-8")):
        if kind != "yaml":
            continue
        try:
            list(yaml.safe_load_all(text))
        except yaml.YAMLError as error:
            yield f"YAML: {error}"
        if text.startswith("# prometheus.yml"):
            with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([promtool, "check", "config", "--syntax-only", file.name], text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            if done.returncode:
                yield done.stdout


def main():
    root, program, promtool = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]
    names = families.series_names(families.read(sys.argv[4]))
    table, found, n = flags_of(program), [], 0
    for path in documents(root):
        n += 1
        name = path.relative_to(root)
        wrong = [*wrong_links(root, path), *wrong_flags(path, table), *wrong_yaml(path, promtool),
                 *wrong_metrics(path, names)]
        found += [f"{name}: {text}" for text in wrong]
    print("\n".join(found) or f"{n} documents, all that they name is there")
    return 1 if found or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
