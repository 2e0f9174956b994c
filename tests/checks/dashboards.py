# SPDX-License-Identifier: MPL-2.0
"""Checks dashboards/ by the rules of Grafana's dashboard linter, metric names and queries.

A query that is wrong and can be parsed draws a wrong line, which no rule notices: another metric,
min for max, a label that the metric does not have. So each panel's queries, and what it draws, are
in a table that was read by somebody, dashboards/queries.txt, and any change shows there.

usage: dashboards.py SOURCE_ROOT FAMILY_LIST PROMTOOL [--write]
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
# Labels of families by the beginning of their names, the longest that fits; see also the golden page.
SOCKET_LABELS = {"program", "type", "address", "socket"}
LABELS = {
    "zmq_socket": SOCKET_LABELS, "zmq_socket_dropped_messages_total": SOCKET_LABELS | {"reason"},
    "zmq_socket_handshake_failures_total": SOCKET_LABELS | {"cause", "detail"},
    "zmq_socket_send_blocked_seconds_total": SOCKET_LABELS | {"cause"},
    "zmq_socket_send_would_block_total": SOCKET_LABELS | {"cause"},
    "zmq_socket_events_total": SOCKET_LABELS | {"event"},
    "zmq_socket_option": SOCKET_LABELS | {"option"},
    "zmq_socket_security_info": SOCKET_LABELS | {"mechanism"},
    "zmq_context": {"program"}, "zmq_process": {"program"}, "zmq_tap": {"program"},
    "zmq_tap_capability": {"program", "capability", "state"},
    "zmq_probe": {"probe", "address"},
    "zmq_probe_failures_total": {"probe", "address", "phase"},
    "zmq_probe_failure_info": {"probe", "address", "phase", "cause", "detail"},
    "zmq_probe_connect_failures_total": {"probe", "address", "cause", "detail"},
    "zmq_probe_handshake_failures_total": {"probe", "address", "cause", "detail"},
    "zmq_probe_peer_info": {"probe", "address", "mechanism", "zmtp", "socket_type"},
    "zmq_library": {"program", "version", "path", "build_id"},
    "zmq_library_latest_info": {"version"},
    "zmq_exporter": {"collector", "state", "code", "limit", "version"}, "process": set(),
}
ALWAYS = {"job", "instance", "le"}  # of the scrape, and of a histogram's buckets
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
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


def labels_of(name):
    fits = [prefix for prefix in LABELS if name.startswith(prefix)]
    return LABELS[max(fits, key=len)] | ALWAYS if fits else ALWAYS


def wrong_labels(expression):
    """A label that none of the query's metrics has: it groups nothing, and its legend is empty."""
    names = families.named_in(expression)
    has = set().union(*(labels_of(name) for name in names)) if names else ALWAYS
    for group in GROUPING.findall(expression):
        for label in filter(None, (word.strip() for word in group.split(","))):
            if label not in has:
                yield f"no metric of the query has the label {label}"
    for group in re.findall(r"\bby\s*\(([^)]*)\)", expression):
        if "instance" not in [word.strip() for word in group.split(",")]:
            yield "a grouping without instance draws two hosts as one"
    for selector in re.findall(r"\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', selector)):
            if label not in has:
                yield f"no metric of the query has the label {label}"


def table_of(dashboard):
    """Lines of the table: a panel, its unit, and under it what each query is called and is."""
    for panel in panels_of(dashboard):
        if panel["type"] == "row":
            continue
        yield f"{panel['title']} [{panel['fieldConfig']['defaults'].get('unit')}]"
        for target in panel.get("targets", []):
            yield f"    {target.get('legendFormat', '')}: {' '.join(target['expr'].split())}"


def wrong_legend(target):
    """A legend's label that the query does not keep."""
    groups = GROUPING.findall(target["expr"])
    kept = {word.strip() for group in groups for word in group.split(",")}
    for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", target.get("legendFormat", "")):
        if groups and label not in kept:
            yield f"the legend's label {label} is lost in the query"


def wrong_in_query(expression, known):
    yield from wrong_labels(expression)
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
        yield from wrong_legend(target)


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
    found, n, table = [], 0, []
    for path in sorted((root / "dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        table += [f"# {path.name}", *table_of(dashboard)]
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
    reviewed = root / "dashboards/queries.txt"
    text = "\n".join(table) + "\n"
    if "--write" in sys.argv:
        reviewed.write_text(text, encoding="utf-8")
    if reviewed.read_text(encoding="utf-8") != text:
        found.append("dashboards/queries.txt is not what the panels ask: read the change, then --write")
    print("\n".join(found) or f"{n} panels")
    return 1 if found or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
