/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The live page: asks /api/v1/live what changed, and draws that.
 *
 * Numbers are those of the metrics page. A row of the table of sockets is a group; a click on it
 * asks for its single sockets as well, and each has a page of its own (socket.js).
 */
import { drawLibraries, drawLimits, drawProbes } from "./lists.js";
import { missing } from "./missing.js";
import { takeViolations } from "./policy.js";
import { drawProblems } from "./problems.js";
import { compute, isMoving, noteAnswer, recently } from "./rows.js";
import { History } from "./spark.js";
import { liveAddress, sections, take } from "./store.js";
import { details, drawRows, drawSparks, forget, markStale, rowsInSight, whenToggled } from "./table.js";
import { FULL, NEAR, count, element, get, known, showState, until } from "./words.js";

/* It asks as often as takes it a twentieth of the time: twice a second where that is quick. */
const SHORTEST_MS = 500, LONGEST_MS = 2000, SHARE = 20;
const DETAILS_MS = 2000;

const find = (selector) => document.querySelector(selector);
const rows = new Map();   // id: row
const moving = new Set(); // ids of rows of which a rate may be another though they do not change
const history = new History();

let sort = { key: null, isDescending: true };
let last = null; // the last answer
let silent = new Set();

function sorted(list) {
    const sign = sort.isDescending ? -1 : 1;
    const byName = (a, b) => (a.key < b.key ? -1 : 1);
    if (!sort.key) return list.sort((a, b) => b.rank - a.rank || byName(a, b));
    return list.sort((a, b) => {
        const x = a[sort.key], y = b[sort.key];
        if (!known(x) || !known(y)) return known(y) - known(x) || byName(a, b);
        if (x !== y) return (x < y ? -1 : 1) * sign;
        return byName(a, b);
    });
}

/* `changed`: rows whose numbers are new; null: all. */
function drawSockets(changed) {
    const words = find("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const withClosed = find("#closed").checked;
    const isWanted = (row) => (row.sockets > 0 || row.isSilent || withClosed) &&
        words.every((word) => `${row.program} ${row.type} ${row.address} ${row.socket || ""}`.toLowerCase().includes(word));
    const wanted = [], others = [];
    for (const row of rows.values()) (isWanted(row) ? wanted : others).push(row);
    const more = drawRows(sorted(wanted), changed, last.time);
    markStale(changed ? others.filter((row) => changed.has(row)) : others);
    find("#sockets .scroll").hidden = wanted.length === 0;
    const empty = find("#sockets .empty");
    empty.hidden = wanted.length > 0 && more === 0;
    empty.textContent = more > 0 ? `${count(more)} more; filter to see them.`
        : rows.size ? "No socket fits the filter."
        : "No tapped program yet. Start one with: zmq_exporter run -- PROGRAM";
}

const tiles = new Map(); // title: its nodes

function tile(name, value, note, kind) {
    if (!tiles.has(name)) {
        const box = element("div"), number = element("b"), small = element("small");
        box.append(element("span", name), number, small);
        tiles.set(name, { box, number, small });
    }
    const { box, number, small } = tiles.get(name);
    if (number.textContent !== value) number.textContent = value;
    if (small.textContent !== note) small.textContent = note;
    if (box.className !== `tile ${kind || ""}`) box.className = `tile ${kind || ""}`;
    return box;
}

/* All ZeroMQ programs of the host, where the exporter looks at those without a tap, too. */
function programsTile(processes, nOpen) {
    const seen = [...sections.exporter.values()].map((one) => one.values.zmq_exporter_processes).find(Array.isArray);
    if (!seen) return tile("Tapped processes", count(processes), `${count(nOpen)} open sockets`);
    const by = (who) => seen.filter((one) => one.seen_by === who).reduce((n, one) => n + one.value, 0);
    const none = by("none");
    const reasons = seen.filter((one) => one.seen_by === "none").map((one) => one.reason.replaceAll("_", " "));
    return tile("Processes seen", count(processes),
        `${count(by("tap"))} by a tap, ${count(by("peek"))} from outside`
        + (none ? `; ${count(none)} not (${reasons.join(", ")})` : "") + `; ${count(nOpen)} open sockets`, none ? "warn" : "");
}

function drawTiles() {
    const all = [...rows.values()], open = all.filter((row) => row.sockets > 0);
    const sum = (list, key) => list.reduce((n, row) => n + (row[key] || 0), 0);
    const has = (key) => all.some((row) => known(row[key]));
    const near = open.filter((row) => Math.max(row.sendFill || 0, row.receiveFill || 0) >= NEAR);
    const full = near.filter((row) => Math.max(row.sendFill || 0, row.receiveFill || 0) >= FULL);
    const processes = [...sections.programs.values()].reduce((n, s) => n + (s.values.zmq_processes || 0), 0);
    const versions = (least) => new Set([...sections.libraries.values()].filter((l) => l.values.zmq_library_releases_behind >= least)
        .map((l) => l.labels.version)).size;
    const old = versions(3), behind = versions(1);
    const lost = (title, key) => (has(key)
        ? tile(title, count(sum(all, key)), `${count(sum(all, `${key}Recent`))} ${recently(last.time * 1000)}`, sum(all, `${key}Recent`) ? "bad" : "good")
        : tile(title, "\u2013", "not measured"));
    const shown = [
        programsTile(processes, sum(open, "sockets")),
        tile("Peers", has("peers") ? count(sum(open, "peers")) : "\u2013", "handshake finished"),
        tile("Queues near HWM", count(near.length), `${count(full.length)} of them full`, full.length ? "bad" : near.length ? "warn" : "good"),
        lost("Dropped messages", "dropped"),
        lost("Handshake failures", "failures"),
        lost("Disconnects", "disconnects"),
        tile("Outdated libraries", count(old), behind > old ? `${count(behind - old)} a little behind` : "three or more releases old", old ? "warn" : "good")];
    const place = find("#tiles");
    if (shown.length !== place.children.length || shown.some((box, i) => place.children[i] !== box)) place.replaceChildren(...shown);
}

/* Brings the rows up to date; returns those whose numbers are new. */
function computeRows(ids) {
    const now = last.time * 1000, changed = new Set();
    for (const id of ids) {
        if (sections.sockets.has(id)) continue;
        rows.delete(id);
        moving.delete(id);
        history.rows.delete(id);
        forget(id);
    }
    const names = [...sections.programs.values()].filter((s) => s.values.zmq_tap_silent_processes > 0).map((s) => s.labels.program);
    const isOther = names.length !== silent.size || names.some((name) => !silent.has(name));
    if (isOther) silent = new Set(names);
    for (const id of isOther ? sections.sockets.keys() : new Set([...ids, ...moving])) {
        const group = sections.sockets.get(id);
        if (!group) continue;
        const row = compute(rows.get(id) || {}, group, now, silent);
        rows.set(id, row);
        changed.add(row);
        if (isMoving(row, now)) moving.add(id);
        else moving.delete(id);
    }
    return changed;
}

/* Exported for the benchmark. */
export function draw(answer) {
    const changed = take(answer);
    last = answer;
    noteAnswer(answer.time * 1000);
    const isFirst = find("main").hidden;
    find("main").hidden = false;
    const programs = [...sections.programs.values()];
    if (changed.programs.size) takeViolations(programs);
    const moved = computeRows(changed.sockets);
    if (isFirst || moved.size || changed.programs.size || changed.libraries.size || changed.sockets.size) drawTiles();
    drawProblems(answer.problems, answer.is_complete, missing(programs));
    if (isFirst || changed.programs.size) drawSockets(null);
    else if (moved.size || changed.sockets.size) drawSockets(moved);
    if (changed.programs.size) drawLimits(find("#limits"), programs);
    if (changed.probes.size) drawProbes(find("#probes"), [...sections.probes.values()]);
    if (changed.libraries.size || answer.is_whole) drawLibraries(find("#libraries"), [...sections.libraries.values()]);
}

async function askDetails() {
    for (const id of details.keys()) {
        const { program, type, address } = sections.sockets.get(id)?.labels || {};
        const answer = await get(`api/v1/sockets/open?${new URLSearchParams({ program, type, address })}`);
        if (details.has(id)) details.set(id, answer);
    }
    if (details.size) drawSockets(new Set());
}

let historyAsked = -1e9, detailsAsked = 0;

async function askHistory(now) {
    const ids = rowsInSight();
    const unseen = ids.some((id) => !history.rows.has(id));
    const isTime = now - historyAsked >= (unseen ? 1000 : history.interval * 1000);
    if (ids.length && isTime) {
        historyAsked = now;
        history.take(await get(history.address(ids)));
    }
    drawSparks(history, ids);
}

async function refresh() {
    const began = performance.now();
    try {
        draw(await get(liveAddress()));
        if (details.size && began - detailsAsked >= DETAILS_MS) {
            detailsAsked = began;
            await askDetails();
        }
        await askHistory(began);
        showState("live", `live, ${new Date(last.time * 1000).toLocaleTimeString()}`);
    } catch (error) {
        showState("lost", `no answer from the exporter (${error.message}); these are old numbers`);
    }
    await until(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, SHARE * (performance.now() - began))));
    refresh();
}

