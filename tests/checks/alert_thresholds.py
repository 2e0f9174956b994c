# SPDX-License-Identifier: MPL-2.0
"""Changes every number of alerts/ a little, one at a time: the cases of alerts/tests notice each.

A threshold by a tenth, up and down; a window and a `for` by half and by double. So there are cases
just below and just above each. By hand: it takes minutes.

usage: alert_thresholds.py SOURCE_ROOT PROMTOOL
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

TOKEN = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|[A-Za-z_][\w:]*|\d+(?:\.\d+)?')
DURATION = re.compile(r"(\d+)(s|m|h|d)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def other_durations(text):
    n, unit = DURATION.fullmatch(text).groups()
    seconds = int(n) * SECONDS[unit]
    return [f"{seconds // 2}s", f"{seconds * 2}s"]


def other_numbers(text):
    value = float(text)
    return [] if value == 0 else [f"{value * 0.9:g}", f"{value * 1.1:g}"]


def changes_of_expression(expression):
    """(what is changed, the expression with it)"""
    for token in TOKEN.finditer(expression):
        text = token.group()
        if text[0] == "[":  # a window, and the step of a subquery, which is none
            window = text[1:-1].split(":")[0]
            news = [text.replace(window, other, 1) for other in other_durations(window)]
        elif text[0].isdigit():
            news = other_numbers(text)
        else:
            continue
        for new in news:
            yield f"{text} -> {new}", expression[:token.start()] + new + expression[token.end():]


def changes(rules):
    """(name of the alert, what is changed, all rules with it)"""
    for group in rules["groups"]:
        for rule in group["rules"]:
            expression, hold = str(rule["expr"]), rule.get("for")
            name = rule.get("alert") or rule.get("labels", {}).get("name") or rule["record"]
            for what, rule["expr"] in changes_of_expression(expression):
                yield name, what, yaml.safe_dump(rules)
            rule["expr"] = expression
            for rule["for"] in other_durations(hold) if hold else []:
                yield name, f"for: {hold} -> {rule['for']}", yaml.safe_dump(rules)
            if hold:
                rule["for"] = hold


def is_noticed(promtool, tests, name, text):
    """By the files of cases that have the alert; those of thresholds, which are quick, first."""
    with tempfile.TemporaryDirectory(prefix="zt-") as folder:
        root = pathlib.Path(folder)
        (root / "tests").mkdir()
        (root / "zmq.rules.yml").write_text(text, encoding="utf-8")
        for path, cases in sorted(tests.items(), key=lambda item: "_thresholds_" not in item[0].name):
            is_alert = name[0] == "Z"
            if is_alert and f'"{name}' not in cases.replace("alertname: ", 'alertname: "').replace('\\"', '"'):
                continue
            place = root / "tests" / path.name
            place.write_text(cases, encoding="utf-8")
            if subprocess.run([promtool, "test", "rules", place], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
                return True
        return False


def main():
    alerts, promtool = pathlib.Path(sys.argv[1]) / "alerts", sys.argv[2]
    text = (alerts / "zmq.rules.yml").read_text(encoding="utf-8")
    tests = {path: path.read_text(encoding="utf-8") for path in sorted((alerts / "tests").glob("*.yml"))}
    found = list(changes(yaml.safe_load(text)))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        noticed = list(pool.map(lambda one: is_noticed(promtool, tests, one[0], one[2]), found))
    missed = [f"{name}: {what} is not noticed by alerts/tests"
              for (name, what, _), is_seen in zip(found, noticed) if not is_seen]
    print("\n".join(missed) or f"{len(found)} changes, all noticed")
    return 1 if missed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
