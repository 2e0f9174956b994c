# SPDX-License-Identifier: MPL-2.0
"""Checks dashboards/ by the rules of Grafana's dashboard linter, metric names and queries.

The files are what dashboards/generate.py makes: so a change of a query shows in both. A query that
is wrong and can be parsed draws a wrong line: a label that the metric does not have, a counter that
is read as it stands, two hosts as one. That each has data is seen by tests/integration/test_dashboard_queries.py.

usage: dashboards.py SOURCE_ROOT FAMILY_LIST PROMTOOL
"""

import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

import families

VARIABLES = ["datasource", "job", "instance", "top", "scheme"]
# Labels of families by the beginning of their names, the longest that fits; see also the golden page.
SOCKET_LABELS = {"program", "type", "address", "socket"}
LIBRARY_LABELS = {"program", "version", "path", "build_id"}
LABELS = {
    "zmq_socket": SOCKET_LABELS, "zmq_socket_dropped_messages_total": SOCKET_LABELS | {"reason"},
    "zmq_socket_handshake_failures_total": SOCKET_LABELS | {"cause", "detail"},
    "zmq_socket_send_blocked_seconds_total": SOCKET_LABELS | {"cause"},
    "zmq_socket_send_would_block_total": SOCKET_LABELS | {"cause"},
    "zmq_socket_events_total": SOCKET_LABELS | {"event"},
    "zmq_api_errors_total": SOCKET_LABELS | {"error"},
    "zmq_socket_option": SOCKET_LABELS | {"option"},
    "zmq_socket_security_info": SOCKET_LABELS | {"mechanism"},
    "zmq_context": {"program"}, "zmq_process": {"program"}, "zmq_tap": {"program"},
    "zmq_process_ends_total": {"program", "end"}, "zmq_lingering": {"program"},
    "zmq_tap_capability": {"program", "capability", "state"},
    "zmq_tap_missing_processes": {"program", "reason"}, "zmq_unseen_processes": {"program", "reason"},
    "zmq_probe": {"probe", "address"},
    "zmq_probe_failures_total": {"probe", "address", "phase"},
    "zmq_probe_failure_info": {"probe", "address", "phase", "cause", "detail"},
    "zmq_probe_connect_failures_total": {"probe", "address", "cause", "detail"},
    "zmq_probe_handshake_failures_total": {"probe", "address", "cause", "detail"},
    "zmq_probe_peer_info": {"probe", "address", "mechanism", "zmtp", "socket_type"},
    "zmq_library": LIBRARY_LABELS, "zmq_library_latest_info": {"version"},
    "zmq_library_known_vulnerabilities": LIBRARY_LABELS | {"severity"},
    "zmq_library_patched_vulnerabilities": LIBRARY_LABELS | {"severity"},
    "zmq_library_vulnerability_info": LIBRARY_LABELS | {"id", "severity", "fixed_in", "patched"},
    "zmq_library_package_info": LIBRARY_LABELS | {"manager", "package", "package_version"},
    "zmq_policy_violations": {"check", "severity", "program", "type", "address"}, "zmq_policy_checks": {"check"},
    "zmq_exporter": {"collector", "state", "code", "limit", "version", "seen_by", "reason", "scheme"}, "process": set(),
    "zmq:program_limit_used": {"program", "limit"},
    "ALERTS": {"alertname", "alertstate", "severity", "program", "probe", "type", "address"}, "up": set(), "scrape": set(),
}
# Families of the collector `details`, which is off unless it is asked for.
DETAILS = {"zmq_socket_events_total", "zmq_socket_option", "zmq_socket_security_info",
           "zmq_socket_receive_blocked_seconds_total", "zmq_socket_receive_would_block_total"}
# Counters that are there once they are not zero: increase() does not see the first time.
LATE = {"zmq_api_errors_total", "zmq_socket_concurrent_calls_total"}
ALWAYS = {"job", "instance", "le"}  # of the scrape, and of a histogram's buckets
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"((?<![\w:])(?:zmq|process)_[a-z0-9_]+|\bzmq:[a-z_]+:[a-z]+|\bALERTS\w*|\bup\b"
                      r"|\bscrape_[a-z_]+)?\s*(\{[^}]*\})|((?<![\w:])(?:zmq|process)_[a-z0-9_]+)")
