/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The live page: asks /api/v1/sockets every two seconds and draws what it says.
 *
 * Numbers are those of the metrics page. Rates are differences between answers over the last
 * WINDOW_MS. Text from programs (services, endpoints, paths) goes into the page as text only.
 */
"use strict";

const INTERVAL_MS = 2000;
const WINDOW_MS = 60000;
const RATE_MS = 10000;
const NEAR = 0.8;
const FULL = 0.95;
const MAX_ROWS = 500;

const history = new Map(); // key of a row: [{time, counters}], oldest first
let sort = { key: null, isDescending: true };
let last = null;

const find = (selector) => document.querySelector(selector);

function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined && text !== null) made.textContent = text;
    if (className) made.className = className;
    return made;
}

/* ---- from the answer to rows ---- */

const total = (list) => (list || []).reduce((sum, member) => sum + member.value, 0);
const known = (value) => value !== undefined && value !== null;

function sumOf(list) {
    return list === undefined ? undefined : Array.isArray(list) ? total(list) : list;
}

/* The part of a counter that came within the last `span` ms, and how long that was. */
function recent(key, name, now, span) {
    const past = history.get(key) || [];
    const first = past.find((entry) => now - entry.time <= span);
    const latest = past[past.length - 1];
    if (!first || first === latest || !known(first.counters[name])) return { n: 0, seconds: 0 };
    return { n: latest.counters[name] - first.counters[name], seconds: (latest.time - first.time) / 1000 };
}

function remember(key, now, counters) {
    const past = history.get(key) || [];
    past.push({ time: now, counters });
    while (past.length > 2 && now - past[0].time > WINDOW_MS) past.shift();
    history.set(key, past);
}

function rate(key, name, now) {
    const { n, seconds } = recent(key, name, now, RATE_MS);
    return seconds > 0 ? n / seconds : undefined;
}

function rowOf(group, now) {
    const v = group.values, labels = group.labels;
    const key = JSON.stringify(labels);
    const counters = {
        sent: v.zmq_socket_sent_messages_total,
        received: v.zmq_socket_received_messages_total,
        dropped: sumOf(v.zmq_socket_dropped_messages_total),
        failures: sumOf(v.zmq_socket_handshake_failures_total),
        disconnects: v.zmq_socket_disconnects_total,
    };
    remember(key, now, counters);
    const row = {
        ...labels, ...counters, key,
        sockets: v.zmq_sockets || 0,
        peers: v.zmq_socket_peers,
        sendQueue: v.zmq_socket_send_queue_messages,
        sendHwm: v.zmq_socket_send_hwm_messages,
        sendFill: v.zmq_socket_send_hwm_proximity_ratio,
        receiveQueue: v.zmq_socket_receive_queue_messages,
        receiveHwm: v.zmq_socket_receive_hwm_messages,
        receiveFill: v.zmq_socket_receive_hwm_proximity_ratio,
        sentRate: rate(key, "sent", now),
        receivedRate: rate(key, "received", now),
        droppedRecent: recent(key, "dropped", now, WINDOW_MS).n,
        failuresRecent: recent(key, "failures", now, WINDOW_MS).n,
        disconnectsRecent: recent(key, "disconnects", now, WINDOW_MS).n,
        causes: v.zmq_socket_handshake_failures_total || [],
        reasons: v.zmq_socket_dropped_messages_total || [],
    };
    return { ...row, problems: problems(row) };
}

function forgetOthers(rows) {
    const present = new Set(rows.map((row) => row.key));
    for (const key of history.keys()) if (!present.has(key)) history.delete(key);
}

/* ---- words and numbers ---- */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const decimal = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

const count = (n) => (n >= 1e6 ? short.format(n) : whole.format(n));
const percent = (ratio) => `${Math.round(ratio * 100)} %`;
const rateText = (n) => (n >= 1000 ? count(n) : decimal.format(n));
const level = (ratio) => (ratio >= FULL ? "bad" : ratio >= NEAR ? "warn" : "");

function age(seconds) {
    const years = seconds / (365.25 * 86400);
    return years >= 1 ? `${decimal.format(years)} years` : `${whole.format(seconds / 86400)} days`;
}

function most(list, names) {
    const top = list.slice().sort((a, b) => b.value - a.value)[0];
    return top ? names.map((name) => top[name]).filter(Boolean).join(" ") : "";
}

