/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the exporter has told: /api/v1/live gives everything once and then what changed.
 *
 * A section maps numbers of rows to { id, labels, values }.
 */
const SECTIONS = ["sockets", "programs", "libraries", "probes", "exporter"];

let revision = null;

export const sections = Object.fromEntries(SECTIONS.map((name) => [name, new Map()]));

export const liveAddress = () => `api/v1/live${revision ? `?since=${encodeURIComponent(revision)}` : ""}`;

/* Takes an answer in; returns { section: Set of the rows that changed or are gone }. */
export function take(answer) {
    const changed = {};
    for (const name of SECTIONS) {
        const rows = sections[name];
        const ids = changed[name] = new Set();
        if (answer.is_whole) {
            for (const id of rows.keys()) ids.add(id);
            rows.clear();
        }
        for (const id of answer.gone) if (rows.delete(id)) ids.add(id);
        for (const { id, labels, values } of answer[name]) {
            rows.set(id, { id, labels: labels || rows.get(id).labels, values });
            ids.add(id);
        }
    }
    revision = answer.revision;
    return changed;
}
