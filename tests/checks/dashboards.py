# SPDX-License-Identifier: MPL-2.0
"""Checks dashboards/ by the rules of Grafana's dashboard linter, metric names and queries.

usage: dashboards.py SOURCE_ROOT FAMILY_LIST PROMTOOL
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

import families

VARIABLES = ["datasource", "job", "instance"]
SELECTOR = re.compile(r"\b((?:zmq|process)_[a-z0-9_]+)\s*(\{[^}]*\})?")
COUNTER_READ = r"(?:rate|increase|irate)\(\s*{}\b"


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def wrong_in_variables(dashboard):
    variables = {v["name"]: v for v in dashboard["templating"]["list"]}
    for name in VARIABLES:
        if name not in variables:
            yield f"no variable {name}"
    if variables["datasource"].get("query") != "prometheus":
        yield "datasource is not a Prometheus data source"
    for name in VARIABLES[1:]:
        v = variables[name]
        if not v.get("multi") or not v.get("includeAll") or v.get("allValue") != ".+":
            yield f"variable {name}: multi, includeAll and allValue .+"
        if v.get("datasource", {}).get("uid") != "${datasource}" or v.get("refresh") != 2:
            yield f"variable {name}: of ${{datasource}}, refreshed when the time range changes"


def wrong_in_query(expression, known):
    for name, selector in SELECTOR.findall(expression):
        for label in ("job", "instance"):
            if f'{label}=~"${label}"' not in selector:
                yield f"{name} is not selected by {label}"
        base = known.get(name)
        if base and base[0] == "counter" and not re.search(COUNTER_READ.format(name), expression):
            yield f"the counter {name} is read without rate() or increase()"
    for window in re.findall(r"\[([^\]:]+)", expression):
        if window not in ("$__rate_interval", "$__range"):
            yield f"window {window} is not $__rate_interval or $__range"


def wrong_in_panel(panel, known):
    if panel["type"] == "row":
        return
    for key in ("title", "description"):
        if not panel.get(key):
            yield f"no {key}"
    if panel.get("datasource", {}).get("uid") != "${datasource}":
        yield "not of ${datasource}"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield "no unit"
    if not panel.get("targets"):
        yield "no query"
    for target in panel.get("targets", []):
        missing = families.named_in(target["expr"]) - families.series_names(known)
        yield from (f"{name} is not in the family table" for name in sorted(missing))
        yield from wrong_in_query(target["expr"], known)


def wrong_syntax(expressions, promtool):
    """What Prometheus's own parser says of the queries, as recording rules."""
    rules = [{"record": f"query:{i}", "expr": re.sub(r"\$__(rate_interval|range)", "5m", e)}
             for i, e in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}, file)
        file.flush()
        done = subprocess.run([promtool, "check", "rules", file.name], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return [] if done.returncode == 0 else [done.stdout]


def main():
    root, known, promtool = pathlib.Path(sys.argv[1]), families.read(sys.argv[2]), sys.argv[3]
    found, n = [], 0
    for path in sorted((root / "dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        wrong = list(wrong_in_variables(dashboard))
        if dashboard.get("editable"):
            wrong.append("editable: a change would be lost with the next release")
        expressions = []
        for panel in panels_of(dashboard):
            n += panel["type"] != "row"
            wrong += [f"{panel.get('title')}: {text}" for text in wrong_in_panel(panel, known)]
            expressions += [t["expr"] for t in panel.get("targets", [])]
        ids = [panel["id"] for panel in panels_of(dashboard)]
        if len(ids) != len(set(ids)):
            wrong.append("two panels have one id")
        found += [f"{path.name}: {text}" for text in wrong + wrong_syntax(expressions, promtool)]
    print("\n".join(found) or f"{n} panels")
    return 1 if found or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
