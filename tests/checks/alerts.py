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


def wrong_in_rule(root, rule, names):
    name, annotations = rule.get("alert", "(a rule without a name)"), rule.get("annotations", {})
    if not ALERT_NAME.fullmatch(name):
        yield f"{name}: a name is ZeroMQ…, ZmqExporter… or ZmqTap…"
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"{name}: severity is one of {sorted(SEVERITIES)}"
    for key in ("summary", "description"):
        if not annotations.get(key, "").endswith("."):
            yield f"{name}: {key} is missing or no sentence"
    runbook = f"alerts/runbooks/{name}.md"
    if annotations.get("runbook_url") != runbook or not (root / runbook).is_file():
        yield f"{name}: no {runbook}, or runbook_url does not name it"
    for metric in sorted(families.named_in(rule["expr"]) - names):
        yield f"{name}: {metric} is not in the family table"
    if not families.named_in(rule["expr"]):
        yield f"{name}: names no metric of ours"


def main():
    root = pathlib.Path(sys.argv[1])
    names = families.series_names(families.read(sys.argv[2]))
    rules, cases = list(read_rules(root / "alerts")), list(read_cases(root / "alerts"))
    found = [text for rule in rules for text in wrong_in_rule(root, rule, names)]

    for rule in rules:
        name, severity = rule["alert"], rule["labels"]["severity"]
        if not any(alert == name and severity in fired for alert, fired in cases):
            found.append(f"{name}: no case in alerts/tests where it fires as {severity}")
        if not any(alert == name and not fired for alert, fired in cases):
            found.append(f"{name}: no case in alerts/tests where it does not fire")
    known = {rule["alert"] for rule in rules}
    for path in sorted((root / "alerts/runbooks").glob("*.md")):
        if path.stem not in known:
            found.append(f"alerts/runbooks/{path.name}: no such alert")

    print("\n".join(found) or f"{len(rules)} alerting rules, {len(cases)} cases")
    return 1 if found or not rules else 0


if __name__ == "__main__":
    sys.exit(main())
