# SPDX-License-Identifier: MPL-2.0
"""What dashboards are made of: variables, links, annotations, and panels laid out in rows.

Form: Grafana's dashboard JSON, schema 42, as in its package @grafana/schema.

In an expression `{@}` stands for the matchers of the dashboard's own variables, `{@host}` for those
of job and instance alone; both take more matchers behind a comma: `zmq_x{@,reason="hwm"}`.
`LIMIT(name)` is the number of that name in the alerts' group zmq_thresholds.
"""

import pathlib
import re

SCHEMA = 42
PLUGINS = "13.2.2"  # version of the panels whose options these are
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RULES = pathlib.Path(__file__).parents[2] / "alerts/zmq.rules.yml"
TAG = "zeromq"

HOST = ("job", "instance")
PROGRAM = HOST + ("program",)
SOCKET = PROGRAM + ("type", "address")
LIBRARY = PROGRAM + ("version", "path")
PROBE = HOST + ("probe", "address")

GREEN, ORANGE, RED, PLAIN = "green", "orange", "red", "text"
COLORED_TEXT = {"custom.cellOptions": {"type": "color-text"}}
SEVERITIES = [{"type": "value", "options": {
    name: {"color": color, "index": i} for i, (name, color) in enumerate(
        [("critical", "dark-red"), ("high", RED), ("medium", ORANGE), ("warning", ORANGE),
         ("low", "yellow")])}}]
# What is written differently for one endpoint is called alike: tcp://*:5556 and tcp://feed:5556.
LINK_PREFIX = "(?:(?:tcp|wss?|udp|e?pgm|norm)://.*:)?"
LINK_OF = LINK_PREFIX + "(.+)"


def LIMIT(name):
    found = re.search(rf'name: {name}\}}, expr: "([\d.]+)"', RULES.read_text(encoding="utf-8"))
    return float(found.group(1))


def by(labels):
    return f"by ({', '.join(labels)})"


def steps(*colors_and_values):
    """steps(GREEN, 0.8, ORANGE, 0.95, RED): the first colour, then from each value on the next."""
    colors, values = colors_and_values[::2], (None,) + colors_and_values[1::2]
    return {"mode": "absolute", "steps": [{"color": c, "value": v} for c, v in zip(colors, values)]}


def legend_of(labels):
    return " ".join("{{%s}}" % label for label in labels if label != "job")


def query_string(source, labels):
    """Labels of a series or of a table's row, as parameters of an address."""
    return "&".join(f"{label}=${{{source}.{label}:percentencode}}" for label in labels)


def runbook(name, labels, in_table=False):
    source = "__data.fields" if in_table else "__field.labels"
    parameters = query_string(source, [label for label in labels if label != "job"])
    return {"title": f"Runbook: {name}", "targetBlank": True,
            "url": f"${{scheme}}://${{{source}.instance}}/runbooks/{name}?{parameters}"}


def jump(uid, title, labels, in_table=False):
    """To another dashboard, with the time, and with these labels as its variables."""
    source = "__data.fields" if in_table else "__field.labels"
    own = "&".join(f"var-{label}=${{{source}.{label}:percentencode}}" for label in labels)
    return {"title": title, "targetBlank": False,
            "url": f"/d/{uid}?${{datasource:queryparam}}&${{__url_time_range}}&{own}"}


def to_program(in_table=False):
    return jump("zeromq-program", "This program", PROGRAM, in_table)


def variable(name, query, label=None, all_value=".+", description="", **more):
    everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {"name": name, "label": label or name, "type": "query", "datasource": DATASOURCE,
            "description": description, "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1,
            "multi": True, "includeAll": True, "allValue": all_value, "current": everything,
            "hide": 0, "regex": "", "skipUrlSync": False, "options": [], **more}


def datasource_variable():
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
            "hide": 0, "refresh": 1, "regex": "", "options": [], "multi": False, "includeAll": False,
            "skipUrlSync": False}


def top_variable():
    sizes = ["10", "20", "50", "100"]
    options = [{"selected": size == "20", "text": size, "value": size} for size in sizes]
    return {"name": "top", "label": "At most", "type": "custom", "query": ",".join(sizes),
            "description": "How many rows or lines a panel has: the worst.",
            "current": options[1], "options": options, "multi": False, "includeAll": False,
            "hide": 0, "skipUrlSync": False}


def scheme_variable():
    """Of links to exporters: what the chosen ones serve, the first where they differ."""
    return variable("scheme", 'label_values(zmq_exporter_web_info{job=~"$job"}, scheme)', hide=2,
                    multi=False, includeAll=False, allValue="", current={"text": "http", "value": "http"},
                    description="What links to the exporters begin with: http or https.")


def host_variables(family):
    return [variable("job", f"label_values({family}, job)"),
            variable("instance", f'label_values({family}{{job=~"$job"}}, instance)')]


def program_variable():
    return variable("program", 'label_values(zmq_sockets{job=~"$job",instance=~"$instance"}, program)',
                    all_value=".*")


