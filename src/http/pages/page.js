/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The live page: asks /api/v1/sockets every two seconds and draws what it says.
 *
 * Numbers are those of the metrics page. A row of the table of sockets is a group; a click on it
 * asks for its single sockets as well.
 */
import { detailRow, drawLibraries, drawLimits, drawProbes } from "./lists.js";
import { missing } from "./missing.js";
import { forgetOthers, isBad, recently, rowOf, worst } from "./rows.js";
import { DASH, FULL, NEAR, cell, count, element, known, level, numberCell, percent, rateText, since } from "./words.js";

const INTERVAL_MS = 2000;
const MAX_ROWS = 500;

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
    const button = element("button", row.program);
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
    cell(line, row.socket ? `${row.socket} (${row.address})` : row.address || "not bound or connected", "address").title = row.address;
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

function drawSockets(rows) {
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

function attentionItem(kind, name, where, text) {
    const item = element("li", null, kind);
    const title = element("b", name);
    title.append(element("span", where));
    item.append(title, element("div", text));
    return item;
}

/* A program that runs and is not heard: what is not known of it comes before what is wrong. */
function silentItem({ labels, values }) {
    const n = values.zmq_tap_silent_processes;
    return attentionItem("bad", labels.program, `${count(n)} of ${count(values.zmq_processes)} processes`,
        `silent: ${n === 1 ? "it runs and its tap does" : "they run and their taps do"} not write (stopped, out of descriptors, or without the segment directory); queues and peers are not known, counters are the last that were written`);
}

function drawAttention(rows, programs) {
    const silent = programs.filter((program) => program.values.zmq_tap_silent_processes > 0);
    const found = rows.filter((row) => row.sockets > 0 && row.problems.length)
        .sort((a, b) => isBad(b) - isBad(a));
    const unheard = missing(programs);
    find("#attention").hidden = found.length + silent.length + unheard.length === 0;
    find("#attention ul").replaceChildren(...silent.slice(0, 12).map(silentItem),
        ...unheard.slice(0, 12).map(({ program, where, text }) => attentionItem("warn", program, where, text)),
        ...found.slice(0, 12).map((row) => attentionItem(isBad(row) ? "bad" : "warn", row.program,
            `${row.type} ${row.address}`, row.problems.map((problem) => problem.text).join("; "))));
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
    drawAttention(last.rows, last.answer.programs);
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
        const answer = await get("api/v1/sockets");
        const now = answer.time * 1000;
        const silent = new Set(answer.programs.filter((s) => s.values.zmq_tap_silent_processes > 0)
            .map((s) => s.labels.program));
        last = { answer, rows: answer.sockets.map((group) => rowOf(group, now, silent)) };
        forgetOthers(last.rows);
        draw();
        await askDetails();
        showState("live", `live, ${new Date(now).toLocaleTimeString()}`);
    } catch (error) {
        showState("lost", `no answer from the exporter (${error.message}); these are old numbers`);
    }
    setTimeout(refresh, INTERVAL_MS);
}

function sortBy(key) {
    const isText = ["program", "type", "address"].includes(key);
    sort = { key, isDescending: sort.key === key ? !sort.isDescending : !isText };
    for (const header of document.querySelectorAll("th[data-sort]"))
        header.removeAttribute("aria-sort");
    find(`th[data-sort="${key}"]`).setAttribute("aria-sort", sort.isDescending ? "descending" : "ascending");
    draw();
}

for (const header of document.querySelectorAll("th[data-sort]"))
    header.firstElementChild.addEventListener("click", () => sortBy(header.dataset.sort));
find("#filter").addEventListener("input", draw);
find("#closed").addEventListener("change", draw);
refresh();
