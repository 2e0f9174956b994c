/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The live page: asks /api/v1/sockets every two seconds and draws what it says.
 *
 * Numbers are those of the metrics page. A row of the table of sockets is a group; a click on it
 * asks for its single sockets as well.
 */
import { detailRow, drawLibraries, drawLimits, drawProbes } from "./lists.js";
import { missing } from "./missing.js";
import { forgetOthers, recently, rowOf, worst } from "./rows.js";
import { DASH, FULL, NEAR, cell, count, element, known, level, numberCell, percent, rateText, since, visible } from "./words.js";

const INTERVAL_MS = 2000;
const MAX_ROWS = 500;
const MAX_PROBLEMS = 12;

let sort = { key: null, isDescending: true };
let last = null;
const details = new Map(); // key of a row that is open: its single sockets, null while awaited

const find = (selector) => document.querySelector(selector);

function queueCell(row, depth, hwm, ratio, age) {
    const made = cell(row);
    if (!known(depth)) {
        made.append(element("div", null, "fill unknown"));
        made.firstChild.append(element("span", DASH));
        return;
    }
    const box = element("div", null, `fill ${known(ratio) ? level(ratio) : ""}`);
    const track = element("div");
    const bar = element("i");
    bar.style.width = `${Math.min(1, ratio || 0) * 100}%`;
    track.append(bar);
    box.append(element("span", count(depth)), track,
        element("small", known(ratio) ? percent(ratio) : hwm === 0 ? "no limit" : ""));
    box.title = hwm === 0 ? `${count(depth)} messages, no high water mark`
        : `${count(depth)} messages over all peers; the high water mark is ${known(hwm) ? count(hwm) : "not known"} for each`;
    if (age > 0) box.title += `; the oldest has waited for ${since(age)}`;
    made.append(box);
}

function programCell(line, row) {
    const button = element("button", visible(row.program));
    button.setAttribute("aria-expanded", details.has(row.key));
    cell(line, null, "program").append(button);
    button.addEventListener("click", () => {
        if (!details.delete(row.key)) details.set(row.key, null);
        draw();
        askDetails();
    });
}

function socketRow(row) {
    const line = element("tr", null, row.sockets || row.isSilent ? "" : "closed");
    line.dataset.key = row.key;
    programCell(line, row);
    cell(line, row.type, "type");
    cell(line, visible(row.socket ? `${row.socket} (${row.address})` : row.address || "not bound or connected"), "address").title = visible(row.address);
    numberCell(line, row.peers, count);
    queueCell(line, row.sendQueue, row.sendHwm, row.sendFill, row.sendAge);
    queueCell(line, row.receiveQueue, row.receiveHwm, row.receiveFill, row.receiveAge);
    numberCell(line, row.sentRate, rateText);
    numberCell(line, row.receivedRate, rateText);
    numberCell(line, row.dropped, count, row.droppedRecent ? "bad" : "");
    numberCell(line, row.failures, count, row.failuresRecent ? "bad" : "");
    numberCell(line, row.disconnects, count, row.disconnectsRecent > 5 ? "warn" : "");
    return line;
}

function sorted(rows) {
    const value = (row) => (sort.key ? row[sort.key] : worst(row));
    const sign = sort.isDescending ? -1 : 1;
    return rows.slice().sort((a, b) => {
        const x = value(a), y = value(b);
        if (!known(x) || !known(y)) return known(y) - known(x);
        if (x !== y) return (x < y ? -1 : 1) * sign;
        return a.key < b.key ? -1 : 1;
    });
}

/* Whether somebody is selecting text in it: it is not drawn anew then. */
function isSelected(place) {
    const selection = getSelection();
    return !selection.isCollapsed && place.contains(selection.anchorNode);
}

