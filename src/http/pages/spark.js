/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Ten minutes of history: asked of the exporter for the rows that are in sight, and drawn.
 *
 * A series has a point each five seconds; null is not known.
 */
import { known } from "./words.js";

export const POINTS = 120;
const NAMES = ["send_hwm_proximity_ratio", "receive_hwm_proximity_ratio", "send_queue_messages", "receive_queue_messages",
    "sent_messages_per_second", "received_messages_per_second", "dropped_messages_per_second"];
const SVG = "http://www.w3.org/2000/svg";

/* `rows` maps numbers to { last: tick of the last point, series: { name: POINTS values } }. */
export class History {
    rows = new Map();
    tick = 0;
    interval = 5;

    /* The address to ask for these rows: what is new of them. */
    address(ids) {
        const since = Math.min(...ids.map((id) => this.rows.get(id)?.last ?? 0));
        return `api/v1/history?rows=${ids.join(",")}${since ? `&since=${since}` : ""}`;
    }

    take(answer) {
        if (answer.tick < this.tick) this.rows.clear(); // another exporter
        this.tick = answer.tick;
        this.interval = answer.interval_seconds;
        for (const row of answer.rows) this.#merge(row);
    }

    #merge(row) {
        const mine = this.rows.get(row.id) || { last: 0, series: {} };
        const n = Math.max(0, ...NAMES.map((name) => row[name]?.length ?? 0));
        const last = n ? Math.max(mine.last, row.first + n - 1) : mine.last;
        for (const name of NAMES) {
            const before = mine.series[name] || new Array(POINTS).fill(null), now = row[name] || [];
            mine.series[name] = before.map((_, i) => {
                const tick = last - POINTS + 1 + i;
                return now[tick - row.first] ?? before[tick - mine.last + POINTS - 1] ?? null;
            });
        }
        mine.last = last;
        this.rows.set(row.id, mine);
    }

    /* Of a row, as of the last tick; null: nothing is known. */
    series(id, name) {
        const row = this.rows.get(id);
        if (!row) return null;
        const late = Math.min(POINTS, Math.max(0, this.tick - row.last));
        const values = [...row.series[name].slice(late), ...new Array(late).fill(null)];
        return values.some(known) ? values : null;
    }
}

export function svg(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
}

/* Each point the greatest, or the sum, of what is known there. */
export function combine(lists, how) {
    const found = lists.filter(Boolean);
    if (!found.length) return null;
    return found[0].map((_, i) => {
        const values = found.map((list) => list[i]).filter(known);
        return values.length ? values.reduce((a, b) => (how === "sum" ? a + b : Math.max(a, b))) : null;
    });
}

export const greatest = (values) => Math.max(0, ...(values || []).filter(known));

/* Points as runs of those that are known, in a box of `width` by `height`. */
function runs(values, most, width, height) {
    const found = [];
    values.forEach((value, i) => {
        if (!known(value)) return;
        const point = [width * i / (values.length - 1), height - (most > 0 ? Math.min(1, value / most) : 0) * (height - 2) - 1];
        if (i > 0 && known(values[i - 1]) && found.length) found[found.length - 1].push(point);
        else found.push([point]);
    });
    return found;
}

const text = (points) => points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");

export function linePath(values, most, width, height) {
    return runs(values, most, width, height).map((run) => `M${text(run)}${run.length === 1 ? "h.8" : ""}`).join("");
}

export function areaPath(values, most, width, height) {
    return runs(values, most, width, height).map((run) =>
        `M${run[0][0].toFixed(1)} ${height}L${text(run)}${run.length === 1 ? "h.8" : ""}V${height}Z`).join("");
}

/* What a sparkline shows of a row: fill as an area, messages a second as a line, drops as marks. */
export function sparkOf(history, id) {
    const series = (name) => history.series(id, name);
    const fill = combine([series(NAMES[0]), series(NAMES[1])], "most");
    return {
        area: fill || combine([series(NAMES[2]), series(NAMES[3])], "most"),
        isRatio: fill !== null,
        line: combine([series(NAMES[4]), series(NAMES[5])], "sum"),
        drops: series(NAMES[6]),
    };
}

const WIDTH = 120, HEIGHT = 26;

/* An <svg> and what draws into it; nothing is touched that is the same as before. */
export function makeSpark() {
    const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "spark", role: "img" });
    const parts = { area: svg("path", { class: "area" }), line: svg("path", { class: "line" }), drops: svg("path", { class: "drops" }) };
    root.append(parts.area, parts.line, parts.drops);
    const set = (node, name, value) => { if (node.getAttribute(name) !== value) node.setAttribute(name, value); };
    return {
        root,
        draw({ area, isRatio, line, drops }, label) {
            const full = isRatio ? greatest(area) : 0;
            set(parts.area, "d", area ? areaPath(area, isRatio ? 1 : greatest(area), WIDTH, HEIGHT) : "");
            set(parts.area, "class", `area ${full >= .95 ? "bad" : full >= .8 ? "warn" : ""}`);
            set(parts.line, "d", line ? linePath(line, greatest(line), WIDTH, HEIGHT) : "");
            set(parts.drops, "d", (drops || []).map((n, i) => (n > 0 ? `M${(WIDTH * i / (POINTS - 1)).toFixed(1)} ${HEIGHT}v-5` : "")).join(""));
            set(root, "aria-label", label);
        },
    };
}