class Board:
    def __init__(self, uid, title, description, variables, matchers):
        """`matchers`: what `{@}` has besides job and instance."""
        self.host = 'job=~"$job",instance=~"$instance"'
        self.all = ",".join([self.host, *matchers])
        self.json = {
            "uid": uid, "title": title, "description": description, "tags": [TAG, "zmq_exporter"],
            "editable": False, "graphTooltip": 1, "refresh": "30s", "schemaVersion": SCHEMA,
            "time": {"from": "now-1h", "to": "now"}, "timezone": "browser", "version": 1,
            "links": [self._links_to_others()],
            "annotations": {"list": [self._built_in(), *self._alerts(matchers)]},
            "templating": {"list": [datasource_variable(), *variables, top_variable(), scheme_variable()]},
            "panels": [],
        }
        self._x = self._y = self._height = self._id = 0
        self._collapsed = None

    @staticmethod
    def _links_to_others():
        return {"type": "dashboards", "title": "ZeroMQ", "tags": [TAG], "asDropdown": False,
                "icon": "external link", "includeVars": True, "keepTime": True,
                "targetBlank": False, "tooltip": "The same hosts and time on another dashboard", "url": ""}

    @staticmethod
    def _built_in():
        return {"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True,
                "hide": True, "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts",
                "type": "dashboard"}

    def _alerts(self, matchers):
        own = [m for m in matchers if m.startswith(("program", "probe"))]
        for severity, color in (("critical", RED), ("warning", ORANGE)):
            matching = ",".join([f'severity="{severity}"', self.host, *own])
            expression = f'ALERTS{{alertstate="firing",alertname=~"ZeroMQ.+|Zmq.+",{matching}}}'
            yield {"name": f"Alerts: {severity}", "datasource": DATASOURCE, "enable": True, "hide": False,
                   "iconColor": color, "expr": expression, "step": "60s", "useValueForTime": False,
                   "titleFormat": "{{alertname}}", "tagKeys": "severity",
                   "textFormat": "{{program}}{{probe}} {{type}} {{address}} on {{instance}}",
                   "target": {"refId": "Alerts", "expr": expression, "interval": "60s",
                              "legendFormat": "{{alertname}}"}}

    def filled(self, expression):
        expression = re.sub(r"\{@host(?=[,}])", "{" + self.host, expression)
        return " ".join(re.sub(r"\{@(?=[,}])", lambda _: "{" + self.all, expression).split())

    # Layout: panels stand side by side until the width of 24 is used up.
    def row(self, title, collapsed=False, repeat=None):
        self._collapsed = None
        self._break_line()
        panel = {"id": self._next_id(), "type": "row", "title": title, "collapsed": collapsed,
                 "gridPos": {"h": 1, "w": 24, "x": 0, "y": self._y}, "panels": []}
        if repeat:
            panel["repeat"] = repeat
        self.json["panels"].append(panel)
        self._y += 1
        if collapsed:
            self._collapsed = panel["panels"]

    def _next_id(self):
        self._id += 1
        return self._id

    def _break_line(self):
        self._y += self._height
        self._x = self._height = 0

    def _place(self, width, height):
        if self._x + width > 24:
            self._break_line()
        place = {"h": height, "w": width, "x": self._x, "y": self._y}
        self._x += width
        self._height = max(self._height, height)
        return place

    def _panel(self, kind, title, description, targets, width, height, defaults, options, **more):
        panels = self.json["panels"] if self._collapsed is None else self._collapsed
        overrides = more.pop("overrides", [])
        panels.append({
            "id": self._next_id(), "type": kind, "title": title, "description": description,
            "pluginVersion": PLUGINS, "datasource": DATASOURCE, "gridPos": self._place(width, height),
            "targets": targets, "fieldConfig": {"defaults": defaults, "overrides": overrides},
            "options": options, **more})

    def _target(self, i, expression, legend="", **more):
        is_range = not more.get("instant", False)
        return {"refId": chr(ord("A") + i), "datasource": DATASOURCE, "editorMode": "code",
                "expr": self.filled(expression), "legendFormat": legend, "range": is_range,
                "instant": not is_range, **{k: v for k, v in more.items() if k != "instant"}}

    def stat(self, title, description, expression, thresholds=None, unit="short", width=4, url=None):
        """One number: of all hosts together, and so no grouping."""
        defaults = {"unit": unit, "noValue": "–", "color": {"mode": "thresholds"},
                    "thresholds": thresholds or steps(PLAIN)}
        if url:
            defaults["links"] = [url]
        self._panel("stat", title, description, [self._target(0, expression, instant=True)], width, 4, defaults,
                    {"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
                     "textMode": "auto", "wideLayout": True, "showPercentChange": False,
                     "percentChangeColorMode": "standard",
                     "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}})

    def lines(self, title, description, expressions, labels, unit="short", width=12, height=8, thresholds=None,
              alert=None, links=(), **defaults):
        """`expressions`: one, or pairs of one and what its legend has behind the labels."""
        if isinstance(expressions, str):
            expressions = [(expressions, "")]
        targets = [self._target(i, expression, " ".join(filter(None, [legend_of(labels), word])))
                   for i, (expression, word) in enumerate(expressions)]
        links = [*links, *([to_program()] if "program" in labels else []),
                 *([runbook(alert, labels)] if alert else [])]
        custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never",
                  "spanNulls": False, "thresholdsStyle": {"mode": "line" if thresholds else "off"}}
        self._panel("timeseries", title, description, targets, width, height,
                    {"unit": unit, "min": 0, "color": {"mode": "palette-classic"}, "custom": custom,
                     "thresholds": thresholds or steps(GREEN), "links": links, **defaults},
                    {"legend": {"displayMode": "table", "placement": "bottom", "showLegend": True,
                                "calcs": ["lastNotNull", "max"], "sortBy": "Last *", "sortDesc": True},
                     "tooltip": {"mode": "multi", "sort": "desc"}})

    def states(self, title, description, expression, labels, mappings, width=24, height=8, links=()):
        """One bar for each series, coloured by what it was when."""
        self._panel("state-timeline", title, description, [self._target(0, expression, legend_of(labels))],
                    width, height,
                    {"unit": "short", "color": {"mode": "thresholds"}, "thresholds": steps(GREEN),
                     "mappings": [{"type": "value", "options": {
                         value: {"text": text, "color": color, "index": i}
                         for i, (value, text, color) in enumerate(mappings)}}],
                     "custom": {"fillOpacity": 80, "lineWidth": 0}, "links": list(links)},
                    {"showValue": "never", "rowHeight": 0.9, "mergeValues": True, "alignValue": "left",
                     "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                     "tooltip": {"mode": "single", "sort": "none"}})

    def heatmap(self, title, description, bucket, width=12, height=8):
        """Of a histogram of ratios, for one host: it belongs into a row that is repeated for each."""
        expression = f"sum by (job, instance, le) (increase({bucket}[$__rate_interval]))"
        self._panel("heatmap", title, description,
                    [self._target(0, expression, "{{le}}", format="heatmap")], width, height,
                    {"unit": "percentunit", "custom": {"scaleDistribution": {"type": "linear"}}},
                    {"calculate": False, "cellGap": 1, "showValue": "never", "rowsFrame": {"layout": "le"},
                     "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "steps": 64,
                               "exponent": 0.5, "scale": "exponential", "reverse": False},
                     "yAxis": {"unit": "percentunit", "axisPlacement": "left", "reverse": False},
                     "filterValues": {"le": 1e-9}, "exemplars": {"color": "rgba(255,0,255,0.7)"},
                     "legend": {"show": True},
                     "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True}})

    def table(self, title, description, labels, columns, links=(), rank=None, sort=None, height=9, width=24,
              hide=(), without=()):
        """A row for each set of `labels`; columns: (name, expression, unit, thresholds or None), of which
        one without a name is there for the labels that it has besides.

        `rank`: rows are those where this is greatest, for as many as $top says. `sort`: what rows are
        sorted by, pairs of a column's name and whether the greatest is first; else the first column.
        `hide`: labels that links need and nobody else; `without`: labels that are left out.
        """
        targets, overrides, is_single = [], [], len(columns) == 1
        same = ", ".join(label for label in labels if label not in hide)
        for i, (name, expression, unit, thresholds) in enumerate(columns):
            if rank and expression != rank:
                expression = f"{expression} and on ({same}) topk($top, {rank})"
            elif rank:
                expression = f"topk($top, {rank})"
            targets.append(self._target(i, expression, instant=True, format="table"))
            field = "Value" if is_single else f"Value #{chr(ord('A') + i)}"
            if name:
                overrides.append(self._column(field, name, unit, thresholds))
            else:
                without = (*without, field)
        shown = [label for label in labels if label not in (*hide, "job")]
        overrides += [self._override(label, links=list(links)) for label in shown if links]
        overrides += [self._override(label,
                                     **{"custom.hideFrom": {"legend": True, "tooltip": True, "viz": True}})
                      for label in hide]
        if "severity" in labels:
            overrides.append(self._override("severity", mappings=SEVERITIES, **COLORED_TEXT))
        sort_by = [{"displayName": name, "desc": desc} for name, desc in sort or [(columns[0][0], True)]]
        self._panel("table", title, description, targets, width, height,
                    {"unit": "short", "noValue": "", "color": {"mode": "thresholds"},
                     "thresholds": steps(PLAIN),
                     "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False,
                                "filterable": True}},
                    {"showHeader": True, "cellHeight": "sm", "frameIndex": 0, "sortBy": sort_by},
                    overrides=overrides, transformations=[
                        *([] if is_single else [{"id": "merge", "options": {}}]),
                        {"id": "organize", "options": {
                            "excludeByName": {name: True for name in ["Time", *without]},
                            "indexByName": {**{label: i for i, label in enumerate(shown)}, "job": 99},
                            "renameByName": {}}}])

    def _column(self, field, name, unit, thresholds):
        colored = {"thresholds": thresholds, **COLORED_TEXT} if thresholds else {}
        return self._override(field, displayName=name, unit=unit, **colored)

    @staticmethod
    def _override(field, **properties):
        return {"matcher": {"id": "byName", "options": field},
                "properties": [{"id": name, "value": value} for name, value in properties.items()]}