/* Filter and order are in the address, so that a link or a reload shows the same. */
function keepInAddress() {
    const query = new URLSearchParams();
    if (find("#filter").value) query.set("filter", find("#filter").value);
    if (sort.key) query.set("sort", (sort.isDescending ? "-" : "") + sort.key);
    if (find("#closed").checked) query.set("closed", "1");
    window.history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

function markSorted() {
    for (const header of document.querySelectorAll("th[data-sort]")) header.removeAttribute("aria-sort");
    if (sort.key) find(`th[data-sort="${CSS.escape(sort.key)}"]`)?.setAttribute("aria-sort", sort.isDescending ? "descending" : "ascending");
}

function takeFromAddress() {
    const query = new URLSearchParams(location.search);
    const wanted = query.get("sort") || "";
    const key = wanted.replace(/^-/, "");
    find("#filter").value = query.get("filter") || "";
    find("#closed").checked = query.has("closed");
    if (find(`th[data-sort="${CSS.escape(key)}"]`)) sort = { key, isDescending: wanted.startsWith("-") };
    markSorted();
}

function changed() {
    keepInAddress();
    if (last) drawSockets(new Set());
}

function sortBy(key) {
    const isText = ["program", "type", "address"].includes(key);
    sort = { key, isDescending: sort.key === key ? !sort.isDescending : !isText };
    markSorted();
    changed();
}

for (const header of document.querySelectorAll("th[data-sort]"))
    header.firstElementChild.addEventListener("click", () => sortBy(header.dataset.sort));
find("#filter").addEventListener("input", changed);
find("#closed").addEventListener("change", changed);
document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
    event.preventDefault();
    find("#filter").focus();
});
whenToggled(() => {
    if (last) drawSockets(new Set());
    askDetails();
});
takeFromAddress();
refresh();