/* What is wrong with a socket, in words. */
function problems(row) {
    const found = [];
    const say = (kind, text) => found.push({ kind, text });
    if (row.sendFill >= NEAR) say(level(row.sendFill), `send queue at ${percent(row.sendFill)} of its high water mark`);
    if (row.receiveFill >= NEAR) say(level(row.receiveFill), `receive queue at ${percent(row.receiveFill)} of its high water mark`);
    if (row.droppedRecent > 0) say("bad", `${count(row.droppedRecent)} dropped in the last minute (${most(row.reasons, ["reason"])})`);
    if (row.failuresRecent > 0) say("bad", `${count(row.failuresRecent)} handshakes failed in the last minute (${most(row.causes, ["cause", "detail"])})`);
    if (row.disconnectsRecent > 5) say("warn", `${count(row.disconnectsRecent)} connections lost in the last minute`);
    return found;
}

const isBad = (row) => row.problems.some((problem) => problem.kind === "bad");

/* ---- drawing ---- */

function cell(row, text, className) {
    const made = element("td", text, className);
    row.append(made);
    return made;
}

function numberCell(row, value, text, isBad) {
    if (!known(value)) return cell(row, "\u2013", "number unknown");
    return cell(row, text(value), `number ${value === 0 ? "zero" : isBad || ""}`);
}

function queueCell(row, depth, hwm, ratio) {
    const made = cell(row);
    if (!known(depth)) {
        made.append(element("div", null, "fill unknown"));
        made.firstChild.append(element("span", "\u2013"));
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
    made.append(box);
}

function socketRow(row) {
    const line = element("tr", null, row.sockets ? "" : "closed");
    cell(line, row.service, "service");
    cell(line, row.type, "type");
    cell(line, row.socket ? `${row.socket} (${row.endpoint})` : row.endpoint || "not bound or connected", "endpoint").title = row.endpoint;
    numberCell(line, row.peers, count);
    queueCell(line, row.sendQueue, row.sendHwm, row.sendFill);
    queueCell(line, row.receiveQueue, row.receiveHwm, row.receiveFill);
    numberCell(line, row.sentRate, rateText);
    numberCell(line, row.receivedRate, rateText);
    numberCell(line, row.dropped, count, row.droppedRecent ? "bad" : "");
    numberCell(line, row.failures, count, row.failuresRecent ? "bad" : "");
    numberCell(line, row.disconnects, count, row.disconnectsRecent > 5 ? "warn" : "");
    return line;
}

const worst = (row) => row.problems.reduce((sum, p) => sum + (p.kind === "bad" ? 100 : 10), 0) +
    Math.max(row.sendFill || 0, row.receiveFill || 0);

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
    const isWanted = (row) => (row.sockets > 0 || find("#closed").checked) &&
        words.every((word) => `${row.service} ${row.type} ${row.endpoint} ${row.socket || ""}`.toLowerCase().includes(word));
    const wanted = sorted(rows.filter(isWanted));
    find("#sockets tbody").replaceChildren(...wanted.slice(0, MAX_ROWS).map(socketRow));
    find("#sockets .scroll").hidden = wanted.length === 0;
    const empty = find("#sockets .empty");
    empty.hidden = wanted.length > 0 && wanted.length <= MAX_ROWS;
    empty.textContent = wanted.length > MAX_ROWS ? `${count(wanted.length - MAX_ROWS)} more; filter to see them.`
        : rows.length ? "No socket fits the filter."
        : "No tapped program yet. Start one with: zmq_exporter run -- PROGRAM";
}

function drawAttention(rows) {
    const found = rows.filter((row) => row.sockets > 0 && row.problems.length)
        .sort((a, b) => isBad(b) - isBad(a));
    find("#attention").hidden = found.length === 0;
    find("#attention ul").replaceChildren(...found.slice(0, 12).map((row) => {
        const item = element("li", null, isBad(row) ? "bad" : "warn");
        const name = element("b", row.service);
        name.append(element("span", `${row.type} ${row.endpoint}`));
        item.append(name, element("div", row.problems.map((problem) => problem.text).join("; ")));
        return item;
    }));
}

function tile(name, value, note, kind) {
    const made = element("div", null, `tile ${kind || ""}`);
    made.append(element("span", name), element("b", value), element("small", note));
    return made;
}

