/* SPDX-License-Identifier: MPL-2.0 */
/* The page's smaller tables: libraries, probes, and the single sockets behind a row. */
import { DASH, age, cell, count, duration, element, known, numberCell, since, socketAddress } from "./words.js";

const MAX_ROWS = 500;

function fill(section, rows) {
    section.querySelector("tbody").replaceChildren(...rows.slice(0, MAX_ROWS));
    section.querySelector(".scroll").hidden = rows.length === 0;
}

/* One row for each file, whichever programs have it loaded. */
function gatherLibraries(entries) {
    const files = new Map();
    for (const { labels, values } of entries.filter((entry) => entry.labels.path !== undefined)) {
        const key = JSON.stringify([labels.version, labels.path, labels.build_id]);
        const file = files.get(key) || { ...labels, programs: [], processes: 0, replaced: 0 };
        file.programs.push(labels.program);
        file.processes += values.zmq_library_processes;
        file.replaced += values.zmq_library_replaced_on_disk;
        file.behind = values.zmq_library_releases_behind;
        file.age = values.zmq_library_release_age_seconds;
        files.set(key, file);
    }
    return [...files.values()].sort((a, b) => (b.behind || 0) - (a.behind || 0) || b.processes - a.processes);
}

function libraryRow(file) {
    const line = element("tr");
    cell(line, file.version || "not known", `version ${file.version ? "" : "unknown"}`);
    const releases = `${file.behind} ${file.behind === 1 ? "release" : "releases"} behind`;
    cell(line, !known(file.behind) ? DASH : file.behind === 0 ? "the newest"
        : known(file.age) ? `${releases}, ${age(file.age)} old` : releases, file.behind >= 3 ? "warn" : "");
    numberCell(line, file.processes, count);
    cell(line, file.programs.sort().join(", "), "programs");
    const path = cell(line, file.path, `file ${file.replaced ? "warn" : ""}`);
    path.title = file.path;
    if (file.replaced) path.append(element("div", `replaced on disk; ${count(file.replaced)} still run the old one`));
    cell(line, file.build_id ? file.build_id.slice(0, 12) : DASH, "build").title = file.build_id;
    return line;
}

export function drawLibraries(section, entries) {
    const files = gatherLibraries(entries);
    fill(section, files.map(libraryRow));
    const host = entries.find((entry) => known(entry.values.zmq_library_scanned_processes));
    const hidden = host ? host.values.zmq_library_unreadable_processes : 0;
    const empty = section.querySelector(".empty");
    empty.hidden = files.length > 0 && !hidden;
    empty.textContent = `${files.length ? "" : "No running process has a libzmq loaded. "}` +
        (hidden ? `${count(hidden)} of ${count(host.values.zmq_library_scanned_processes)} processes could not be looked at: the exporter may not read them.` : "");
}

/* A probe has several label sets: its own, and those of what its peer and its failure are. */
function gatherProbes(entries) {
    const probes = new Map();
    for (const { labels, values } of entries) {
        const key = JSON.stringify([labels.probe, labels.address]);
        const probe = probes.get(key) || { labels, values: {} };
        Object.assign(probe.values, values);
        if (values.zmq_probe_peer_info) probe.peer = labels;
        if (values.zmq_probe_failure_info) probe.failure = labels;
        probes.set(key, probe);
    }
    return [...probes.values()];
}

function probeRow({ labels, values, peer, failure }) {
    const line = element("tr");
    const total = (list) => (list || []).reduce((sum, member) => sum + member.value, 0);
    cell(line, labels.probe, "program");
    cell(line, labels.address, "address");
    if (!known(values.zmq_probe_success)) cell(line, "not tried yet", "unknown");
    else if (values.zmq_probe_success) cell(line, values.zmq_probe_connected === undefined ? "answers" : "connected", "good");
    else cell(line, failure ? `fails: ${failure.phase}, ${failure.cause} ${failure.detail}` : "fails", "bad");
    cell(line, peer ? [peer.socket_type, peer.mechanism, peer.zmtp && `ZMTP ${peer.zmtp}`].filter(Boolean).join(", ") : DASH, peer ? "" : "unknown");
    numberCell(line, values.zmq_probe_handshake_duration_seconds, duration);
    numberCell(line, total(values.zmq_probe_failures_total), count);
    numberCell(line, values.zmq_probe_disconnects_total, count);
    numberCell(line, values.zmq_probe_missed_messages_total, count, "bad");
    return line;
}