NAMED = re.compile(r'__name__=~"([^"]*)"')
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
    for name, v in variables.items():
        if v["type"] == "query" and (not v.get("description") and name not in ("job", "instance", "program", "probe")):
            yield f"variable {name}: what is it?"
    for name in ("job", "instance"):
        v = variables[name]
        if not v.get("multi") or not v.get("includeAll") or v.get("allValue") != ".+":
            yield f"variable {name}: multi, includeAll and allValue .+"
        if v.get("datasource", {}).get("uid") != "${datasource}" or v.get("refresh") != 2:
            yield f"variable {name}: of ${{datasource}}, refreshed when the time range changes"


def labels_of(name):
    fits = [prefix for prefix in LABELS if name.startswith(prefix)]
    return LABELS[max(fits, key=len)] | ALWAYS if fits else ALWAYS


def names_in(expression, known):
    """Of metrics, those that Prometheus and the rules make included, and those of a pattern."""
    names = {found[0] for found in SELECTOR.findall(expression)} | families.named_in(expression)
    for pattern in NAMED.findall(expression):
        names |= {name for name in known if re.fullmatch(pattern, name)} or {pattern}
    return names - {""}


def wrong_labels(expression, known):
    """A label that none of the query's metrics has: it groups nothing, and its legend is empty."""
    names = names_in(expression, known)
    has = set().union(*(labels_of(name) for name in names)) if names else ALWAYS
    has = has | set(re.findall(r'label_replace\(.*?, "(\w+)"', expression)) | {"__name__"}
    for group in GROUPING.findall(expression):
        for label in filter(None, (word.strip() for word in group.split(","))):
            if label not in has:
                yield f"no metric of the query has the label {label}"
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
        if not {"job", "instance"} <= {word.strip() for word in group.split(",")}:
            yield "a grouping without job and instance draws two hosts as one"
    for selector in re.findall(r"\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', selector)):
            if label not in has:
                yield f"no metric of the query has the label {label}"


def wrong_legend(target):
    """A legend's label that the query does not keep."""
    groups = GROUPING.findall(target["expr"])
    kept = {word.strip() for group in groups for word in group.split(",")}
    for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", target.get("legendFormat", "")):
        if groups and label not in kept:
            yield f"the legend's label {label} is lost in the query"


def wrong_in_query(panel, expression, known):
    yield from wrong_labels(expression, known)
    for name, selector, bare in SELECTOR.findall(expression):
        for label in ("job", "instance"):
            if f'{label}=~"${label}"' not in selector:
                yield f"{name or bare} is not selected by {label}"
        base = known.get(name or bare)
        if base and base[0] == "counter" and name not in LATE and not re.search(COUNTER_READ.format(name), expression):
            yield f"the counter {name} is read without rate() or increase()"
    for window in re.findall(r"\[([^\]:]+)", expression):
        if window not in ("$__rate_interval", "$__range"):
            yield f"window {window} is not $__rate_interval or $__range"
    for name in names_in(expression, known) & DETAILS:
        if "collector `details`" not in panel["description"]:
            yield f"{name} is not on every page, which the description does not say"
    if panel["type"] in ("timeseries", "state-timeline") and not expression.startswith("topk($top, "):
        yield "lines without topk($top, …)"
    if panel["type"] != "stat" and re.search(r"\b(sum|min|max|count|avg) ?\(", expression):
        yield "an aggregation without by (job, instance, …) draws two hosts as one"


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
    series = families.series_names(known)
    for target in panel.get("targets", []):
        names = {name for name in names_in(target["expr"], series) if name.startswith(("zmq_", "process_"))}
        yield from (f"{name} is not in the family table" for name in sorted(names - series))
        yield from wrong_in_query(panel, target["expr"], known)
        yield from wrong_legend(target)


def wrong_in_links(text, uids, runbooks):
    """`text`: a whole dashboard. Links that lead nowhere, or that lose what is shown."""
    for url in re.findall(r'"url": "((?:[^"\\]|\\.)*)"', text):
        board, book = re.match(r"/d/([\w-]+)\?", url), re.search(r"/runbooks/(\w+)", url)
        if board and (board.group(1) not in uids or "${datasource:queryparam}&${__url_time_range}&var-job=" not in url):
            yield f"{url}: no such dashboard, or without data source, time and job"
        if book and (book.group(1) not in runbooks or "instance=${" not in url):
            yield f"{url}: no such runbook, or without the instance"
        if not url.startswith(("/d/", "${scheme}://${__")) and url:
            yield f"{url}: leads neither to a dashboard nor to an exporter"


def wrong_in_frame(dashboard, rules):
    """What is around the panels."""
    yield from wrong_in_variables(dashboard)
    if dashboard.get("editable"):
        yield "editable: a change would be lost with the next release"
    links = dashboard["links"]
    if not any(l["type"] == "dashboards" and l["tags"] == ["zeromq"] and l["includeVars"] and l["keepTime"] for l in links):
        yield "no links to the other dashboards, with variables and time"
    shown = "".join(a.get("expr", "") for a in dashboard["annotations"]["list"])
    for severity in sorted({rule["labels"]["severity"] for rule in rules}):
        if not re.search(rf'ALERTS\{{[^}}]*severity="{severity}",job=~"\$job",instance=~"\$instance"', shown):
            yield f"alerts of severity {severity} are no annotations"
    ids = [panel["id"] for panel in panels_of(dashboard)]
    if len(ids) != len(set(ids)):
        yield "two panels have one id"
    tops = [(p["gridPos"]["y"], p["gridPos"]["x"]) for p in panels_of(dashboard)]
    if tops != sorted(set(tops)) or any(p["gridPos"]["x"] + p["gridPos"]["w"] > 24 for p in panels_of(dashboard)):
        yield "panels lie over each other"


def wrong_syntax(expressions, promtool):
    """What Prometheus's own parser says of the queries, as recording rules."""
    rules = [{"record": f"query:{i}", "expr": re.sub(r"\$__(rate_interval|range)", "5m", e).replace("$top", "20")}
             for i, e in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}, file)
        file.flush()
        done = subprocess.run([promtool, "check", "rules", file.name], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return [] if done.returncode == 0 else [done.stdout]


def differing(root):
    """Files that are not what the generator makes."""
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("generate", root / "dashboards/generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    made = generate.made()
    here = {path.name: path.read_text(encoding="utf-8") for path in (root / "dashboards").glob("*.json")}
    for name in sorted(made.keys() | here.keys()):
        if made.get(name) != here.get(name):
            yield f"{name} is not what dashboards/source makes: ./dev dashboards writes it"


def main():
    root, known, promtool = pathlib.Path(sys.argv[1]), families.read(sys.argv[2]), sys.argv[3]
    rules = [rule for group in yaml.safe_load((root / "alerts/zmq.rules.yml").read_text(encoding="utf-8"))["groups"]
             for rule in group["rules"] if "alert" in rule]
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((root / "dashboards").glob("*.json"))}
    boards = {name: json.loads(text) for name, text in texts.items()}
    uids = {dashboard["uid"] for dashboard in boards.values()}
    found, n = list(differing(root)), 0
    for name, dashboard in boards.items():
        wrong = list(wrong_in_frame(dashboard, rules))
        wrong += wrong_in_links(texts[name], uids, {rule["alert"] for rule in rules})
        expressions = []
        for panel in panels_of(dashboard):
            n += panel["type"] != "row"
            wrong += [f"{panel.get('title')}: {text}" for text in wrong_in_panel(panel, known)]
            expressions += [t["expr"] for t in panel.get("targets", [])]
        found += [f"{name}: {text}" for text in wrong + wrong_syntax(expressions, promtool)]
    print("\n".join(found) or f"{len(boards)} dashboards, {n} panels")
    return 1 if found or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