function drawTiles(answer, rows) {
    const open = rows.filter((row) => row.sockets > 0);
    const sum = (list, key) => list.reduce((n, row) => n + (row[key] || 0), 0);
    const has = (key) => rows.some((row) => known(row[key]));
    const near = open.filter((row) => Math.max(row.sendFill || 0, row.receiveFill || 0) >= NEAR);
    const full = near.filter((row) => Math.max(row.sendFill || 0, row.receiveFill || 0) >= FULL);
    const processes = answer.services.reduce((n, s) => n + (s.values.zmq_processes || 0), 0);
    const old = answer.libraries.filter((l) => l.values.zmq_library_releases_behind >= 3);
    const behind = answer.libraries.filter((l) => l.values.zmq_library_releases_behind > 0);
    const lost = (title, key) => (has(key)
        ? tile(title, count(sum(rows, key)), `${count(sum(rows, `${key}Recent`))} in the last minute`, sum(rows, `${key}Recent`) ? "bad" : "good")
        : tile(title, "\u2013", "not measured"));
    find("#tiles").replaceChildren(
        tile("Tapped processes", count(processes), `${count(sum(open, "sockets"))} open sockets`),
        tile("Peers", has("peers") ? count(sum(open, "peers")) : "\u2013", "handshake finished"),
        tile("Queues near HWM", count(near.length), `${count(full.length)} of them full`, full.length ? "bad" : near.length ? "warn" : "good"),
        lost("Dropped messages", "dropped"),
        lost("Handshake failures", "failures"),
        lost("Disconnects", "disconnects"),
        tile("Outdated libraries", count(old.length), behind.length > old.length ? `${count(behind.length - old.length)} a little behind` : "three or more releases old", old.length ? "warn" : "good"));
}

function libraryRow({ labels, values }) {
    const line = element("tr");
    const behind = values.zmq_library_releases_behind;
    cell(line, labels.version || "not known", `service ${labels.version ? "" : "unknown"}`);
    cell(line, !known(behind) ? "\u2013" : behind === 0 ? "the newest" :
        `${behind} ${behind === 1 ? "release" : "releases"} behind, ${age(values.zmq_library_release_age_seconds || 0)} old`, behind >= 3 ? "warn" : "");
    cell(line, labels.service, "service");
    cell(line, count(values.zmq_library_processes), "number");
    const replaced = values.zmq_library_replaced_on_disk;
    cell(line, replaced ? `${labels.path} (replaced on disk, restart to use the new one)` : labels.path, `file ${replaced ? "warn" : ""}`).title = labels.path;
    cell(line, labels.build_id ? labels.build_id.slice(0, 12) : "\u2013", "build").title = labels.build_id;
    return line;
}

function drawLibraries(answer) {
    const rows = answer.libraries.filter((l) => l.labels.path !== undefined)
        .sort((a, b) => (b.values.zmq_library_releases_behind || 0) - (a.values.zmq_library_releases_behind || 0) ||
            (a.labels.service < b.labels.service ? -1 : 1));
    find("#libraries tbody").replaceChildren(...rows.slice(0, MAX_ROWS).map(libraryRow));
    find("#libraries .scroll").hidden = rows.length === 0;
    const host = answer.libraries.find((l) => known(l.values.zmq_library_scanned_processes));
    const hidden = host ? host.values.zmq_library_unreadable_processes : 0;
    const empty = find("#libraries .empty");
    empty.hidden = rows.length > 0 && !hidden;
    empty.textContent = `${rows.length ? "" : "No running process has a libzmq loaded. "}` +
        (hidden ? `${count(hidden)} of ${count(host.values.zmq_library_scanned_processes)} processes could not be looked at: the exporter may not read them.` : "");
}

function draw() {
    if (!last) return;
    find("main").hidden = false;
    drawTiles(last.answer, last.rows);
    drawAttention(last.rows);
    drawSockets(last.rows);
    drawLibraries(last.answer);
}

function showState(state, text) {
    document.body.dataset.state = state;
    find("#state").textContent = text;
}

async function refresh() {
    try {
        const response = await fetch("api/v1/sockets", { cache: "no-store" });
        if (!response.ok) throw new Error(`status ${response.status}`);
        const answer = await response.json();
        const now = answer.time * 1000;
        last = { answer, rows: answer.sockets.map((group) => rowOf(group, now)) };
        forgetOthers(last.rows);
        draw();
        showState("live", `live, ${new Date(now).toLocaleTimeString()}`);
    } catch (error) {
        showState("lost", `no answer from the exporter (${error.message}); these are old numbers`);
    }
    setTimeout(refresh, INTERVAL_MS);
}

function sortBy(key) {
    const isText = ["service", "type", "endpoint"].includes(key);
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