function drawSockets(rows) {
    if (isSelected(find("#sockets tbody"))) return;
    const words = find("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const isWanted = (row) => (row.sockets > 0 || row.isSilent || find("#closed").checked) &&
        words.every((word) => `${row.program} ${row.type} ${row.address} ${row.socket || ""}`.toLowerCase().includes(word));
    const wanted = sorted(rows.filter(isWanted));
    const columns = document.querySelectorAll("#sockets thead th").length;
    const focused = document.activeElement.closest("tr[data-key]");
    find("#sockets tbody").replaceChildren(...wanted.slice(0, MAX_ROWS).flatMap((row) => (details.has(row.key)
        ? [socketRow(row), detailRow(details.get(row.key), columns, last.answer.time)] : [socketRow(row)])));
    /* The rows are new; whoever was on a row's button by keyboard stays there. */
    if (focused) find(`tr[data-key="${CSS.escape(focused.dataset.key)}"] button`)?.focus();
    find("#sockets .scroll").hidden = wanted.length === 0;
    const empty = find("#sockets .empty");
    empty.hidden = wanted.length > 0 && wanted.length <= MAX_ROWS;
    empty.textContent = wanted.length > MAX_ROWS ? `${count(wanted.length - MAX_ROWS)} more; filter to see them.`
        : rows.length ? "No socket fits the filter."
        : "No tapped program yet. Start one with: zmq_exporter run -- PROGRAM";
}

/* A problem in words, with where it is and what to do about it. */
function problemItem(problem) {
    const item = element("li", null, problem.severity === "critical" ? "bad" : "warn");
    const title = element("b", visible(problem.program));
    title.append(element("span", `${problem.type} ${visible(problem.address)}`), element("span", `pid ${problem.pid}`, "pid"));
    const words = element("div", visible(problem.text));
    const link = element("a", "what to do");
    const query = new URLSearchParams({ program: problem.program, type: problem.type, address: problem.address });
    link.href = `runbooks/${problem.runbook}?${query}`;
    words.append(" ", link);
    item.append(title, words);
    return item;
}

/* Programs that were given the tap, or could be, and are not on the page. */
function missingItem({ program, where, text }) {
    const item = element("li", null, "warn unheard");
    const title = element("b", visible(program));
    title.append(element("span", where));
    item.append(title, element("div", text));
    return item;
}

/* Selected text stays: nothing is drawn anew that says the same. */
function drawProblems(list, isComplete, unheard) {
    const place = find("#problems");
    const key = JSON.stringify([unheard, list.map((p) => [p.kind, p.severity, p.program, p.pid, p.address, p.text])]);
    if (place.dataset.key === key) return;
    place.dataset.key = key;
    place.dataset.n = list.length;
    find("#problems h2").textContent = list.length === 0 ? "No problem is seen"
        : list.length === 1 ? "1 problem" : `${isComplete ? "" : "more than "}${count(list.length)} problems`;
    find("#problems ul").replaceChildren(...list.slice(0, MAX_PROBLEMS).map(problemItem),
        ...unheard.slice(0, MAX_PROBLEMS).map(missingItem));
    find("#problems .empty").hidden = list.length <= MAX_PROBLEMS;
    find("#problems .empty").textContent = `${count(list.length - MAX_PROBLEMS)} more are not shown; api/v1/problems has them.`;
}

function tile(name, value, note, kind) {
    const made = element("div", null, `tile ${kind || ""}`);
    made.append(element("span", name), element("b", value), element("small", note));
    return made;
}

/* All ZeroMQ programs of the host, where the exporter looks at those without a tap, too. */
function programsTile(answer, processes, nOpen) {
    const seen = answer.exporter.map((one) => one.values.zmq_exporter_processes).find(Array.isArray);
    if (!seen) return tile("Tapped processes", count(processes), `${count(nOpen)} open sockets`);
    const by = (who) => seen.filter((one) => one.seen_by === who).reduce((n, one) => n + one.value, 0);
    const none = by("none");
    const reasons = seen.filter((one) => one.seen_by === "none").map((one) => one.reason.replaceAll("_", " "));
    return tile("Processes seen", count(processes),
        `${count(by("tap"))} by a tap, ${count(by("peek"))} from outside`
        + (none ? `; ${count(none)} not (${reasons.join(", ")})` : "") + `; ${count(nOpen)} open sockets`, none ? "warn" : "");
}

function drawTiles(answer, rows) {
    const open = rows.filter((row) => row.sockets > 0);
    const sum = (list, key) => list.reduce((n, row) => n + (row[key] || 0), 0);
    const has = (key) => rows.some((row) => known(row[key]));
    const near = open.filter((row) => Math.max(row.sendFill || 0, row.receiveFill || 0) >= NEAR);
    const full = near.filter((row) => Math.max(row.sendFill || 0, row.receiveFill || 0) >= FULL);
    const processes = answer.programs.reduce((n, s) => n + (s.values.zmq_processes || 0), 0);
    const versions = (least) => new Set(answer.libraries.filter((l) => l.values.zmq_library_releases_behind >= least)
        .map((l) => l.labels.version)).size;
    const old = versions(3), behind = versions(1);
    const lost = (title, key) => (has(key)
        ? tile(title, count(sum(rows, key)), `${count(sum(rows, `${key}Recent`))} ${recently(answer.time * 1000)}`, sum(rows, `${key}Recent`) ? "bad" : "good")
        : tile(title, "\u2013", "not measured"));
    find("#tiles").replaceChildren(
        programsTile(answer, processes, sum(open, "sockets")),
        tile("Peers", has("peers") ? count(sum(open, "peers")) : "\u2013", "handshake finished"),
        tile("Queues near HWM", count(near.length), `${count(full.length)} of them full`, full.length ? "bad" : near.length ? "warn" : "good"),
        lost("Dropped messages", "dropped"),
        lost("Handshake failures", "failures"),
        lost("Disconnects", "disconnects"),
        tile("Outdated libraries", count(old), behind > old ? `${count(behind - old)} a little behind` : "three or more releases old", old ? "warn" : "good"));
}

function draw() {
    if (!last) return;
    find("main").hidden = false;
    drawTiles(last.answer, last.rows);
    drawProblems(last.problems.problems, last.problems.is_complete, missing(last.answer.programs));
    drawSockets(last.rows);
    drawLimits(find("#limits"), last.answer.programs);
    drawProbes(find("#probes"), last.answer.probes);
    drawLibraries(find("#libraries"), last.answer.libraries);
}

function showState(state, text) {
    document.body.dataset.state = state;
    find("#state").textContent = text;
}

async function get(path) {
    const response = await fetch(path, { cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
}

async function askDetails() {
    for (const key of details.keys()) {
        const { program, type, address } = JSON.parse(key);
        const answer = await get(`api/v1/sockets/open?${new URLSearchParams({ program, type, address })}`);
        if (details.has(key)) details.set(key, answer);
    }
    if (details.size) draw();
}

async function refresh() {
    try {
        const [answer, problems] = await Promise.all([get("api/v1/sockets"), get("api/v1/problems")]);
        const now = answer.time * 1000;
        const silent = new Set(answer.programs.filter((s) => s.values.zmq_tap_silent_processes > 0)
            .map((s) => s.labels.program));
        last = { answer, problems, rows: answer.sockets.map((group) => rowOf(group, now, silent)) };
        forgetOthers(last.rows);
        draw();
        await askDetails();
        showState("live", `live, ${new Date(now).toLocaleTimeString()}`);
    } catch (error) {
        showState("lost", `no answer from the exporter (${error.message}); these are old numbers`);
    }
    setTimeout(refresh, INTERVAL_MS);
}

/* Filter and order are in the address, so that a link or a reload shows the same. */
function keepInAddress() {
    const query = new URLSearchParams();
    if (find("#filter").value) query.set("filter", find("#filter").value);
    if (sort.key) query.set("sort", (sort.isDescending ? "-" : "") + sort.key);
    if (find("#closed").checked) query.set("closed", "1");
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
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

function sortBy(key) {
    const isText = ["program", "type", "address"].includes(key);
    sort = { key, isDescending: sort.key === key ? !sort.isDescending : !isText };
    markSorted();
    keepInAddress();
    draw();
}

function changed() {
    keepInAddress();
    draw();
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
takeFromAddress();
refresh();