export function drawProbes(section, entries) {
    const probes = gatherProbes(entries)
        .sort((a, b) => (a.values.zmq_probe_success || 0) - (b.values.zmq_probe_success || 0) ||
            (a.labels.probe < b.labels.probe ? -1 : 1));
    section.hidden = probes.length === 0;
    fill(section, probes.map(probeRow));
}

/* What a number that is a bound is, and what is lost, by capability. */
const BOUNDS = {
    endings: "messages lost at a close or a disconnect are at least so many",
    publish_drops: "messages that publishers dropped are at most so many",
    durable: "who ends without warning loses what was counted in its last 0.1 s",
};
const MOST_NAMES = 5;

/* The first of them, and how many there are. */
function someOf(names) {
    const sorted = [...new Set(names)].sort();
    const shown = sorted.slice(0, MOST_NAMES).join(", ");
    const n = sorted.length - MOST_NAMES;
    return n > 0 ? `${shown} and ${count(n)} more ${n === 1 ? "program" : "programs"}` : shown;
}

/* What the tap cannot measure, or only bound, in some process; so that a dash has its reason. */
export function drawLimits(place, programs) {
    const limits = new Map();
    for (const { labels, values } of programs) {
        for (const member of values.zmq_tap_capability || []) {
            if (member.state === "on") continue;
            const name = member.capability.replaceAll("_", " ");
            const bound = BOUNDS[member.capability] || `${name} is a bound`;
            const text = member.state === "bound" ? bound : `${name} cannot be measured`;
            limits.set(text, [...(limits.get(text) || []), labels.program]);
        }
    }
    place.hidden = limits.size === 0;
    place.textContent = [...limits].map(([text, names]) => `${text}: ${someOf(names)}`).join("; ");
}

/* Columns of single sockets: title, how to write a field, name of the field. */
const FIELDS = [
    ["Open for", (v, now) => since(now - v), "opened_timestamp_seconds"],
    ["Peers", count, "peers"],
    ["Send queue", count, "send_queue_messages"],
    ["Oldest to send", duration, "send_queue_oldest_message_age_seconds"],
    ["Receive queue", count, "receive_queue_messages"],
    ["Oldest to receive", duration, "receive_queue_oldest_message_age_seconds"],
    ["Last sent", (v, now) => `${since(now - v)} ago`, "last_sent_timestamp_seconds"],
    ["Last received", (v, now) => `${since(now - v)} ago`, "last_received_timestamp_seconds"],
    ["Linger", (v) => (v < 0 ? "for ever" : `${v} ms`), "linger"],
    ["Heartbeat", (v) => (v > 0 ? `${v} ms` : "off"), "heartbeat_ivl"],
    ["Largest message", (v) => (v < 0 ? "no limit" : `${v.toLocaleString("en")} bytes`), "maxmsgsize"],
];

/* A row under a group's: its open sockets one by one. `answer` is null while it is awaited. */
export function detailRow(answer, columns, now) {
    const line = element("tr", null, "detail");
    const place = cell(line);
    place.colSpan = columns;
    if (!answer || answer.open.length === 0) {
        place.textContent = answer ? "No open socket." : "\u2026";
        return line;
    }
    const fields = FIELDS.filter(([, , name]) => answer.open.some((socket) => known(socket.fields[name])));
    const table = element("table"), head = element("tr");
    head.append(...["Process", "Program", "libzmq"].map((title) => element("th", title)),
        ...fields.map(([title]) => element("th", title, "number")));
    table.append(head, ...answer.open.map((socket) => {
        const row = element("tr");
        const link = element("a", String(socket.pid));
        link.href = socketAddress({ ...socket, serial: socket.fields.serial });
        cell(row, null, socket.is_silent ? "warn" : "").append(link, socket.is_silent ? ", silent" : "");
        cell(row, socket.command);
        cell(row, socket.library || DASH);
        for (const [, text, name] of fields) numberCell(row, socket.fields[name], (v) => text(v, now));
        return row;
    }));
    place.append(table);
    if (!answer.is_complete) place.append(element("p", "There are more."));
    return line;
}
