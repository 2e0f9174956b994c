# SPDX-License-Identifier: MPL-2.0
"""Checks alerts/: names, labels, runbooks, and that every alert is seen to fire and not to fire.

usage: alerts.py SOURCE_ROOT FAMILY_LIST
"""

import pathlib
import re
import sys

import yaml

import families

SEVERITIES = {"warning", "critical"}
ALERT_NAME = re.compile(r"(ZeroMQ|ZmqExporter|ZmqTap)[A-Z]\w+")


def read_rules(folder):
    for path in sorted(folder.glob("*.rules.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield rule


def read_cases(folder):
    """(alert, severities seen firing, is a case where nothing fires) of each test."""
    for path in sorted((folder / "tests").glob("*.yml")):
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for case in test.get("alert_rule_test", []):
                fired = {alert["exp_labels"]["severity"] for alert in case["exp_alerts"]}
                yield case["alertname"], fired


# The runbook of an exporter that is down is served by another one.
ORIGIN = '"zmq:exporter_origin:info{instance=%q}" $labels.instance'
OTHERS_ORIGIN = '"zmq:exporter_origin:info{job=%q} and on (job, instance) up == 1" $labels.job'


def runbook_url(name, labels):
    origin = OTHERS_ORIGIN if name == "ZmqExporterDown" else ORIGIN
    filled = "&".join(f"{label}={{{{ $labels.{label} | urlquery }}}}" for label in labels)
    return (f'{{{{ with printf {origin} | query }}}}{{{{ . | first | label "origin" }}}}'
            f"{{{{ else }}}}http://{{{{ $labels.instance }}}}{{{{ end }}}}/runbooks/{name}?{filled}")


def wrong_in_alert(root, rule, names):
    name, annotations = rule["alert"], rule.get("annotations", {})
    if not ALERT_NAME.fullmatch(name):
        yield f"{name}: a name is ZeroMQ…, ZmqExporter… or ZmqTap…"
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"{name}: severity is one of {sorted(SEVERITIES)}"
    for key in ("summary", "description"):
        if not annotations.get(key, "").replace("{{ end }}", "").endswith("."):
            yield f"{name}: {key} is missing or no sentence"
    url = annotations.get("runbook_url", "")
    if url != runbook_url(name, re.findall(r"[?&](\w+)=", url)) or "?instance=" not in url:
        yield f"{name}: runbook_url is not {runbook_url(name, ['instance', 'program'])}"
    if not (root / f"alerts/runbooks/{name}.md").is_file():
        yield f"{name}: no alerts/runbooks/{name}.md"
    numbers = set(re.findall(r"[<>]=?\s*((?=[\d.]*[1-9])[\d.]+)\b(?! \*)", rule["expr"]))
    if numbers - {"0.9", "1"}:  # as good as one second a second; more than one
        yield f"{name}: a limit that is not in the group zmq_thresholds"


def wrong_in_rule(root, rule, names):
    name = rule.get("alert") or rule["record"]
    known = names | {"zmq_alert_threshold"}
    if "alert" in rule:
        yield from wrong_in_alert(root, rule, names)
    for metric in sorted(families.named_in(re.sub(r"zmq:\w+:\w+", "", rule["expr"])) - known):
        yield f"{name}: {metric} is not in the family table"
    if name != "zmq_alert_threshold" and "zmq" not in rule["expr"]:
        yield f"{name}: names no metric of ours"


def wrong_in_thresholds(rules):
    """Every limit is there once, and is asked for."""
    made = [r["labels"]["name"] for r in rules if r.get("record") == "zmq_alert_threshold"]
    used = {name for r in rules for name in re.findall(r'zmq_alert_threshold\{name="(\w+)"\}', r["expr"])}
    for name in sorted(used ^ set(made)):
        yield f"zmq_alert_threshold: {name} is not made, or not used"
    for name in sorted({name for name in made if made.count(name) > 1}):
        yield f"zmq_alert_threshold: {name} is there twice"


def main():
    root = pathlib.Path(sys.argv[1])
    names = families.series_names(families.read(sys.argv[2]))
    rules, cases = list(read_rules(root / "alerts")), list(read_cases(root / "alerts"))
    found = [text for rule in rules for text in wrong_in_rule(root, rule, names)]

    found += wrong_in_thresholds(rules)

    alerts = [rule for rule in rules if "alert" in rule]
    for rule in alerts:
        name, severity = rule["alert"], rule["labels"]["severity"]
        if not any(alert == name and severity in fired for alert, fired in cases):
            found.append(f"{name}: no case in alerts/tests where it fires as {severity}")
        if not any(alert == name and not fired for alert, fired in cases):
            found.append(f"{name}: no case in alerts/tests where it does not fire")
    known = {rule["alert"] for rule in alerts}
    for path in sorted((root / "alerts/runbooks").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for part in ("**It says:**", "## Do", "## It may be wrong when", "## Silence"):
            if part not in text:
                found.append(f"alerts/runbooks/{path.name}: no {part}")
        if path.stem not in known:
            found.append(f"alerts/runbooks/{path.name}: no such alert")

    print("\n".join(found) or f"{len(alerts)} alerting rules, {len(cases)} cases")
    return 1 if found or not rules else 0


if __name__ == "__main__":
    sys.exit(main())
