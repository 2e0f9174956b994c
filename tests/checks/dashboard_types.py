# SPDX-License-Identifier: MPL-2.0
"""Checks dashboards/ by the types of Grafana's own package @grafana/schema, with TypeScript. By hand,
as both come from npm: tests/README.md has the command.

Each dashboard, each panel and each of its options becomes a constant of its type, so that a field
that is missing, unknown, or of another type or value is an error of the compiler.

usage: dashboard_types.py SOURCE_ROOT FOLDER_WITH_NODE_MODULES
"""

import json
import pathlib
import subprocess
import sys

PANELS = {"timeseries": "timeseries", "stat": "stat", "table": "table", "heatmap": "heatmap",
          "state-timeline": "statetimeline"}
HEAD = """
import type { Dashboard, Panel, RowPanel, FieldConfig, AnnotationQuery } from '@grafana/schema';
// What stands in JSON for a value of an enum.
type Json<T> = unknown extends T ? T : T extends string ? `${T}` : T extends number | boolean | null | undefined ? T
    : T extends (infer U)[] ? Json<U>[] : { [K in keyof T]: Json<T[K]> };
// As the data source of Prometheus keeps an annotation.
type Note = Omit<Json<AnnotationQuery>, 'target'> & { expr?: string; step?: string; titleFormat?: string;
    textFormat?: string; tagKeys?: string; useValueForTime?: boolean;
    target?: { refId: string; expr: string; interval: string; legendFormat: string } };
type Frame = Omit<Json<Dashboard>, 'panels' | 'annotations'> & { annotations: { list: Note[] } };
type Of<Type, Options, Custom> = Omit<Json<Panel>, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
    type: Type; options: Json<Options>; targets: Target[];
    fieldConfig: { defaults: Omit<Json<FieldConfig>, 'custom'> & { custom?: Json<Partial<Custom>> };
                   overrides: { matcher: { id: string; options: string }; properties: { id: string; value: unknown }[] }[] } };
type Target = { refId: string; datasource: { type: string; uid: string }; editorMode: 'code'; expr: string;
    legendFormat: string; range: boolean; instant: boolean; format?: 'time_series' | 'table' | 'heatmap' };
"""


def typescript(boards):
    yield HEAD
    for kind, folder in PANELS.items():
        name, path = folder.capitalize(), f"./node_modules/@grafana/schema/dist/types/raw/composable/{folder}/panelcfg/x/types.gen"
        custom = "{}" if kind == "stat" else f"{name}.FieldConfig"
        yield f"import type * as {name} from '{path}';\ntype {name}Panel = Of<'{kind}', {name}.Options, {custom}>;"
    n = 0
    for board in boards:
        for panel in board.pop("panels"):
            inner = panel.get("panels", [])
            if panel["type"] == "row":
                n += 1
                yield f"export const row{n}: Json<RowPanel> = {json.dumps({**panel, 'panels': []})};"
            for one in inner if panel["type"] == "row" else [panel]:
                n += 1
                yield f"export const panel{n}: {PANELS[one['type']].capitalize()}Panel = {json.dumps(one)};"
        n += 1
        yield f"export const board{n}: Frame = {json.dumps(board)};"


def main():
    root, folder = map(pathlib.Path, sys.argv[1:])
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / "dashboards").glob("*.json"))]
    lines = list(typescript(boards))
    (folder / "dashboards.ts").write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(["node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "esnext",
                           "--moduleResolution", "bundler", "dashboards.ts"], cwd=folder, check=False)
    print(f"{len(boards)} dashboards, {sum('export const' in line for line in lines)} parts: "
          f"{'as in the schema' if done.returncode == 0 else 'not as in the schema'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
